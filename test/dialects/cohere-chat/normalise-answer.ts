import { encodeCitation } from '../../../lambda/dialects/cohere-chat/citation.ts';
import {
  decodeLogprobs,
  encodeLogprobs,
  joinLogprobs,
} from '../../../lambda/dialects/cohere-chat/logprobs.ts';
import type { ChatEvent, FinishReason } from '../../../lambda/domain/chat/event.ts';
import type { Json } from '../../../lambda/domain/json.ts';
import { mergeUsage, type Usage } from '../../../lambda/domain/money/usage.ts';

/** What a block says, in Cohere's terms. */
interface Told {
  readonly kind: 'text' | 'thinking' | 'call' | 'image';
  readonly label: string;
  readonly isCustom: boolean;
  text: string;
  readonly citations: Json[];
  readonly logprobs: Json[];
}

type BlockEvent = Extract<ChatEvent, { readonly block: number }>;

/**
 * What is left of an answer once it has been said in Cohere's form: the first choice, the blocks that have a place there
 * and say something, the end in its words, the usage it counts.
 * @param form whole answers list content before calls, and keep no order between citations and text
 */
export function normaliseAnswer(events: readonly ChatEvent[], form: 'stream' | 'whole' = 'stream'): unknown {
  const blocks = new Map<number, Told>();
  let ending: unknown;
  for (const event of events) {
    if (event.type === 'finish' && event.choice === 0) ending = endOf(event.reason, blocks);
    else if (event.type === 'error') ending = 'error';
    else if ('block' in event && event.choice === 0) addTo(blocks, event);
  }
  const told = [...blocks.values()].filter(saysSomething).map(shown);
  return {
    blocks: form === 'whole' ? asWhole(told) : sorted(told),
    ending,
    usage: ending === 'error' ? undefined : usageOf(events),
  };
}

function addTo(blocks: Map<number, Told>, event: BlockEvent): void {
  const begun = begin(event);
  if (begun !== undefined) blocks.set(event.block, begun);
  const block = blocks.get(event.block);
  if (block === undefined) return;
  if (event.type === 'text-delta' || event.type === 'refusal-delta' || event.type === 'reasoning-delta')
    block.text += event.text;
  if (event.type === 'tool-call-delta') block.text += event.arguments;
  if (event.type === 'media-delta') block.text += event.base64;
  if (event.type === 'text-delta') addLogprobs(block, event.logprobs);
  if (event.type === 'text-citation') addCitation(block, event);
}

function begin(event: BlockEvent): Told | undefined {
  const told = (kind: Told['kind'], label = '', isCustom = false): Told => ({
    ...{ kind, label, isCustom, text: '' },
    ...{ citations: [], logprobs: [] },
  });
  switch (event.type) {
    case 'text-start':
    case 'refusal-start':
      return told('text');
    case 'reasoning-start':
      return event.kind === 'encrypted' ? undefined : told('thinking');
    case 'tool-call-start':
      if (event.kind === 'hosted') return undefined;
      return told('call', `${event.id} ${event.name}`, event.kind === 'custom');
    case 'media-start':
      return event.kind === 'image' ? told('image', event.mediaType) : undefined;
    default:
      return undefined;
  }
}

/** An event tells one probability, that of all its tokens together. */
function addLogprobs(block: Told, logprobs: Json | undefined): void {
  const joined = joinLogprobs(encodeLogprobs(logprobs));
  const read = joined === undefined ? undefined : decodeLogprobs([joined]);
  if (read !== undefined) block.logprobs.push(read);
}

function addCitation(block: Told, event: Extract<BlockEvent, { readonly type: 'text-citation' }>): void {
  const citation = encodeCitation(event, { text: block.text, contentIndex: 0 });
  if (citation !== undefined) block.citations.push({ ...citation, content_index: 0 });
}

const saysSomething = ({ kind, text, citations, logprobs }: Told): boolean =>
  kind === 'call' || text !== '' || citations.length > 0 || logprobs.length > 0;

type ShownBlock = Omit<Told, 'isCustom'>;

function shown({ kind, label, isCustom, text, citations, logprobs }: Told): ShownBlock {
  const given = isCustom ? JSON.stringify({ input: text }) : text;
  return { kind, label, text: kind === 'call' && given === '' ? '{}' : given, citations, logprobs };
}

/** A whole answer names its citations and probabilities once, for all texts. */
function asWhole(blocks: readonly ShownBlock[]): unknown {
  const texts = blocks.filter(({ kind, text }) => kind === 'call' || text !== '');
  return {
    blocks: sorted(texts.map(({ kind, label, text }) => ({ kind, label, text }))),
    citations: sorted(blocks.flatMap(({ citations }) => citations)),
  };
}

/** Content and calls are numbered apart, and blocks that interleave begin where they first say something. */
const sorted = (values: readonly unknown[]): readonly string[] =>
  values.map((value) => JSON.stringify(value)).sort();

function endOf(reason: FinishReason, blocks: ReadonlyMap<number, Told>): unknown {
  const hasCalls = [...blocks.values()].some(({ kind }) => kind === 'call');
  if (reason === 'error') return 'error';
  if (reason === 'length' || reason === 'content-filter') return reason;
  if (reason === 'tool-calls') return reason;
  return hasCalls ? 'tool-calls' : 'stop';
}

/** Reasoning is never more than the completion. */
function usageOf(events: readonly ChatEvent[]): unknown {
  const usage = events.reduce<Usage>(
    (sum, event) => (event.type === 'usage' ? mergeUsage(sum, event.usage) : sum),
    {},
  );
  const { completionTokens, reasoningTokens } = usage;
  const capped =
    reasoningTokens === undefined
      ? undefined
      : Math.min(reasoningTokens, completionTokens ?? reasoningTokens);
  return JSON.parse(JSON.stringify({ ...usage, reasoningTokens: capped }));
}
