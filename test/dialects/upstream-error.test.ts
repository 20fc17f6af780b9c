import { describe, expect, test } from '@jest/globals';
import { presentableMessage } from '../../lambda/dialects/upstream-error.ts';

describe('a provider’s own words', () => {
  test.each([
    ...['sk-proj-abcdefgh12345678', 'gsk_abcdefgh12345678', 'xai-abcdefgh12345678', 'AIzaSyabcdefgh12345678'],
    ...[
      'hf_abcdefgh12345678',
      'nvapi-abcdefgh12345678',
      'ghp_abcdefgh12345678',
      'github_pat_abcdefgh12345678',
    ],
    ...['dapi0123456789abcdef', 'jina_abcdefgh12345678', 'ABSKabcdefgh12345678', 'ya29.abcdefgh12345678'],
  ])('do not quote a credential to a caller: %s', (credential) => {
    expect(presentableMessage(`The key "${credential}" may not call this model.`)).toBe(
      'The key "[credential]" may not call this model.',
    );
  });

  test('are otherwise left alone', () => {
    const message = 'hf_hub and the ghp_ prefix, sky and ABSK, are no credentials.';
    expect(presentableMessage(message)).toBe(message);
  });
});
