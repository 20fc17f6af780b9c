import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import type { Usage } from '../../domain/money/usage.ts';
import { decodeError, encodeError } from '../cohere-chat/errors.ts';
import type { AnswerEnvelope, Dialect } from '../dialect.ts';
import { asObject, countIn, defined, objectIn, textIn } from '../loose.ts';
import { missingAnswer } from '../openai-errors.ts';
import { costEdits, costMembers } from '../openai-usage.ts';
import { costOfEvents, jsonFrame, operationDialect, textAnswer } from '../operation-dialect.ts';
import {
  decodeRerank,
  encodeRerank,
  RANKING_OPTIONS,
  rankingOf,
  rankingText,
  readResults,
} from '../ranking.ts';

/**
 * Cohere's rerank, which Jina speaks too (with `usage` where Cohere has `meta.billed_units`).
 * @see https://docs.cohere.com/reference/rerank
 * @see https://jina.ai/reranker
 */
export const cohereRerank: Dialect = operationDialect({
  id: 'cohere-rerank',
  harmless: RANKING_OPTIONS,
  decodeRequest: (body) => decodeRerank(body, 'top_n'),
  encodeRequest: (request, target) => encodeRerank(request, target, 'top_n'),
  decodeAnswer,
  encodeAnswer,
  patchAnswer,
  decodeError,
  encodeError,
});

/** A body without results may be a provider's error with status 200. */
function decodeAnswer(body: string): Frame {
  return jsonFrame(body, (object) => {
    const ranking = readResults(object['results']);
    if (ranking !== undefined)
      return textAnswer({ id: textIn(object, 'id') }, rankingText(ranking), usageOf(object));
    return [missingAnswer(object, 'results')];
  });
}

function usageOf(object: JsonObject): Usage | undefined {
  const billed = objectIn(objectIn(object, 'meta'), 'billed_units');
  const searchUnits = countIn(billed, 'search_units');
  const jina = objectIn(object, 'usage');
  const promptTokens =
    countIn(billed, 'input_tokens') ?? countIn(jina, 'total_tokens') ?? countIn(jina, 'prompt_tokens');
  const reported = defined({ searchUnits, promptTokens });
  // Both were read as counts.
  return Object.keys(reported).length === 0 ? undefined : ({ ...reported, completionTokens: 0 } as Usage);
}

function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const usage = events.findLast((event) => event.type === 'usage')?.usage;
  const results = rankingOf(events).map(({ index, score, document }) =>
    defined({ index, relevance_score: score, document }),
  );
  const billed = defined({ search_units: usage?.searchUnits, input_tokens: usage?.promptTokens });
  const body = { id: envelope.id, results, meta: { api_version: { version: '2' }, billed_units: billed } };
  return editJson(JSON.stringify(body), billedCostEdits(body, costOfEvents(events)));
}

function patchAnswer({ raw = '', events }: Frame, envelope: AnswerEnvelope): string {
  const body = parseJsonObject(raw) ?? {};
  const cost = costOfEvents(events);
  return editJson(raw, [
    { path: ['id'], text: JSON.stringify(envelope.id), ifPresent: true },
    { path: ['model'], text: JSON.stringify(envelope.model), ifPresent: true },
    ...costEdits(body, cost),
    ...billedCostEdits(body, cost),
  ]);
}

/** What it cost stands beside what was billed. */
function billedCostEdits(body: JsonObject, cost: Cost | undefined): readonly JsonEdit[] {
  if (cost === undefined || asObject(objectIn(body, 'meta')['billed_units']) === undefined) return [];
  return costMembers(cost).map(([name, text]) => ({ path: ['meta', 'billed_units', name], text }));
}
