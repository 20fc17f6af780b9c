import type { JsonObject } from '../../domain/json.ts';
import { defined, objectsIn } from '../loose.ts';
import { chatLogprobs } from './logprobs.ts';

/** A completion says in `text` what a conversation's answer says in its content: read as that, it is read alike. */
export function asChat(body: JsonObject, contentMember: 'delta' | 'message'): JsonObject {
  const choices = objectsIn(body, 'choices');
  if (choices.length === 0) return body;
  return {
    ...body,
    choices: choices.map((choice) => {
      const { text, logprobs, ...rest } = choice;
      return defined({ ...rest, [contentMember]: { content: text }, logprobs: chatLogprobs(logprobs) });
    }),
  };
}
