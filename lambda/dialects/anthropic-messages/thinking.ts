import type { ReasoningOptions } from '../../domain/chat/request.ts';
import { present } from '../loose.ts';
import type { RequestShape } from './wire.ts';

/** `thinking` and `output_config.effort` in one. */
export function decodeReasoning(body: RequestShape): ReasoningOptions | undefined {
  const { thinking } = body;
  const effort = body.output_config?.effort;
  if (!thinking && typeof effort !== 'string') return undefined;
  return {
    ...(thinking ? { enabled: thinking.type !== 'disabled' } : {}),
    ...(thinking?.type === 'adaptive' ? { adaptive: true } : {}),
    ...present({ effort, budgetTokens: thinking?.budget_tokens, display: thinking?.display }),
  };
}
