import { GatewayError } from '../../domain/errors.ts';
import type { ProviderId } from '../../domain/ids.ts';
import { isJsonObject, type Json, parseJson } from '../../domain/json.ts';

/** What every virtual key of Sluice begins with. */
const VIRTUAL_KEY_PREFIX = 'sk-slu-';

/** How a list or an object begins; no provider's key does. */
const OPENS_JSON = /^\s*[[{]/;

/**
 * Reads the keys a secret holds: `{"keys":["…","…"]}`, `{"key":"…"}`, a JSON array or string, or plain text; keys in plain
 * text are separated by commas. An account of Google's (`{"type":"service_account",…}`) is one key, and stays as it is. An
 * empty list means that there are none, as for a list or an object that cannot be read.
 * @throws GatewayError `upstream_authentication_failed` for a key of Sluice's own, which would send requests round in circles
 */
export function parseKeys(provider: ProviderId, text: string): readonly string[] {
  const keys = keyTexts(parseJson(text) ?? (OPENS_JSON.test(text) ? [] : text));
  if (keys.some((key) => key.startsWith(VIRTUAL_KEY_PREFIX)))
    throw new GatewayError(
      'upstream_authentication_failed',
      `The credential configured for ${provider} is a key of Sluice itself (it begins with ${VIRTUAL_KEY_PREFIX}). Configure the provider's own key.`,
    );
  return keys;
}

function keyTexts(value: Json): readonly string[] {
  if (typeof value === 'string')
    return value
      .split(',')
      .map((key) => key.trim())
      .filter((key) => key !== '');
  if (typeof value === 'number') return [String(value)];
  if (Array.isArray(value)) return value.flatMap((item: Json) => keyTexts(item));
  if (!isJsonObject(value)) return [];
  if (typeof value['type'] === 'string') return [JSON.stringify(value)];
  return keyTexts(value['keys'] ?? value['key'] ?? null);
}

/** Deals out each provider's keys in turn. Holds nothing but whose turn it is. */
export class KeyRing {
  readonly #turns = new Map<ProviderId, number>();

  /** The next key; one that was just refused only where there is no other. */
  next(provider: ProviderId, keys: readonly string[], refused: string | undefined): string | undefined {
    const others = keys.filter((key) => key !== refused);
    const eligible = others.length > 0 ? others : keys;
    const turn = this.#turns.get(provider) ?? 0;
    this.#turns.set(provider, turn + 1);
    return eligible[turn % eligible.length];
  }
}
