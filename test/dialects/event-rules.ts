import type { BlockAddress, ChatEvent } from '../../lambda/domain/chat/event.ts';

type BlockKind = 'text' | 'reasoning' | 'tool-call' | 'hosted-tool-result' | 'media' | 'refusal';

const BEGINS: Partial<Record<ChatEvent['type'], BlockKind>> = {
  'text-start': 'text',
  'reasoning-start': 'reasoning',
  'tool-call-start': 'tool-call',
  'hosted-tool-result': 'hosted-tool-result',
  'media-start': 'media',
  'refusal-start': 'refusal',
};

const CONTINUES: Partial<Record<ChatEvent['type'], BlockKind | 'any'>> = {
  'text-delta': 'text',
  'text-citation': 'text',
  'reasoning-delta': 'reasoning',
  'tool-call-delta': 'tool-call',
  'media-delta': 'media',
  'refusal-delta': 'refusal',
  'block-signature': 'any',
};

/**
 * Which of the rules in lambda/domain/chat/event.ts a decoder's events break, as sentences; none for a good decoder.
 * An answer that never began is one `error` event alone. A hosted tool's result begins its block, and `block-end` ends it.
 */
export function brokenRules(events: readonly ChatEvent[]): readonly string[] {
  const checker = new BlockChecker();
  for (const event of events) checker.check(event);
  return [...orderRules(events), ...checker.broken];
}

function* orderRules(events: readonly ChatEvent[]): Generator<string> {
  const terminals = events.filter(isTerminal);
  const first = events[0];
  const last = events.at(-1);
  if (terminals.length !== 1) yield `${terminals.length} terminal events`;
  if (last !== undefined && !isTerminal(last)) yield `the last event is ${last.type}`;
  if (events.length === 1 && last?.type === 'error') return;
  if (first?.type !== 'answer-start') yield `the first event is ${first?.type}`;
  if (events.filter((event) => event.type === 'answer-start').length > 1) yield 'two answer-start events';
}

const isTerminal = (event: ChatEvent): boolean => event.type === 'end' || event.type === 'error';

class BlockChecker {
  readonly broken: string[] = [];
  readonly #open = new Map<string, BlockKind>();
  readonly #nextBlock = new Map<number, number>();
  readonly #finished = new Set<number>();

  check(event: ChatEvent): void {
    if (event.type === 'finish') this.#checkFinish(event.choice);
    if (event.type === 'end') this.#checkEnd();
    if ('block' in event) this.#checkBlockEvent(event);
  }

  #checkFinish(choice: number): void {
    if (this.#finished.has(choice)) this.broken.push(`choice ${choice} finishes twice`);
    this.#finished.add(choice);
    for (const key of this.#open.keys())
      if (key.startsWith(`${choice}/`)) this.broken.push(`block ${key} is open at its choice's finish`);
  }

  #checkEnd(): void {
    for (const choice of this.#nextBlock.keys())
      if (!this.#finished.has(choice)) this.broken.push(`choice ${choice} has no finish at the end`);
    if (this.#finished.size === 0) this.broken.push('no choice finishes before the end');
  }

  #checkBlockEvent(event: ChatEvent & BlockAddress): void {
    const key = `${event.choice}/${event.block}`;
    if (this.#finished.has(event.choice))
      this.broken.push(`${event.type} in ${key} after the choice's finish`);
    const begins = BEGINS[event.type];
    if (begins === undefined) this.#checkOpenBlock(event, key);
    else this.#begin(event, key, begins);
  }

  #begin(event: BlockAddress, key: string, kind: BlockKind): void {
    const expected = this.#nextBlock.get(event.choice) ?? 0;
    if (event.block !== expected) this.broken.push(`block ${key} begins where ${expected} is next`);
    this.#nextBlock.set(event.choice, expected + 1);
    this.#open.set(key, kind);
  }

  #checkOpenBlock(event: ChatEvent & BlockAddress, key: string): void {
    const kind = this.#open.get(key);
    const wanted = CONTINUES[event.type] ?? 'any';
    if (kind === undefined) this.broken.push(`${event.type} in ${key}, which is not open`);
    else if (wanted !== 'any' && wanted !== kind)
      this.broken.push(`${event.type} in the ${kind} block ${key}`);
    if (event.type === 'block-end') this.#open.delete(key);
  }
}
