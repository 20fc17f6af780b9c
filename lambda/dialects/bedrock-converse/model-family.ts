/** Whose model it is, as far as that decides what a request may hold. `unknown`: the name does not say (an ARN of one's own). */
export type ModelFamily = 'claude' | 'nova' | 'nova-2' | 'gpt-oss' | 'other' | 'unknown';

const FAMILIES: readonly (readonly [RegExp, ModelFamily])[] = [
  [/claude/, 'claude'],
  [/amazon\.nova-2/, 'nova-2'],
  [/amazon\.nova/, 'nova'],
  [/openai\.gpt-oss/, 'gpt-oss'],
  [/^arn:/, 'unknown'],
];

/** @param model an id, an inference profile or an ARN @see https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html */
export const familyOf = (model: string): ModelFamily =>
  FAMILIES.find(([pattern]) => pattern.test(model))?.[1] ?? 'other';

/** Whether an error is marked as such (`toolResult.status`), and prompts are cached at points that are set. */
export const isClaudeOrNova = (family: ModelFamily): boolean => family !== 'gpt-oss' && family !== 'other';

/**
 * Whether reasoning of an earlier answer may go back to the model: Claude takes only what is signed or closed, and the
 * others refuse signatures.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningTextBlock.html
 */
export function takesReasoning(family: ModelFamily, kind: 'signed' | 'unsigned' | 'encrypted'): boolean {
  if (family === 'unknown') return true;
  return family === 'claude' ? kind !== 'unsigned' : kind === 'unsigned';
}
