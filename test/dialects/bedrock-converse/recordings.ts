import { bedrockConverse } from '../../../lambda/dialects/bedrock-converse/dialect.ts';
import { bytesFromLatin1, decodeMessage } from '../../../lambda/dialects/event-stream.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { framesReader, recordingsOf } from '../recordings.ts';

/** What the provider's own SDK makes of a recording. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly block_types?: readonly string[];
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  readonly finish?: string;
  readonly usage?: JsonObject;
  readonly class?: string;
  readonly status?: number;
  readonly message?: string;
}

export const { RECORDINGS, STREAMS, ANSWERS, REFUSALS } = recordingsOf<Expected>('bedrock-converse');

export const framesOf = framesReader(bedrockConverse);

/** The messages of a stream we wrote, one character a byte. */
export function messagesIn(stream: string): readonly string[] {
  const messages: string[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = new DataView(bytesFromLatin1(stream.slice(at, at + 4)).buffer).getUint32(0);
    messages.push(stream.slice(at, at + length));
    at += length;
  }
  return messages;
}

/** The events of a stream we wrote: each under its name, as SDKs show it. */
export const wireEvents = (stream: string): readonly JsonObject[] =>
  messagesIn(stream).map((message) => {
    const { headers, payload } = decodeMessage(bytesFromLatin1(message));
    const name = headers.get(':event-type') ?? headers.get(':exception-type');
    return { [String(name)]: JSON.parse(new TextDecoder().decode(payload)) };
  });
