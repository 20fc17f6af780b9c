import {
  type GenerateContentConfig,
  type GenerateContentResponse,
  GoogleGenAI,
  type Part,
} from '@google/genai';
import type { FinishReason } from '../../../lambda/domain/chat/event.ts';
import {
  type Caller,
  Collected,
  MOST_TOKENS,
  type Observation,
  PIXEL,
  PROMPT,
  SCHEMA,
  THINKING_TOKENS,
  TOOL,
  type Wish,
} from '../observation.ts';

const FINISH: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
};

const { parameters, ...named } = TOOL;
const WISHES: Readonly<Record<Wish, GenerateContentConfig>> = {
  tools: { tools: [{ functionDeclarations: [{ ...named, parametersJsonSchema: parameters }] }] },
  image: {},
  reasoning: { thinkingConfig: { includeThoughts: true, thinkingBudget: THINKING_TOKENS } },
  schema: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA },
};

/** The `@google/genai` SDK, generateContent. */
export const askGemini: Caller = async ({ url, key, model, stream, wish }) => {
  const client = new GoogleGenAI({ apiKey: key, apiVersion: 'v1beta', httpOptions: { baseUrl: url } });
  const image: Part = { inlineData: { mimeType: 'image/png', data: PIXEL } };
  const request = {
    model,
    contents: [{ role: 'user', parts: wish === 'image' ? [{ text: PROMPT }, image] : [{ text: PROMPT }] }],
    config: { maxOutputTokens: MOST_TOKENS, ...(wish !== undefined && WISHES[wish]) },
  };
  const collected = new Collected();
  if (stream)
    for await (const chunk of await client.models.generateContentStream(request)) read(chunk, collected);
  else read(await client.models.generateContent(request), collected);
  if (collected.finish === undefined) throw new Error('The answer ended without a finish reason.');
  const { observation } = collected;
  const callsTools = observation.tools.length > 0 && observation.finish === 'stop';
  return callsTools ? { ...observation, finish: 'tool-calls' } : observation;
};

function read({ candidates, usageMetadata }: GenerateContentResponse, collected: Collected): void {
  const [candidate] = candidates ?? [];
  for (const part of candidate?.content?.parts ?? []) readPart(part, collected);
  if (candidate?.finishReason !== undefined) collected.finish = FINISH[candidate.finishReason];
  collected.usage = usageOf(usageMetadata) ?? collected.usage;
}

function readPart({ functionCall, text = '', thought }: Part, collected: Collected): void {
  if (functionCall !== undefined) {
    const { name, args } = functionCall;
    // Calls come whole: each is one more.
    collected.call(collected.observation.tools.length, { name, text: JSON.stringify(args ?? {}) });
  } else if (thought === true) collected.reasoning += text;
  else collected.text += text;
}

/** Gemini counts thoughts beside what it says, and the prompts of its tools beside the prompt. */
function usageOf(usage: GenerateContentResponse['usageMetadata']): Observation['usage'] {
  if (usage?.promptTokenCount === undefined) return undefined;
  const { toolUsePromptTokenCount = 0, candidatesTokenCount = 0, thoughtsTokenCount = 0 } = usage;
  return {
    prompt: usage.promptTokenCount + toolUsePromptTokenCount,
    completion: candidatesTokenCount + thoughtsTokenCount,
  };
}
