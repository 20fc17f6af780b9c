import type { ChatRequest } from '../domain/chat/request.ts';
import { costOf, estimateCost } from '../domain/money/cost.ts';
import { NO_OUTCOMES, type OutcomeCounts } from '../domain/routing/health.ts';
import { type CallTarget, upstreamRequest } from '../pipeline/upstream-request.ts';
import type { Upkeep } from './upkeep.ts';

const PROBE_TIMEOUT_MS = 10_000;
/** Some APIs refuse a smaller bound. */
const PROBE_OUTPUT_TOKENS = 16;
const PROBE_PROMPT_TOKENS = 64;
const DECODER = new TextDecoder();

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
  const estimate = price === undefined ? 0n : estimateCost(price, bound);
  const cap = upkeep.config.probes.monthlyCapNano;
  if ((await upkeep.routing.addProbeSpend(month, 0n)) + estimate > cap) return 'no-money-left';
  const startedMs = upkeep.clock.monotonicMs();
  try {
    const { status, cost } = await ask(upkeep, target);
    if (cost > 0n) await upkeep.routing.addProbeSpend(month, cost);
    const durationMs = upkeep.clock.monotonicMs() - startedMs;
    return judgeStatus(status, durationMs);
  } catch (error) {
    upkeep.telemetry.problem(`The probe of ${target.deployment.id} failed.`, error);
    return { ...NO_OUTCOMES, failures: 1 };
  }
}

function judgeStatus(status: number, durationMs: number): OutcomeCounts {
  if (status === 429) return { ...NO_OUTCOMES, rateLimited: 1 };
  return status >= 200 && status < 300
    ? { ...NO_OUTCOMES, successes: 1, timeToFirstTokenMs: durationMs }
    : { ...NO_OUTCOMES, failures: 1 };
}

async function ask(
  upkeep: Upkeep,
  target: CallTarget,
): Promise<{ readonly status: number; readonly cost: bigint }> {
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
  const response = await upkeep.send(
    upstreamRequest(upkeep, target, {
      body: JSON.stringify(encoded.body),
      stream: false,
      credential: await upkeep.credentials.get(deployment.provider),
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      callerHeaders: {},
    }),
  );
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  if (response.status < 200 || response.status > 299) return { status: response.status, cost: 0n };
  const { events } = dialect.decodeAnswer(DECODER.decode(Buffer.concat(chunks)));
  const usage = events.findLast((event) => event.type === 'usage');
  const failed = events.some((event) => event.type === 'error');
  const cost = price === undefined || usage === undefined ? 0n : costOf(price, usage.usage).total;
  return { status: failed ? 502 : response.status, cost };
}
