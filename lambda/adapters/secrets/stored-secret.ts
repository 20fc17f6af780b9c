import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../ports/clock.ts';

const KEPT_MS = 60_000;

/**
 * One secret's text, read again once a minute, so that a rotation needs no deploy.
 * @param keptMs another time for which it is not read again
 * @throws the SDK's error where it cannot be read; Error where it holds no text
 */
export function storedSecret(
  secretId: string,
  clock: Pick<Clock, 'now'>,
  keptMs = KEPT_MS,
): () => Promise<string> {
  const client = new SecretsManagerClient({
    maxAttempts: 2,
    // Without the last one the handler only warns. @see NodeHttpHandlerOptions.throwOnRequestTimeout
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
  });
  let known: { readonly text: string; readonly readAtMs: number } | undefined;
  return async () => {
    if (known !== undefined && clock.now() - known.readAtMs < keptMs) return known.text;
    const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (text === undefined) throw new Error('The secret holds no text.');
    known = { text, readAtMs: clock.now() };
    return text;
  };
}
