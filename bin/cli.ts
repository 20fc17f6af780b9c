#!/usr/bin/env node
// Nothing else is imported before the version is known: older versions fail on the rest with a riddle.
const NEEDED_NODE_VERSION = 24;

if (Number.parseInt(process.versions.node, 10) < NEEDED_NODE_VERSION) {
  console.error(
    `sluice needs Node ${NEEDED_NODE_VERSION} or newer, and runs under ${process.versions.node}. In the project's folder, "npx sluice" uses the right one.`,
  );
  process.exitCode = 1;
} else {
  const { runCli } = await import('./cli/run-cli.ts');
  process.exitCode = await runCli(process.argv.slice(2), process.env);
}
