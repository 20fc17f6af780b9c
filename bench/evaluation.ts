import { ask } from '../test/support/ask.ts';
import { startLocalGateway } from '../test/support/local-gateway.ts';
import { percentile } from './statistics.ts';

/**
 * An evaluation of 500 prompts, run twice with the exact cache on: what the second run costs, and how long it takes. The provider
 * takes 300 ms for an answer.
 *
 * `node bench/evaluation.ts`
 */
const PROMPTS = 500;
const AT_A_TIME = 10;
const MODEL = 'openai/mock-l300-c40';

interface Run {
  readonly durationMs: number;
  readonly latenciesMs: readonly number[];
  readonly costUsd: number;
  readonly hits: number;
}

const gateway = await startLocalGateway();
const { secret } = await gateway.createKey();

async function run(): Promise<Run> {
  const latenciesMs: number[] = [];
  let costUsd = 0;
  let hits = 0;
  const prompts = Array.from(
    { length: PROMPTS },
    (_, index) => `Question ${index} of the evaluation.`,
  ).values();
  const worker = async (): Promise<void> => {
    for (const content of prompts) {
      const sentMs = performance.now();
      const response = await ask(gateway, secret, {
        model: MODEL,
        headers: { 'x-sluice-cache': 'exact' },
        body: { messages: [{ role: 'user', content }] },
      });
      await response.arrayBuffer();
      latenciesMs.push(performance.now() - sentMs);
      costUsd += Number(response.headers.get('x-sluice-cost-usd'));
      hits += response.headers.get('x-sluice-cache') === 'hit' ? 1 : 0;
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return { durationMs: performance.now() - startedMs, latenciesMs, costUsd, hits };
}

for (const name of ['first', 'second']) {
  const { durationMs, latenciesMs, costUsd, hits } = await run();
  console.log(
    `${name} run: ${(durationMs / 1_000).toFixed(1)} s, median ${percentile(latenciesMs, 0.5)?.toFixed(1)} ms, $${costUsd.toFixed(6)}, ${hits} hits, ${gateway.mock.requests.length} upstream calls so far`,
  );
}
await gateway.close();
