import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Agent } from './agent.ts';

const INSTALL_WITHIN_MS = 10 * 60_000;

/**
 * Installs an agent from npm into a folder of its own, unless this version is there already.
 * @returns the program
 */
export async function install(agent: Agent, folder: string): Promise<string> {
  const place = join(folder, `${agent.binary}-${agent.version}`);
  const program = join(place, 'node_modules', '.bin', agent.binary);
  if (existsSync(program)) return program;
  mkdirSync(place, { recursive: true });
  const manifest = {
    private: true,
    dependencies: { [agent.packageName]: agent.version },
    // Some fetch or place their program only then. Scripts of what they depend on stay off.
    allowScripts: { [agent.packageName]: true },
  };
  writeFileSync(join(place, 'package.json'), JSON.stringify(manifest));
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund'], {
    cwd: place,
    timeout: INSTALL_WITHIN_MS,
  });
  return program;
}
