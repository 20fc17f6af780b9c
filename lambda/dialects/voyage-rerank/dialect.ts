import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope, Dialect } from '../dialect.ts';
import { countIn, defined, objectIn, textIn } from '../loose.ts';
import { decodeError, encodeError, missingAnswer } from '../openai-errors.ts';
import { costEdits, encodeUsage } from '../openai-usage.ts';
import { costOfEvents, jsonFrame, operationDialect, textAnswer } from '../operation-dialect.ts';
import {
  decodeRerank,
  encodeRerank,
  RANKING_OPTIONS,
  rankingOf,
  rankingText,
  readResults,
} from '../ranking.ts';

/** Voyage's rerank. @see https://docs.voyageai.com/reference/reranker-api */
export const voyageRerank: Dialect = operationDialect({
  id: 'voyage-rerank',
  harmless: RANKING_OPTIONS,
  decodeRequest: (body) => decodeRerank(body, 'top_k'),
  encodeRequest: (request, target) => encodeRerank(request, target, 'top_k'),
  decodeAnswer,
  encodeAnswer,
  patchAnswer,
  decodeError,
  encodeError,
});

function decodeAnswer(body: string): Frame {
  return jsonFrame(body, (object) => {
    const ranking = readResults(object['data']);
    if (ranking !== undefined) {
      const promptTokens = countIn(objectIn(object, 'usage'), 'total_tokens');
      const usage = promptTokens === undefined ? undefined : { promptTokens, completionTokens: 0 };
      return textAnswer({ model: textIn(object, 'model') }, rankingText(ranking), usage);
    }
    return [missingAnswer(object, 'ranking')];
  });
}

function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const usage = events.findLast((event) => event.type === 'usage')?.usage ?? {};
  const data = rankingOf(events).map(({ index, score, document }) =>
    defined({ relevance_score: score, index, document }),
  );
  const body = JSON.stringify({ object: 'list', data, model: envelope.model, usage: {} });
  return editJson(body, [{ path: ['usage'], text: encodeUsage(usage, costOfEvents(events)) }]);
}

function patchAnswer({ raw = '', events }: Frame, envelope: AnswerEnvelope): string {
  return editJson(raw, [
    { path: ['model'], text: JSON.stringify(envelope.model) },
    ...costEdits(parseJsonObject(raw) ?? {}, costOfEvents(events)),
  ]);
}
