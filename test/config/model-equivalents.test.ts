import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { defineGateway } from '../../lambda/config/define-gateway.ts';
import { equivalentsOf, sameModel } from '../../lambda/config/model-equivalents.ts';
import { deriveEquivalents, equivalentsText } from '../../scripts/model-equivalents/derive.ts';
import { familyOf } from '../../scripts/model-equivalents/family.ts';
import { readCatalogue } from '../../scripts/price-catalogue/catalogue.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'lambda', 'config');
const { models } = readCatalogue(join(CONFIG, 'price-catalogue.json'));
const text = readFileSync(join(CONFIG, 'model-equivalents.json'), 'utf8');
const families: Readonly<Record<string, readonly string[]>> = JSON.parse(text);
const listed = Object.values(families).flat();
const anyModel = fc.oneof(fc.constantFrom(...listed), fc.string());
const areSame = (a: string, b: string): boolean => a === b || equivalentsOf(a).includes(b);

describe('the table of equivalent models', () => {
  test('is what the script derives from the catalogue as it is', () => {
    expect(text).toBe(equivalentsText(deriveEquivalents(models)));
  });

  test('holds models that the catalogue lists for chat, each once, and of at least two providers in a family', () => {
    for (const name of listed) {
      const [provider = '', ...model] = name.split('/');
      expect(models.get(provider)?.get(model.join('/'))?.mode).toBe('chat');
    }
    expect(new Set(listed).size).toBe(listed.length);
    for (const members of Object.values(families))
      expect(new Set(members.map((name) => name.split('/')[0])).size).toBeGreaterThan(1);
  });

  test('is an equivalence relation', () => {
    const property = fc.property(anyModel, anyModel, anyModel, (a, b, c) => {
      expect(areSame(a, a)).toBe(true);
      expect(areSame(a, b)).toBe(areSame(b, a));
      if (areSame(a, b) && areSame(b, c)) expect(areSame(a, c)).toBe(true);
    });
    fc.assert(property);
    for (const members of Object.values(families))
      for (const a of members) expect([a, ...equivalentsOf(a)].toSorted()).toEqual(members.toSorted());
  });

  test('knows the families that are asked for most', () => {
    expect(Object.keys(families).length).toBeGreaterThan(150);
    expect(families).toMatchObject({
      'claude-sonnet-4-5': expect.arrayContaining([
        'anthropic/claude-sonnet-4-5',
        'bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
        'vertex/claude-sonnet-4-5@20250929',
        'openrouter/anthropic/claude-sonnet-4.5',
      ]),
      'gpt-4-1': expect.arrayContaining(['openai/gpt-4.1', 'azure/gpt-4.1']),
      'gemini-2-5-pro': expect.arrayContaining(['gemini/gemini-2.5-pro', 'vertex/gemini-2.5-pro']),
      'llama-3-3-70b-instruct': expect.arrayContaining([
        'groq/llama-3.3-70b-versatile',
        'cerebras/llama-3.3-70b',
        'fireworks/accounts/fireworks/models/llama-v3p3-70b-instruct',
        'bedrock/meta.llama3-3-70b-instruct-v1:0',
      ]),
      'gpt-oss-120b': expect.arrayContaining(['groq/openai/gpt-oss-120b', 'bedrock/openai.gpt-oss-120b-1:0']),
    });
  });
});

describe('a family', () => {
  test.each([
    ['a snapshot of a version that had several', 'anthropic', 'claude-3-5-sonnet-20240620'],
    ['what changes from time to time', 'mistral', 'mistral-large-latest'],
    ['a name without its version', 'cohere', 'command-r-plus'],
    ['a provider’s own way to be faster', 'deepinfra', 'meta-llama/Llama-3.3-70B-Instruct-Turbo'],
    ['the price of a region', 'azure', 'gpt-5@eu'],
    ['a snapshot that there never was', 'bedrock', 'anthropic.claude-3-7-sonnet-20240620-v1:0'],
  ])('is not told of %s', (_what, provider, model) => {
    expect(familyOf(provider, model)).toBeUndefined();
  });

  test('keeps two snapshots of OpenAI’s apart', () => {
    expect(familyOf('openai', 'gpt-4o-2024-08-06')).not.toBe(familyOf('openai', 'gpt-4o-2024-11-20'));
  });
});

describe('sameModel', () => {
  test('gives the deployments of a model group', () => {
    const deployments = sameModel('anthropic/claude-sonnet-4-5', ['bedrock/eu.', 'vertex']);
    expect(deployments).toEqual([
      { provider: 'anthropic', model: 'claude-sonnet-4-5' },
      { provider: 'bedrock', model: 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0' },
      { provider: 'vertex', model: 'claude-sonnet-4-5' },
    ]);
    const config = defineGateway({
      providers: { anthropic: {}, bedrock: { baseUrl: 'https://b.example' }, vertex: {} },
      modelGroups: { sonnet: { deployments: [...deployments] } },
    });
    expect(config.modelGroups[0]?.deployments.map(({ provider }) => provider)).toEqual([
      'anthropic',
      'bedrock',
      'vertex',
    ]);
  });

  test('says who has a model where a provider has not', () => {
    expect(() => sameModel('openai/gpt-4.1', ['groq'])).toThrow(
      /groq is not known to have openai\/gpt-4\.1\. It is known as azure\/gpt-4\.1/,
    );
    expect(() => sameModel('nobody/knows', ['groq'])).toThrow('No other provider is.');
  });
});
