import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../lambda/dialects/anthropic-messages/dialect.ts';
import { bedrockConverse } from '../../lambda/dialects/bedrock-converse/dialect.ts';
import { cohereChat } from '../../lambda/dialects/cohere-chat/dialect.ts';
import { gemini } from '../../lambda/dialects/gemini/dialect.ts';
import { openaiChat } from '../../lambda/dialects/openai-chat/dialect.ts';
import { openaiResponses } from '../../lambda/dialects/openai-responses/dialect.ts';
import { leftOutFeatures } from './left-out.ts';

/** A dialect joins by one line: its models of different limits. */
const DIALECTS = [
  { dialect: openaiChat, models: ['gpt-5'] },
  { dialect: anthropicMessages, models: ['claude-opus-5', 'claude-haiku-4-5', 'claude-3-5-haiku-20241022'] },
  { dialect: openaiResponses, models: ['gpt-5'] },
  { dialect: gemini, models: ['gemini-2.5-flash', 'gemini-3-pro'] },
  {
    dialect: bedrockConverse,
    models: [
      'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
      'amazon.nova-pro-v1:0',
      'us.anthropic.claude-opus-5',
    ],
  },
  { dialect: cohereChat, models: ['command-a-03-2025'] },
] as const;

describe.each(DIALECTS)('$dialect.id', ({ dialect, models }) => {
  const { undeclared, neverLeftOut, unknown, noSentences } = leftOutFeatures(dialect, { models });

  test('says of all that it leaves out why', () => {
    expect(undeclared).toEqual([]);
  });

  test('says of nothing that it is left out that never is', () => {
    expect(neverLeftOut).toEqual([]);
  });

  test('names features by their names, and gives its reasons in sentences', () => {
    expect({ unknown, noSentences }).toEqual({ unknown: [], noSentences: [] });
  });
});
