import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { OPERATION_OF } from '../../lambda/dialects/dialect.ts';
import { PROVIDERS } from '../../lambda/providers/registry.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Who may import whom, besides itself. Keys are folders (the longest that fits counts), values are beginnings of what is
 * imported: project paths, packages, `node:`. A folder that is not here fails.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'lambda/domain': ['zod/mini'],
  'lambda/schema': [],
  'lambda/ports': ['lambda/domain'],
  'lambda/dialects': ['lambda/domain', 'zod/mini'],
  'lambda/providers': ['lambda/domain', 'lambda/dialects', 'zod/mini'],
  'lambda/config': ['lambda/domain', 'zod/mini'],
  'lambda/pipeline': [
    'lambda/domain',
    'lambda/ports',
    'lambda/providers/contract.ts',
    'lambda/dialects/dialect.ts',
    'lambda/dialects/request-feature.ts',
  ],
  'lambda/upkeep': [
    'lambda/domain',
    'lambda/ports',
    'lambda/providers/contract.ts',
    'lambda/dialects/dialect.ts',
    'lambda/dialects/request-feature.ts',
    'lambda/pipeline',
  ],
  'lambda/http': ['lambda/domain', 'lambda/ports', 'lambda/pipeline', 'lambda/dialects'],
  'lambda/admin': ['lambda/domain', 'lambda/ports', 'lambda/http', 'lambda/schema', 'zod/mini', '@middy/'],
  'lambda/platform': ['node:', 'lambda/http/message.ts'],
  'lambda/adapters': [
    'lambda/domain',
    'lambda/ports',
    'lambda/schema',
    'node:',
    '@aws-sdk/',
    '@aws-lambda-powertools/',
    '@smithy/signature-v4',
    'google-auth-library',
  ],
  'lambda/handlers': ['lambda/', 'node:', '@middy/', '#gateway-config'],
  // The credential providers stand in code that is given to the bundler as text.
  lib: [
    'aws-cdk-lib',
    'constructs',
    'cdk-nag',
    'esbuild',
    'node:',
    'lambda/schema',
    'lambda/config',
    // Whether a declared provider can be called is known before it is deployed.
    'lambda/providers/declared.ts',
    '@aws-sdk/credential-provider-env',
    '@aws-sdk/credential-provider-http',
  ],
  'bin/sluice.ts': ['lib/', 'aws-cdk-lib', 'constructs', 'cdk-nag', 'node:', 'zod'],
  bin: ['lambda/', 'node:', 'zod', '@smithy/signature-v4', '@aws-sdk/credential-provider-node'],
};

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|(?:^|\n)import\s*['"]([^'"]+)['"]/g;

interface Import {
  readonly file: string;
  readonly target: string;
}

const files = globSync(['lambda/**/*.ts', 'lib/**/*.ts', 'bin/**/*.ts'], { cwd: ROOT });

const imports: readonly Import[] = files.flatMap((file) =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(IMPORT)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    const target = specifier.startsWith('.')
      ? relative(ROOT, join(ROOT, dirname(file), specifier))
      : specifier;
    return { file, target };
  }),
);

const layerOf = (path: string): string | undefined =>
  Object.keys(MAY_IMPORT)
    .filter((layer) => path === layer || path.startsWith(`${layer}/`))
    .toSorted((a, b) => b.length - a.length)[0];

const fits = (target: string, allowed: string): boolean =>
  target === allowed ||
  target.startsWith(allowed.endsWith('/') || allowed.endsWith(':') ? allowed : `${allowed}/`);

/** Whether a dialect is one of conversations. */
const isOfChat = (id: string): boolean =>
  Object.entries(OPERATION_OF).some(([dialect, operation]) => dialect === id && operation === 'chat');

/** Formats that are read as another one: a text completion is a conversation's answer whose text stands elsewhere. */
const READ_AS: Readonly<Record<string, string>> = { 'openai-completions': 'openai-chat' };

describe('layers', () => {
  test('the scan sees the code', () => {
    expect(imports.length).toBeGreaterThan(300);
  });

  test('every file stands in a layer', () => {
    expect(files.filter((file) => layerOf(file) === undefined)).toEqual([]);
  });

  test.each(Object.entries(MAY_IMPORT))('%s imports only what it may', (layer, allowed) => {
    const own = imports.filter(({ file }) => layerOf(file) === layer);
    const wrong = own.filter(
      ({ target }) => layerOf(target) !== layer && !allowed.some((beginning) => fits(target, beginning)),
    );
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  test('a provider imports itself, the contract and what they share, never another provider', () => {
    const wrong = imports.filter(({ file, target }) => {
      const own = /^lambda\/providers\/([^/]+)\//.exec(file)?.[1];
      if (own === undefined || !target.startsWith('lambda/providers/')) return false;
      return !new RegExp(
        `^lambda/providers/(${own}/|simulation/|contract\\.ts$|openai-compatible\\.ts$)`,
      ).test(target);
    });
    expect(wrong).toEqual([]);
  });

  test('a dialect imports itself and what all share, never another dialect, but for the conversation it is beside', () => {
    const wrong = imports.filter(({ file, target }) => {
      const own = /^lambda\/dialects\/([^/]+)\//.exec(file)?.[1];
      if (own === undefined || !target.startsWith('lambda/dialects/')) return false;
      const other = /^lambda\/dialects\/([^/]+)\//.exec(target)?.[1];
      if (other === undefined || other === own || other === READ_AS[own]) return false;
      // A format of another operation words its errors and counts its usage as the conversations of its family do.
      return isOfChat(own) || !isOfChat(other);
    });
    expect(wrong).toEqual([]);
  });

  test('what dialects share imports none of them, but for the lists of them all', () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        /^lambda\/dialects\/(?!registry|operation-dialects)[^/]+$/.test(file) &&
        /^lambda\/dialects\/[^/]+\//.test(target),
    );
    expect(wrong).toEqual([]);
  });

  test('only handlers and bin read the environment', () => {
    const readers = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').includes('process.env'));
    // The bundler's files write code that reads it, and read nothing themselves.
    expect(
      readers.filter((file) => !/^(lambda\/handlers|bin)\/|^lib\/(bundle|lean-sdk)\.ts$/.test(file)),
    ).toEqual([]);
  });
});

describe('the shape of a dialect and of a provider', () => {
  const foldersIn = (folder: string): readonly string[] => [
    ...new Set(globSync(`${folder}/*/*.ts`, { cwd: ROOT }).map((file) => dirname(file))),
  ];

  test.each(foldersIn('lambda/dialects'))('%s has a dialect.ts', (folder) => {
    expect(files).toContain(`${folder}/dialect.ts`);
  });

  test.each(foldersIn('lambda/dialects').filter((folder) => isOfChat(relative('lambda/dialects', folder))))(
    '%s has the files every dialect of conversations has',
    (folder) => {
      const names = files.filter((file) => dirname(file) === folder).map((file) => relative(folder, file));
      expect(names).toEqual(
        expect.arrayContaining([
          'dialect.ts',
          'errors.ts',
          'request.ts',
          'response.ts',
          'stream.ts',
          'wire.ts',
        ]),
      );
    },
  );

  const providers = foldersIn('lambda/providers').filter((folder) => !folder.endsWith('/simulation'));

  test('the registry knows the provider of every folder, and no other', () => {
    const known = PROVIDERS.map(({ id }) => `lambda/providers/${id}`);
    expect(known.toSorted()).toEqual(providers.toSorted());
  });

  // What each provider must say is in test/providers/registry.test.ts.
  test.each(providers)('%s has a provider.ts that exports one provider, named as the folder is', (folder) => {
    expect(files).toContain(`${folder}/provider.ts`);
    const source = readFileSync(join(ROOT, folder, 'provider.ts'), 'utf8');
    const name = relative('lambda/providers', folder).toUpperCase().replaceAll('-', '_');
    expect([...source.matchAll(/^export const (\w+)/gm)].map(([, exported]) => exported)).toEqual([name]);
  });
});
