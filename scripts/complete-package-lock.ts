import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/**
 * Gives package-lock.json an entry for every platform package that npm left out because it could not be had when the lock
 * was made (a registry need not hold them all). npm 11 and later refuse to `npm ci` without them. Run it after each
 * `npm install` that changes the lock: `node scripts/complete-package-lock.ts`.
 * @see https://github.com/npm/cli/issues/4828
 */
const LOCK = join(import.meta.dirname, '..', 'package-lock.json');

const lockShape = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      dev: z.boolean().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

const OPERATING_SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'] as const;
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'] as const;

/** What a platform package's name says of where it runs: `@oxlint/binding-linux-arm64-musl`. */
function platformOf(name: string): object {
  const words = name.split(/[/-]/);
  const os = OPERATING_SYSTEMS.find((word) => words.includes(word));
  const cpu = PROCESSORS.find((word) => words.includes(word));
  if (os === undefined && cpu === undefined)
    throw new Error(`${name}: no platform package; install it first.`);
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : undefined;
  return {
    ...(os !== undefined && { os: [os] }),
    ...(cpu !== undefined && { cpu: [cpu] }),
    ...(libc !== undefined && { libc: [libc] }),
  };
}

const lock = lockShape.parse(JSON.parse(readFileSync(LOCK, 'utf8')));
const missing = Object.entries(lock.packages).flatMap(([path, { dev, optionalDependencies = {} }]) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => lock.packages[`${path}/node_modules/${name}`] === undefined)
    .filter(([name]) => lock.packages[`node_modules/${name}`] === undefined)
    .map(([name, range]) => {
      const version = range.replace(/^[\^~]/, '');
      return [
        `node_modules/${name}`,
        { version, ...platformOf(name), ...(dev === true && { dev }), optional: true },
      ] as const;
    }),
);
const packages = Object.entries({ ...lock.packages, ...Object.fromEntries(missing) });
packages.sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(LOCK, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`);
console.log(`${missing.length} platform packages added to package-lock.json.`);
