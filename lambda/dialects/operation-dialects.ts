import { anthropicCountTokens } from './anthropic-count-tokens/dialect.ts';
import { cohereRerank } from './cohere-rerank/dialect.ts';
import type { Dialect } from './dialect.ts';
import { geminiCountTokens } from './gemini-count-tokens/dialect.ts';
import { openaiEmbeddings } from './openai-embeddings/dialect.ts';
import { openaiImages } from './openai-images/dialect.ts';
import { openaiModerations } from './openai-moderations/dialect.ts';
import { openaiSpeech } from './openai-speech/dialect.ts';
import { openaiTranscriptions } from './openai-transcriptions/dialect.ts';
import { voyageRerank } from './voyage-rerank/dialect.ts';

/** Every format of the operations beside chat. */
export const OPERATION_DIALECTS: readonly Dialect[] = [
  openaiEmbeddings,
  cohereRerank,
  voyageRerank,
  openaiModerations,
  openaiImages,
  openaiSpeech,
  openaiTranscriptions,
  anthropicCountTokens,
  geminiCountTokens,
];
