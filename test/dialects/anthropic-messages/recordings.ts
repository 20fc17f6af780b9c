import { expect } from '@jest/globals';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { framesReader, recordingsOf } from '../recordings.ts';

/** What the provider's own SDK makes of a recording. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly block_types?: readonly string[];
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  readonly citations?: number;
  readonly finish?: string;
  readonly usage?: JsonObject;
  readonly message?: string;
}

export const { RECORDINGS, STREAMS, ANSWERS, REFUSALS } = recordingsOf<Expected>('anthropic-messages');

export const framesOf = framesReader(anthropicMessages);

/** The events of a stream we wrote; each has the name its data says. */
export function wireEvents(text: string): readonly JsonObject[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [name, data] = block.split('\n');
      const value = JSON.parse(data?.slice('data: '.length) ?? '');
      expect(name).toBe(`event: ${value.type}`);
      return value;
    });
}
