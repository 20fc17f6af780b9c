import { type HttpResponse, jsonResponse } from '../http/message.ts';

/** Where a host reports what an operator should look into. */
export type ReportProblem = (message: string, error?: unknown) => void;

/** The answer of a host whose application threw: the application itself turns every error it foresees into an answer. */
export const hostFailure = (): HttpResponse =>
  jsonResponse(500, {
    error: {
      message: 'The gateway failed.',
      type: 'server_error',
      code: 'internal',
      param: null,
      metadata: { retryable: false },
    },
  });

/** Runs what is left to do after an answer; a failure there reaches the operator, never the caller. */
export async function runAfterEnd(response: HttpResponse, problem: ReportProblem): Promise<void> {
  try {
    await response.afterEnd?.();
  } catch (error) {
    problem('The work after an answer failed.', error);
  }
}
