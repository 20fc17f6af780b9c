import type { JsonObject } from '../../domain/json.ts';

export interface SimulatedTool {
  readonly name: string;
  /** JSON Schema of its arguments. */
  readonly schema: JsonObject;
}

/** What a simulated model reads of a request, whatever the format. */
export interface SimulatedPrompt {
  readonly model: string;
  /** The last thing the user said. */
  readonly question: string;
  /** What tools answered since then. */
  readonly toolResults: readonly string[];
  /** Tools that may be called; empty where the caller forbids it. */
  readonly tools: readonly SimulatedTool[];
  readonly allowsParallelCalls: boolean;
  /** The answer has to be JSON that fits this schema. */
  readonly answerSchema: JsonObject | undefined;
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly stream: boolean;
  readonly promptTokens: number;
}
