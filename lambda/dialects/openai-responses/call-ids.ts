import { hexChecksum } from '../../domain/fnv.ts';

/** The longest id of a call that OpenAI takes. */
const MAX_LENGTH = 64;

/**
 * Ids of tool calls as this format takes them. Those of other providers that are empty or too long are shortened, so that
 * call and result still match and no two ids become one.
 * @see https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
 * @see https://github.com/AnswerDotAI/fastllm/issues/45 (OpenAI's own words: "maximum length 64")
 */
export class CallIds {
  readonly #ids = new Map<string, string>();
  readonly #taken: Set<string>;

  /** @param ids of all calls of a conversation: none of them is given away again */
  constructor(ids: readonly string[]) {
    this.#taken = new Set(ids);
  }

  idOf(id: string): string {
    if (id !== '' && id.length <= MAX_LENGTH) return id;
    const known = this.#ids.get(id);
    if (known !== undefined) return known;
    const stem = `call_${id.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 40)}_`;
    let hash = hexChecksum(id);
    while (this.#taken.has(stem + hash)) hash = hexChecksum(hash + id);
    this.#taken.add(stem + hash);
    this.#ids.set(id, stem + hash);
    return stem + hash;
  }
}
