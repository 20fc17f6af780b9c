import { describe, expect, test } from '@jest/globals';
import { environmentCredentials } from '../../../lambda/adapters/secrets/environment-credentials.ts';
import { providerId } from '../../../lambda/domain/ids.ts';

const OPENAI = providerId('openai');
const variables = (provider: string): string | undefined =>
  provider === 'sim' ? undefined : `${provider.toUpperCase()}_API_KEY`;

describe('credentials from the environment', () => {
  test('are the value of the provider’s variable', async () => {
    const credentials = environmentCredentials({ OPENAI_API_KEY: ' one ' }, variables);
    expect(await credentials.get(OPENAI)).toBe('one');
  });

  test('are undefined where there is no variable, no value, or a blank one', async () => {
    const credentials = environmentCredentials({ OPENAI_API_KEY: ' , ' }, variables);
    expect(await credentials.get(OPENAI)).toBeUndefined();
    expect(await credentials.get(providerId('anthropic'))).toBeUndefined();
    expect(await credentials.get(providerId('sim'))).toBeUndefined();
  });

  test.each(['{"keys":["one","two"', '["one","two"', '{"type":"service_account","private_key":"a,b"'])(
    'count as none where a list or an object is cut short: %s',
    async (text) => {
      const credentials = environmentCredentials({ OPENAI_API_KEY: text }, variables);
      expect(await credentials.get(OPENAI)).toBeUndefined();
    },
  );

  test('take turns where there are several', async () => {
    const credentials = environmentCredentials({ OPENAI_API_KEY: 'one, two,three' }, variables);
    const dealt = await Promise.all(Array.from({ length: 6 }, () => credentials.get(OPENAI)));
    expect(dealt).toEqual(['one', 'two', 'three', 'one', 'two', 'three']);
  });

  test('avoid a key that was just refused, where there is another', async () => {
    const credentials = environmentCredentials({ OPENAI_API_KEY: 'one,two' }, variables);
    for (let count = 0; count < 3; count += 1)
      expect(await credentials.get(OPENAI, { refused: 'one' })).toBe('two');
    const single = environmentCredentials({ OPENAI_API_KEY: 'one' }, variables);
    expect(await single.get(OPENAI, { refused: 'one' })).toBe('one');
  });

  test('are read again each time', async () => {
    const environment: Record<string, string> = { OPENAI_API_KEY: 'old' };
    const credentials = environmentCredentials(environment, variables);
    expect(await credentials.get(OPENAI)).toBe('old');
    environment['OPENAI_API_KEY'] = 'new';
    expect(await credentials.get(OPENAI, { refused: 'old' })).toBe('new');
  });

  test('refuse a key of Sluice, without repeating it', async () => {
    const credentials = environmentCredentials({ OPENAI_API_KEY: 'good,sk-slu-abcdef' }, variables);
    const error = await credentials.get(OPENAI).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'GatewayError', code: 'upstream_authentication_failed' });
    expect(String(error)).not.toContain('abcdef');
  });
});
