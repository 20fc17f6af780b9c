import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { loadOperatorConfig, providersWithCredential } from '../../lib/operator-config.ts';
import { CONFIG_FILE, PROJECT } from './synth.ts';

const fixture = (name: string): string => join(PROJECT, 'test', 'fixtures', 'deployment', name);

test('loads a TypeScript configuration at once', () => {
  expect(Object.keys(loadOperatorConfig(CONFIG_FILE).providers)).toContain('in-house');
});

test('loads the configuration that Sluice comes with', () => {
  expect(providersWithCredential(loadOperatorConfig(join(PROJECT, 'gateway.config.ts')))).toEqual([
    'openai',
    'anthropic',
  ]);
});

test('asks for a credential by what a provider is, not by what it is called', () => {
  expect(providersWithCredential(loadOperatorConfig(CONFIG_FILE))).toEqual([
    'openai',
    'anthropic',
    'in-house',
  ]);
});

test('names the file that exports something else', () => {
  expect(() => loadOperatorConfig(fixture('not-a-config.ts'))).toThrow(/not-a-config\.ts: export what/);
});

test('names the file that is not there', () => {
  expect(() => loadOperatorConfig(fixture('missing.ts'))).toThrow(/missing\.ts/);
});

describe('refuses to deploy what could not start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const load = (providers: string): unknown => {
    const file = join(folder, `${providers.replaceAll(/\W+/g, '-')}.ts`);
    const module = join(PROJECT, 'lambda/config/define-gateway.ts');
    writeFileSync(
      file,
      `import { defineGateway } from '${module}';\nexport default defineGateway({ providers: ${providers} });\n`,
    );
    return loadOperatorConfig(file);
  };

  test('a provider of a kind that there is not', () => {
    expect(() => load('{ openai: {}, gemni: {} }')).toThrow('provider "gemni" is of the kind "gemni"');
  });

  test.each(['bedrock', 'vertex', 'azure'])('%s without the address that only the operator knows', (kind) => {
    expect(() => load(`{ ${kind}: {} }`)).toThrow(/needs a baseUrl, such as https:/);
  });
});
