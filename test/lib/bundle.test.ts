import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from '@jest/globals';
import { bundleFunction, describeBundle } from '../../lib/bundle.ts';
import { startFakeS3Vectors } from '../support/fake-s3-vectors.ts';
import { startTokenServer } from '../support/token-server.ts';
import { CLOUDS_CONFIG_FILE, CONFIG_FILE, PROJECT, SEMANTIC_CONFIG_FILE } from './synth.ts';

const ENTRY = join(PROJECT, 'test', 'fixtures', 'deployment', 'handler.ts');
const BUNDLER = join(PROJECT, 'lib', 'bundle.ts');
const directory = mkdtempSync(join(tmpdir(), 'sluice-bundle-test-'));
const bundle = join(directory, 'index.mjs');

// As the deployment does it: in a process of its own.
execFileSync(process.execPath, [BUNDLER, '--entry', ENTRY, '--out', directory, '--config', CONFIG_FILE]);

afterAll(() => rmSync(directory, { recursive: true }));

/** Runs the bundle in a fresh Node, away from the project's packages, and gives what the expression gives there. */
async function inBundle(
  expression: string,
  env: Record<string, string> = {},
  file = bundle,
): Promise<unknown> {
  const program = `
    const { handler, credentials, nearestAt, providerKinds, signatureOf, tablesAt, tokenOf } = await import(process.argv[1]);
    process.stdout.write(JSON.stringify(await (${expression})));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program, file],
    { cwd: directory, env },
  );
  return JSON.parse(stdout);
}

describe('a bundle', () => {
  test('runs without the project, with the configuration and the prices of its operator', async () => {
    expect(await inBundle('handler()')).toEqual({
      providers: ['openai', 'anthropic', 'in-house', 'sim', 'second-sim'],
      prices: {
        header: { date: '2026-11-20' },
        models: { größer: { 'model-ä': 1 }, other: { 'model-b': 2 }, none: {} },
      },
      region: 'eu-central-1',
      https: 'function',
    });
  });

  test('loads without undici, although the AWS SDK is in it', async () => {
    const modules = await inBundle('process.moduleLoadList');
    expect(modules).toContain('NativeModule https');
    expect(modules).not.toContainEqual(expect.stringContaining('undici'));
  });

  test('calls DynamoDB without loading the streams of the web, or looking for files of configuration', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/x-amz-json-1.0');
      response.end(JSON.stringify({ TableNames: ['a-table'] }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const env = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };
      const called = `tablesAt('http://127.0.0.1:${port}').then((tables) => [tables, process.moduleLoadList])`;
      const [tables, modules] = (await inBundle(called, env)) as readonly string[][];
      expect(tables).toEqual(['a-table']);
      expect(modules).toContain('NativeModule https');
      expect(modules).not.toContainEqual(expect.stringContaining('webstreams'));
      expect(modules).not.toContain('NativeModule fs/promises');
    } finally {
      server.close();
    }
  });

  test('holds no client of Amazon S3 Vectors without a semantic cache', () => {
    const parts = readdirSync(directory).filter((name) => name.endsWith('.mjs'));
    for (const name of parts)
      expect(readFileSync(join(directory, name), 'utf8')).not.toContain('QueryVectors');
  });

  test('with a semantic cache, it calls Amazon S3 Vectors, whose client is loaded on demand', async () => {
    const outputDirectory = mkdtempSync(join(tmpdir(), 'sluice-bundle-test-'));
    await bundleFunction({ entry: ENTRY, outputDirectory, configFile: SEMANTIC_CONFIG_FILE });
    const semantic = join(outputDirectory, 'index.mjs');
    const fake = await startFakeS3Vectors(2);
    try {
      const env = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };
      const found = await inBundle(`nearestAt('${fake.url}', '${fake.indexArn}')`, env, semantic);
      expect(found).toEqual({ id: 'a', similarity: 1 });
      expect(readFileSync(semantic, 'utf8')).not.toContain('QueryVectors');
    } finally {
      await fake.close();
      rmSync(outputDirectory, { recursive: true });
    }
  });

  test('knows the declared providers and no others, and holds no library of Google’s', async () => {
    expect(await inBundle('providerKinds()')).toEqual([
      'openai',
      'anthropic',
      'custom',
      'sim',
      'sim-anthropic',
    ]);
    for (const name of readdirSync(directory).filter((file) => file.endsWith('.mjs')))
      expect(readFileSync(join(directory, name), 'utf8')).not.toContain('urn:ietf:params:oauth');
  });

  test('signs for Bedrock and gets tokens for Vertex AI, with libraries that are loaded on demand', async () => {
    const outputDirectory = mkdtempSync(join(tmpdir(), 'sluice-bundle-test-'));
    await bundleFunction({ entry: ENTRY, outputDirectory, configFile: CLOUDS_CONFIG_FILE });
    const clouds = join(outputDirectory, 'index.mjs');
    const tokens = await startTokenServer();
    try {
      expect(await inBundle(`tokenOf(${JSON.stringify(tokens.account)})`, {}, clouds)).toEqual({
        authorization: 'Bearer token-1',
      });
      const env = { AWS_ACCESS_KEY_ID: 'AKIDROLE', AWS_SECRET_ACCESS_KEY: 'secret' };
      const signed = `signatureOf('https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse')`;
      expect(await inBundle(signed, env, clouds)).toMatchObject({
        authorization: expect.stringMatching(
          /^AWS4-HMAC-SHA256 Credential=AKIDROLE\/\d{8}\/eu-west-1\/bedrock/,
        ),
      });
      expect(readFileSync(clouds, 'utf8')).not.toContain('urn:ietf:params:oauth');
    } finally {
      await tokens.close();
      rmSync(outputDirectory, { recursive: true });
    }
  });

  test('finds its credentials in the environment', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'from-environment', AWS_SECRET_ACCESS_KEY: 'secret' };
    expect(await inBundle('credentials()', env)).toBe('from-environment');
  });

  test('finds its credentials at the address that the environment names', async () => {
    const server = createServer((_request, response) => {
      const Expiration = new Date(Date.now() + 3_600_000).toISOString();
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          AccessKeyId: 'from-address',
          SecretAccessKey: 'secret',
          Token: 'token',
          Expiration,
        }),
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/credentials` };
      expect(await inBundle('credentials()', env)).toBe('from-address');
    } finally {
      server.close();
    }
  });

  test('leaves out the clients that search for other credentials', () => {
    expect(readFileSync(bundle, 'utf8')).not.toMatch(/GetRoleCredentials|AssumeRoleWithWebIdentity/);
  });

  test('has its source map and the price catalogue beside it, not in it', () => {
    const names = readdirSync(directory).sort();
    const whole = names.filter((name) => !/^part-\w+\.mjs(?:\.map)?$/.test(name));
    expect(whole).toEqual(['index.mjs', 'index.mjs.map', 'price-catalogue.jsonl']);
    for (const name of names.filter((each) => each.endsWith('.mjs'))) expect(names).toContain(`${name}.map`);
    expect(readFileSync(bundle, 'utf8')).toMatch(/\/\/# sourceMappingURL=index\.mjs\.map\n$/);
    expect(readFileSync(bundle, 'utf8')).not.toContain('"model-b"');
  });

  test('is listed by size, packages as one line each', async () => {
    const again = mkdtempSync(join(directory, 'again-'));
    const metafile = await bundleFunction({ entry: ENTRY, outputDirectory: again, configFile: CONFIG_FILE });
    const lines = describeBundle(metafile);
    const titles = lines.flatMap((line, index) => (line.includes('  in all, ') ? [index] : []));
    expect(lines[0]).toMatch(/in all, loaded at the start$/);
    expect(
      lines.slice(0, titles[1]).filter((line) => line.endsWith('  @aws-sdk/client-dynamodb')),
    ).toHaveLength(1);
    for (const [index, from] of titles.entries()) {
      const sizes = lines.slice(from, titles[index + 1]).map((line) => Number.parseFloat(line));
      expect(sizes).toEqual(sizes.toSorted((left, right) => right - left));
    }
  });
});

test('the bundler names the fault and fails when the handler does not compile', () => {
  const missing = ['--entry', join(directory, 'missing.ts'), '--out', directory];
  expect(() => execFileSync(process.execPath, [BUNDLER, ...missing], { stdio: 'pipe' })).toThrow(
    /Could not resolve/,
  );
});

test('the bundler says how it is called', () => {
  expect(() => execFileSync(process.execPath, [BUNDLER], { stdio: 'pipe' })).toThrow(/Usage: bundle\.ts/);
});
