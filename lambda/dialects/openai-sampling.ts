import type { ChatRequest } from '../domain/chat/request.ts';
import type { LeftOut } from './request-feature.ts';

/** `o3`, `o4-mini`, `gpt-5`, `gpt-5.2-pro`; not `gpt-5-chat-latest`, which answers at once. */
const REASONS = /^(?:o\d|gpt-5)(?!.*chat)/;

/** Sampling parameters in OpenAI's spelling. */
export interface OpenaiSampling {
  readonly temperature?: number;
  readonly top_p?: number;
}

/**
 * The sampling parameters a model of OpenAI's takes: one that reasons takes none but their defaults, which say nothing; the
 * others are refused. Models of other makers are held to nothing.
 * @see https://platform.openai.com/docs/guides/latest-model#gpt-5-parameter-compatibility
 */
export function encodeOpenaiSampling(
  { temperature, topP, reasoning }: ChatRequest,
  model: string,
  leftOut: LeftOut,
): OpenaiSampling {
  if (!REASONS.test(model) || reasoning?.effort === 'none')
    return {
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { top_p: topP }),
    };
  if (temperature !== undefined && temperature !== 1) leftOut.refuse('temperature');
  if (topP !== undefined && topP !== 1) leftOut.refuse('top_p');
  return {};
}
