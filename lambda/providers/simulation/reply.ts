import { answerText, keywordsOf } from './answer-text.ts';
import type { SimulatedPrompt } from './prompt.ts';
import { sampleOf } from './schema-sample.ts';
import { countTokens, tokenPieces } from './tokens.ts';

/** A part of an answer, in pieces of one token each. */
export type ReplyBlock =
  | { readonly type: 'text'; readonly pieces: readonly string[] }
  | { readonly type: 'tool-call'; readonly name: string; readonly pieces: readonly string[] };

export interface SimulatedReply {
  readonly blocks: readonly ReplyBlock[];
  readonly finish: 'stop' | 'length' | 'tool-calls' | 'stop-sequence';
  readonly stopSequence: string | undefined;
  readonly completionTokens: number;
  /** What each piece takes. */
  readonly pieceDelayMs: number;
}

const PIECE_DELAY_MS: ReadonlyMap<string, number> = new Map([
  ['echo', 15],
  ['frontier', 15],
  ['small', 15],
  ['tools', 15],
  ['slow', 100],
  ['flaky', 15],
]);

export const isSimulatedModel = (model: string): boolean => PIECE_DELAY_MS.has(model);

/** What a simulated model answers: the same for the same prompt. */
export function replyTo(prompt: SimulatedPrompt): SimulatedReply {
  const calls = toolCalls(prompt);
  const stopped = calls.length > 0 ? undefined : stopAt(answerOf(prompt), prompt.stop);
  const whole: readonly ReplyBlock[] =
    stopped === undefined ? calls : [{ type: 'text', pieces: tokenPieces(stopped.text) }];
  const limited = limitTokens(whole, prompt.maxTokens ?? Number.POSITIVE_INFINITY);
  const naturalFinish =
    stopped === undefined ? 'tool-calls' : stopped.stopSequence === undefined ? 'stop' : 'stop-sequence';
  return {
    blocks: limited.blocks,
    finish: limited.isCut ? 'length' : naturalFinish,
    stopSequence: limited.isCut ? undefined : stopped?.stopSequence,
    completionTokens: limited.tokens,
    pieceDelayMs: PIECE_DELAY_MS.get(prompt.model) ?? 0,
  };
}

function toolCalls(prompt: SimulatedPrompt): readonly ReplyBlock[] {
  if (prompt.model !== 'tools' || prompt.toolResults.length > 0) return [];
  const words = keywordsOf(prompt.question).slice(0, 2);
  return prompt.tools.slice(0, prompt.allowsParallelCalls ? 2 : 1).map(({ name, schema }) => ({
    type: 'tool-call',
    name,
    pieces: tokenPieces(JSON.stringify(sampleOf({ type: 'object', ...schema }, words))),
  }));
}

function answerOf(prompt: SimulatedPrompt): string {
  if (prompt.model === 'echo') return prompt.question;
  if (prompt.answerSchema !== undefined)
    return JSON.stringify(sampleOf(prompt.answerSchema, keywordsOf(prompt.question)));
  return answerText(prompt);
}

function stopAt(
  text: string,
  stop: readonly string[],
): { readonly text: string; readonly stopSequence: string | undefined } {
  const met = stop
    .filter((sequence) => sequence !== '' && text.includes(sequence))
    .toSorted((a, b) => text.indexOf(a) - text.indexOf(b))[0];
  return met === undefined
    ? { text, stopSequence: undefined }
    : { text: text.slice(0, text.indexOf(met)), stopSequence: met };
}

interface Limited {
  readonly blocks: readonly ReplyBlock[];
  readonly tokens: number;
  readonly isCut: boolean;
}

/** A tool call's name counts too, and is never cut: without room for it the call is left out. */
function limitTokens(blocks: readonly ReplyBlock[], most: number): Limited {
  const kept: ReplyBlock[] = [];
  let tokens = 0;
  for (const block of blocks) {
    const head = block.type === 'tool-call' ? countTokens(block.name) : 0;
    const room = most - tokens - head;
    if (room <= 0) return { blocks: kept, tokens, isCut: true };
    kept.push({ ...block, pieces: block.pieces.slice(0, room) });
    tokens += head + Math.min(room, block.pieces.length);
    if (block.pieces.length > room) return { blocks: kept, tokens, isCut: true };
  }
  return { blocks: kept, tokens, isCut: false };
}
