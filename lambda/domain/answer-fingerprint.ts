import type { Sharing } from './cache-settings.ts';
import { canonicalMembers, canonicalText } from './canonical-json.ts';
import type { VirtualKeyId } from './ids.ts';
import { isJsonObject, parseJson } from './json.ts';

/** Rises when answers that were kept must not be given any more: another format, another guardrail. */
const VERSION = 1;

/** What an answer hangs on beside the body. */
export interface AnswerCircumstances {
  /** The caller's dialect. */
  readonly dialect: string;
  /** Ids of the deployments that may answer; their order changes with their health and does not count. */
  readonly deployments: readonly string[];
  /** Headers of the caller's that go on to providers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly unsupportedParameters: 'reject' | 'drop';
  /** Fields of the body that do not go on, as a hard budget must hold the request. */
  readonly leftOut: readonly string[];
}

/**
 * All that could make it another answer, in one text: equal for requests that differ only in the order of their members, in white
 * space, in whether they stream, and in who asks.
 * @param raw the body, which is a JSON object
 */
export function answerFingerprint(raw: string, circumstances: AnswerCircumstances): string {
  const { dialect, deployments, headers, unsupportedParameters, leftOut } = circumstances;
  const members = new Map(
    [...canonicalMembers(raw)].flatMap(([name, value]) => {
      const kept = withoutWhatChangesNothing(name, value);
      return kept === undefined ? [] : [[name, kept]];
    }),
  );
  const sortedHeaders = Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify([VERSION, dialect, deployments.toSorted(), sortedHeaders, unsupportedParameters, leftOut.toSorted()])}\n${canonicalText(members)}`;
}

/** A whole request in one text, streaming and all, whether its model stands in the body or in the address. */
export const requestFingerprint = (
  raw: string,
  { model, stream }: { readonly model: string; readonly stream: boolean },
): string => `${JSON.stringify([model, stream])}\n${canonicalText(canonicalMembers(raw))}`;

/**
 * Members that name who asks or where it is filed, and those that say in which form the answer comes.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
const CHANGES_NOTHING: ReadonlySet<string> = new Set([
  'stream',
  'session_id',
  'usage',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
]);

function withoutWhatChangesNothing(name: string, value: string): string | undefined {
  if (CHANGES_NOTHING.has(name)) return undefined;
  if (name === 'metadata') return isOfTexts(value) ? undefined : value;
  if (name === 'stream_options') return ONLY_USAGE.has(value) ? undefined : value;
  return value;
}

const ONLY_USAGE: ReadonlySet<string> = new Set([
  'null',
  '{}',
  '{"include_usage":true}',
  '{"include_usage":false}',
]);

/** Labels, as both OpenAI and Anthropic define them; a server of one's own may know more of `metadata`. */
function isOfTexts(value: string): boolean {
  const parsed = parseJson(value);
  return (
    parsed === null ||
    (isJsonObject(parsed) && Object.values(parsed).every((label) => typeof label === 'string'))
  );
}

/** For whom an answer is made. */
export interface AnswerOwner {
  readonly keyId: VirtualKeyId;
  readonly endUser: string | undefined;
  readonly team: string | undefined;
  readonly organization: string | undefined;
}

/** Who may be given the answer: a name no other end user, key, team or organization has. */
export function answerScope(
  { keyId, endUser, team, organization }: AnswerOwner,
  sharedWithin: Sharing,
): string {
  if (sharedWithin === 'organization' && organization !== undefined)
    return JSON.stringify(['organization', organization]);
  // Teams of two organizations may have the same name.
  if (sharedWithin === 'team' && team !== undefined)
    return JSON.stringify(['team', organization ?? null, team]);
  if (sharedWithin === 'end-user') return JSON.stringify(['end-user', keyId, endUser ?? null]);
  return JSON.stringify(['key', keyId]);
}
