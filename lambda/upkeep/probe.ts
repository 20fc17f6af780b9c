import type { ChatRequest } from '../domain/chat/request.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { costOf, estimateCost } from '../domain/money/cost.ts';
import { NO_OUTCOMES, type OutcomeCounts } from '../domain/routing/health.ts';
import { isDeploymentsFault } from '../pipeline/failure.ts';
import { fitBody } from '../pipeline/request-quirks.ts';
import { readBounded, sendWithCredential } from '../pipeline/send.ts';
import type { CallTarget } from '../pipeline/upstream-request.ts';
import type { Upkeep } from './context.ts';

const PROBE_TIMEOUT_MS = 10_000;
/** Some APIs refuse a smaller bound. */
const PROBE_OUTPUT_TOKENS = 16;
const PROBE_PROMPT_TOKENS = 64;
const MOST_ANSWER_BYTES = 65_536;
/** What a probe of unknown price counts for, in nano-dollars: a tenth of a cent. */
const UNPRICED_COST = 1_000_000n;

const QUESTION: Omit<ChatRequest, 'model'> = {
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Reply with the word OK.' }] }],
  stream: false,
  includeUsage: true,
  nativeOptions: {},
  unknownFields: [],
};

/** Asks a deployment one cheap question, through the same code as a request. Its cost goes to the probes' own account. */
export async function probe(
  upkeep: Upkeep,
  target: CallTarget,
  month: string,
): Promise<OutcomeCounts | 'no-money-left'> {
  const { price } = target;
  const bound = { promptTokens: PROBE_PROMPT_TOKENS, completionTokens: PROBE_OUTPUT_TOKENS, hasAudio: false };
  const estimate = price === undefined ? UNPRICED_COST : estimateCost(price, bound);
  const cap = upkeep.config.probes.monthlyCapNano;
  if ((await upkeep.routing.addProbeSpend(month, 0n)) + estimate > cap) return 'no-money-left';
  try {
    const { verdict, cost } = await ask(upkeep, target);
    if (cost > 0n) await upkeep.routing.addProbeSpend(month, cost);
    return countsOf(verdict);
  } catch (error) {
    upkeep.telemetry.problem(`The probe of ${target.deployment.id} failed.`, error);
    return { ...NO_OUTCOMES, failures: 1 };
  }
}

type Verdict = 'success' | 'failure' | 'rate-limited' | 'undecided';

/** A question that a model refuses (it may only make sounds) says nothing of its health. */
function verdictOf(code: ErrorCode): Verdict {
  if (code === 'rate_limit_exceeded') return 'rate-limited';
  return isDeploymentsFault(code) ? 'failure' : 'undecided';
}

function countsOf(verdict: Verdict): OutcomeCounts {
  switch (verdict) {
    case 'success':
      return { ...NO_OUTCOMES, successes: 1 };
    case 'failure':
      return { ...NO_OUTCOMES, failures: 1 };
    case 'rate-limited':
      return { ...NO_OUTCOMES, rateLimited: 1 };
    case 'undecided':
      return NO_OUTCOMES;
  }
}

async function ask(
  upkeep: Upkeep,
  target: CallTarget,
): Promise<{ readonly verdict: Verdict; readonly cost: bigint }> {
  const { deployment, enabled, dialect, price } = target;
  const field = enabled.provider.maxOutputTokensField;
  const encoded = dialect.encodeRequest(
    { ...QUESTION, model: deployment.model },
    {
      model: deployment.model,
      maxOutputTokens: PROBE_OUTPUT_TOKENS,
      ...(field !== undefined && { maxOutputTokensField: field }),
    },
  );
  const response = await sendWithCredential(upkeep, target, {
    path: target.api.path(deployment.model, false),
    body: fitBody(JSON.stringify(encoded.body), target.api.quirks).text,
    stream: false,
    signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    callerHeaders: {},
  });
  const body = await readBounded(response.body, MOST_ANSWER_BYTES);
  if (response.status < 200 || response.status > 299) {
    const { code } = dialect.decodeError(response.status, response.headers, body);
    return { verdict: verdictOf(code), cost: 0n };
  }
  const { events } = dialect.decodeAnswer(body);
  const usage = events.findLast((event) => event.type === 'usage');
  const error = events.find((event) => event.type === 'error');
  const cost =
    price === undefined ? UNPRICED_COST : usage === undefined ? 0n : costOf(price, usage.usage).total;
  return { verdict: error === undefined ? 'success' : verdictOf(error.error.code), cost };
}
