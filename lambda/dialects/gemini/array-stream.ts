import type { Dialect } from '../dialect.ts';
import { parseServerSentEvent } from '../sse.ts';
import { gatewayErrorOf } from '../upstream-error.ts';
import { createStreamEncoder, errorChunk, type Framing, patchedChunk } from './stream.ts';

/**
 * The dialect for a caller who did not ask for `alt=sse`: a stream towards it is one JSON list that grows. What has been
 * written of it is remembered, so each answer needs an object of its own. Providers are spoken to as ever.
 * @param dialect `gemini`
 * @see https://cloud.google.com/apis/docs/system-parameters
 */
export function geminiArrayStream(dialect: Dialect): Dialect {
  const framing = listFraming();
  return {
    ...dialect,
    createStreamEncoder: (envelope) => createStreamEncoder(envelope, framing),
    patchFrame({ raw, events }, envelope) {
      const last = events.at(-1);
      if (last?.type === 'error') return errorChunk(gatewayErrorOf(last.error), envelope, framing);
      const data = raw === undefined ? undefined : parseServerSentEvent(raw).data;
      const json = patchedChunk(data, events, envelope);
      const chunk = json === undefined ? '' : framing.chunk(json);
      return last?.type === 'end' ? chunk + framing.end() : chunk;
    },
    encodeStreamError: (error, envelope) => errorChunk(error, envelope, framing),
    // White space may stand before, between and behind the elements.
    keepAlive: '\n',
    streamContentType: 'application/json; charset=UTF-8',
  };
}

function listFraming(): Framing {
  let isOpen = false;
  return {
    chunk(json) {
      const separator = isOpen ? ',\r\n' : '[';
      isOpen = true;
      return `${separator}${json}\r\n`;
    },
    end: () => (isOpen ? ']' : '[]'),
  };
}
