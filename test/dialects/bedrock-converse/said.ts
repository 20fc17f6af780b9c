import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { usageOf } from '../recordings.ts';

const DIALECT = 'bedrock-converse';

/** What an answer says, however its pieces were cut: blocks in their order, without the empty ones. */
export interface Said {
  readonly blocks: readonly unknown[];
  readonly usage: unknown;
  readonly finish: unknown;
}

interface Block {
  kind: string;
  text: string;
  readonly more: unknown[];
}

type BlockEvent = Extract<ChatEvent, { readonly block: number }>;

/** What this format has one word for. */
const REASONS: Readonly<Record<string, string>> = { refusal: 'content-filter', pause: 'stop' };

export function said(events: readonly ChatEvent[]): Said {
  const blocks = new Map<number, Block>();
  for (const event of events) {
    if (!('block' in event)) continue;
    const block = blocks.get(event.block) ?? { kind: '', text: '', more: [] };
    blocks.set(event.block, block);
    begin(block, event);
    add(block, event);
  }
  const numbers = [...blocks.keys()].toSorted((a, b) => a - b);
  const finished = events.find((event) => event.type === 'finish');
  return {
    blocks: numbers.flatMap((number) => shown(blocks.get(number))),
    usage: usageOf(events),
    finish:
      finished?.type === 'finish' ? [REASONS[finished.reason] ?? finished.reason, finished.stopSequence] : [],
  };
}

function begin(block: Block, event: BlockEvent): void {
  switch (event.type) {
    case 'text-start':
    case 'refusal-start':
      block.kind = 'text';
      return;
    case 'reasoning-start':
      block.kind = event.kind === 'encrypted' ? 'encrypted' : 'reasoning';
      return;
    case 'tool-call-start':
      block.kind = event.kind;
      block.more.push(event.id, event.name);
      return;
    case 'hosted-tool-result':
      block.kind = event.dialect === DIALECT ? 'result' : 'dropped';
      block.more.push(event.result);
      return;
    case 'media-start':
      block.kind = event.mediaType === 'image/png' ? 'image' : 'dropped';
      return;
    default:
      return;
  }
}

function add(block: Block, event: BlockEvent): void {
  if ('text' in event) block.text += event.text;
  if ('arguments' in event) block.text += event.arguments;
  if ('base64' in event) block.text += event.base64;
  if (event.type === 'text-citation' && event.dialect === DIALECT) block.more.push(event.citation);
  if (event.type === 'block-signature' && block.kind === 'reasoning') block.more.push(event.signature);
}

function shown(block: Block | undefined): readonly unknown[] {
  if (block === undefined || block.kind === 'dropped') return [];
  const { kind, text, more } = block;
  const [id, name] = more;
  switch (kind) {
    case 'function':
    case 'hosted':
      return [{ kind, id, name, input: JSON.parse(text === '' ? '{}' : text) }];
    case 'custom':
      return [{ kind: 'function', id, name, input: { input: text } }];
    case 'reasoning':
      return withContent({ kind, text, more: more.join('') });
    default:
      return withContent({ kind, text, more });
  }
}

interface ShownBlock {
  readonly kind: string;
  readonly text: string;
  readonly more: string | readonly unknown[];
}

const withContent = (block: ShownBlock): readonly ShownBlock[] =>
  block.text === '' && block.more.length === 0 ? [] : [block];
