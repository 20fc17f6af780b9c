import { hexChecksum } from '../../domain/fnv.ts';

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html */
const VALID = /^[a-zA-Z0-9_-]{1,64}$/;

/** Room for the checksum and a number behind it. */
const KEPT_CHARACTERS = 48;

/** Whether a name or an id may stand as it is: both have one alphabet and one length. */
export const isValidToolName = (name: string): boolean => VALID.test(name);

/** The name with other characters replaced: for tools of an earlier turn that can no longer be called. */
export const validToolName = (name: string): string =>
  isValidToolName(name) ? name : `${cleaned(name)}_${hexChecksum(name)}`;

const cleaned = (text: string): string => text.slice(0, KEPT_CHARACTERS).replaceAll(/[^a-zA-Z0-9_-]/g, '_');

/**
 * The ids of a conversation's tool calls as Bedrock takes them. Ids of other providers may be longer or hold other
 * characters; they get a checksum of the whole id, so that call and result still match, and no two ids become one.
 */
export class ToolIds {
  readonly #given = new Map<string, string>();
  readonly #taken: Set<string>;

  /** @param ids all of the conversation: those that are valid are taken */
  constructor(ids: readonly string[]) {
    this.#taken = new Set(ids.filter(isValidToolName));
  }

  /** The same for the same id, another for any other. */
  of(id: string): string {
    if (isValidToolName(id)) return id;
    const known = this.#given.get(id);
    if (known !== undefined) return known;
    const base = `${cleaned(id)}_${hexChecksum(id)}`;
    let candidate = base;
    for (let count = 2; this.#taken.has(candidate); count += 1) candidate = `${base}_${count}`;
    this.#taken.add(candidate);
    this.#given.set(id, candidate);
    return candidate;
  }
}
