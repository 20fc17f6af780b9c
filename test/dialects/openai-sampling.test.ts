import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../lambda/dialects/anthropic-messages/dialect.ts';
import { openaiChat } from '../../lambda/dialects/openai-chat/dialect.ts';
import { openaiResponses } from '../../lambda/dialects/openai-responses/dialect.ts';
import type { ChatRequest } from '../../lambda/domain/chat/request.ts';

const REQUEST: ChatRequest = {
  model: 'm',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  stream: false,
  includeUsage: false,
  temperature: 0.2,
  topP: 0.9,
  nativeOptions: {},
  unknownFields: [],
};
const asked = (model: string, more: Partial<ChatRequest> = {}, dialect = openaiChat) =>
  dialect.encodeRequest({ ...REQUEST, ...more }, { model, maxOutputTokens: 9_000 });

describe.each([openaiChat, openaiResponses])('sampling parameters in $id', (dialect) => {
  test.each(['o3', 'o4-mini-2025-04-16', 'gpt-5', 'gpt-5.4-mini'])(
    'are refused by %s, which reasons',
    (model) => {
      const { body, unsupported } = asked(model, {}, dialect);
      expect(unsupported).toEqual([{ feature: 'temperature' }, { feature: 'top_p' }]);
      expect(body).not.toHaveProperty('temperature');
      expect(body).not.toHaveProperty('top_p');
    },
  );

  test.each(['gpt-4.1', 'gpt-5-chat-latest', 'llama-3.3-70b'])('are taken by %s, which does not', (model) => {
    const { body, unsupported } = asked(model, {}, dialect);
    expect(unsupported).toEqual([]);
    expect(body).toMatchObject({ temperature: 0.2, top_p: 0.9 });
  });

  test('are taken by a model that is told not to reason', () => {
    const { unsupported } = asked('gpt-5.2', { reasoning: { effort: 'none', enabled: false } }, dialect);
    expect(unsupported).toEqual([]);
  });

  test('that are the default anyway are left out without a word', () => {
    const { body, unsupported } = asked('gpt-5', { temperature: 1, topP: 1 }, dialect);
    expect(unsupported).toEqual([]);
    expect(body).not.toHaveProperty('temperature');
  });
});

test('Claude takes no temperature and no top_k while it thinks, also where it decides itself how much', () => {
  const { unsupported } = asked(
    'claude-opus-4-6',
    { topP: 0.95, topK: 40, reasoning: { enabled: true, adaptive: true } },
    anthropicMessages,
  );
  expect(unsupported).toEqual([{ feature: 'temperature' }, { feature: 'top_k' }]);
});
