import { describe, expect, test } from '@jest/globals';
import { findProvider, PROVIDERS } from '../../lambda/providers/registry.ts';

describe('the providers', () => {
  test('are found by their kind', () => {
    expect(PROVIDERS.map(({ id }) => findProvider(id))).toEqual(PROVIDERS);
    expect(findProvider('nobody')).toBeUndefined();
  });

  test.each([
    ['openai', 'https://api.openai.com/v1/chat/completions', { authorization: 'Bearer k' }],
    [
      'anthropic',
      'https://api.anthropic.com/v1/messages',
      { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
    ],
    ['custom', undefined, { authorization: 'Bearer k' }],
    ['sim', 'simulation://sim/chat/completions', {}],
    ['sim-anthropic', 'simulation://sim-anthropic/v1/messages', {}],
  ])('%s is called at %s', (kind, url, headers) => {
    const provider = findProvider(kind);
    const address =
      provider?.baseUrl === undefined ? undefined : provider.baseUrl + provider.apis[0].path('m', true);
    expect(address).toBe(url);
    expect(provider?.authHeaders('k')).toEqual(headers);
  });

  test('are never handed a caller’s own credential, cookie or billing header', () => {
    const forwarded = PROVIDERS.flatMap(({ forwardedHeaders }) => forwardedHeaders);
    expect(
      forwarded.filter((name) => /authorization|api-key|cookie|organization|project/.test(name)),
    ).toEqual([]);
    expect(forwarded).toEqual(forwarded.map((name) => name.toLowerCase()));
  });

  test('say how they treat data, and where that is written', () => {
    for (const { documentation, dataPolicy } of PROVIDERS)
      for (const address of [documentation, dataPolicy.documentation])
        expect(URL.canParse(address)).toBe(true);
  });
});
