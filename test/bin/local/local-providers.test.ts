import { describe, expect, test } from '@jest/globals';
import { localProviders } from '../../../bin/local/local-providers.ts';
import { defineGateway } from '../../../lambda/config/define-gateway.ts';

const namesOf = (
  providers: Parameters<typeof defineGateway>[0]['providers'],
  environment: Readonly<Record<string, string>>,
): readonly string[] => [...localProviders(defineGateway({ providers }), environment).providers.keys()];

describe('a provider of a local server', () => {
  test('is on where its usual credential is there', () => {
    expect(namesOf({}, { GEMINI_API_KEY: 'k' })).toContain('gemini');
    expect(namesOf({}, {})).not.toContain('gemini');
  });

  test('is off without a credential, though it is declared', () => {
    expect(namesOf({ azure: {} }, {})).not.toContain('azure');
  });

  test('is asked for where it is declared and has a credential: a missing address is told, with an example', () => {
    expect(() => namesOf({ azure: {} }, { AZURE_OPENAI_API_KEY: 'k' })).toThrow(
      /provider "azure" needs a baseUrl, such as https:/,
    );
  });

  test('is off where only its credential is there, and its address is not known', () => {
    expect(namesOf({}, { AZURE_OPENAI_API_KEY: 'k' })).not.toContain('azure');
  });
});
