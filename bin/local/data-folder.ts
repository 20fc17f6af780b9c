import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a local server keeps between starts. */
export interface DataFolder {
  /** The engine's database. */
  readonly databasePath: string;
  /** A secret of this name: as given, or as kept, or made now and kept. Readable by its owner only. */
  secret(name: string, given: string | undefined, make: () => string): string;
}

/** Opens the folder, making it where it is not there. */
export function openDataFolder(path: string): DataFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return {
    databasePath: join(path, 'sluice.db'),
    secret(name, given, make) {
      const file = join(path, name);
      if (given === undefined && existsSync(file)) return readFileSync(file, 'utf8').trim();
      const secret = given ?? make();
      writeFileSync(file, `${secret}\n`, { mode: 0o600 });
      return secret;
    },
  };
}
