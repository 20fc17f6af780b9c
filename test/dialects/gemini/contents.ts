import type { ChatEvent, FinishReason } from '../../../lambda/domain/chat/event.ts';
import { isJsonObject, type Json } from '../../../lambda/domain/json.ts';
import type { Usage } from '../../../lambda/domain/money/usage.ts';
import { callsOf, textOf, usageOf } from '../recordings.ts';

/** Tools Google runs itself, as it names them. */
const HOSTED_NAME = /^(?:code_execution|[A-Z_]+)$/;

/** What an answer says, in the order of its blocks, as far as this format can say it. */
export function contentsOf(events: readonly ChatEvent[]): unknown {
  const indexes = events.flatMap((event) => (event.type === 'finish' ? [event.choice] : []));
  return {
    choices: indexes
      .sort()
      .map((choice) =>
        choiceContents(events.filter((event) => !('choice' in event) || event.choice === choice)),
      ),
    usage: normaliseUsage(usageOf(events)),
  };
}

function choiceContents(events: readonly ChatEvent[]): unknown {
  const blocks = new Map<number, ChatEvent[]>();
  for (const event of events)
    if ('block' in event) blocks.set(event.block, [...(blocks.get(event.block) ?? []), event]);
  const said: string[] = [];
  const add = (kind: string, value: string): void => {
    const last = said.at(-1);
    if (value === '') return;
    if (last?.startsWith(`${kind} `) && !isWhole(kind)) said[said.length - 1] = last + value;
    else said.push(`${kind} ${value}`);
  };
  let proofs = '';
  let tokens: readonly Json[] = [];
  for (const block of [...blocks].sort(([a], [b]) => a - b).map(([, own]) => own)) {
    const [kind, value, proof] = blockContents(block);
    add(kind, value);
    proofs += proof;
    tokens = [...tokens, ...block.flatMap(tokensOf)];
  }
  const hasCalls = callsOf(events).some(({ kind }) => kind !== 'hosted');
  const finish = events.find((event) => event.type === 'finish');
  return { said, proofs, tokens, reason: normaliseReason(finish?.reason, hasCalls) };
}

const isWhole = (kind: string): boolean => kind !== 'text' && kind !== 'reasoning';

function tokensOf(event: ChatEvent): readonly Json[] {
  const content =
    event.type === 'text-delta' && isJsonObject(event.logprobs) ? event.logprobs['content'] : [];
  return Array.isArray(content) ? content : [];
}

/** Kind, content, and the proof of text or reasoning; any other proof is part of its content. */
function blockContents(events: readonly ChatEvent[]): readonly [string, string, string] {
  const [start] = events;
  const proof = joined(events, (event) => (event.type === 'block-signature' ? event.signature : ''));
  switch (start?.type) {
    case 'text-start':
    case 'refusal-start':
      return ['text', joined(events, (event) => ('text' in event ? event.text : '')), proof];
    case 'reasoning-start':
      if (start.kind === 'encrypted') return NOTHING;
      return ['reasoning', textOf(events, 'reasoning-delta', { choice: start.choice }), proof];
    case 'media-start':
      return mediaContents(start, events, proof);
    case 'hosted-tool-result':
      if (start.dialect !== 'gemini') return NOTHING;
      return ['result', `${start.callId} ${JSON.stringify(start.result)} ${proof}`, ''];
    case 'tool-call-start':
      return callContents(start, events, proof);
    default:
      throw new Error(`A block begins with ${start?.type}.`);
  }
}

const NOTHING = ['', '', ''] as const;

const joined = (events: readonly ChatEvent[], pick: (event: ChatEvent) => string): string =>
  events.map(pick).join('');

function mediaContents(
  { kind, mediaType }: Extract<ChatEvent, { readonly type: 'media-start' }>,
  events: readonly ChatEvent[],
  proof: string,
): readonly [string, string, string] {
  const base64 = joined(events, (event) => (event.type === 'media-delta' ? event.base64 : ''));
  return base64 === '' ? NOTHING : ['media', `${kind} ${mediaType} ${base64} ${proof}`, ''];
}

function callContents(
  { kind, id, name }: Extract<ChatEvent, { readonly type: 'tool-call-start' }>,
  events: readonly ChatEvent[],
  proof: string,
): readonly [string, string, string] {
  if (kind === 'hosted' && !HOSTED_NAME.test(name)) return NOTHING;
  const given = callsOf(events)[0]?.arguments ?? '';
  const value = kind === 'custom' ? { input: given } : JSON.parse(given === '' ? '{}' : given);
  const shown = kind === 'hosted' ? 'hosted' : 'call';
  return [shown, `${id} ${name} ${JSON.stringify(value)} ${proof}`, ''];
}

function normaliseReason(reason: FinishReason | undefined, hasCalls: boolean): FinishReason | undefined {
  if (reason === 'refusal') return 'content-filter';
  return reason === 'stop' || reason === 'tool-calls' ? (hasCalls ? 'tool-calls' : 'stop') : reason;
}

function normaliseUsage(usage: Usage | undefined): Usage | undefined {
  if (usage === undefined) return undefined;
  const { cacheWriteTokens: _written, completionTokens, reasoningTokens, ...rest } = usage;
  const completion =
    completionTokens === undefined ? reasoningTokens : Math.max(completionTokens, reasoningTokens ?? 0);
  // Through JSON, to drop what is undefined.
  const known = JSON.parse(JSON.stringify({ ...rest, reasoningTokens, completionTokens: completion }));
  const { serviceTier: _tier, ...counts } = known;
  return Object.keys(counts).length === 0 ? undefined : known;
}

/** Google's own sources, in the order of the blocks they stand in. */
export const citationsOf = (events: readonly ChatEvent[], choice?: number): readonly Json[] =>
  [0, 1].flatMap((index) =>
    events
      .filter(
        (event) => event.type === 'text-citation' && event.choice === index && event.dialect === 'gemini',
      )
      .toSorted((a, b) => ('block' in a && 'block' in b ? a.block - b.block : 0))
      .flatMap((event) =>
        event.type === 'text-citation' && (choice === undefined || choice === index) ? [event.citation] : [],
      ),
  );
