import type { Clock } from '../ports/clock.ts';
import { type SendUpstream, UpstreamTransportError } from '../ports/upstream.ts';
import { simulateChat } from '../providers/sim/simulate.ts';
import { simulateMessages } from '../providers/sim-anthropic/simulate.ts';
import { SimulatedCutError, type Simulator } from '../providers/simulation/simulated-call.ts';

/** Answers calls to simulated providers, within the process. */
export function simulatedUpstream(clock: Clock): SendUpstream {
  const simulators: ReadonlyMap<string, Simulator> = new Map([
    ['sim', simulateChat()],
    ['sim-anthropic', simulateMessages()],
  ]);

  return async (request) => {
    const { host, pathname } = new URL(request.url);
    const simulate = simulators.get(host);
    if (simulate === undefined)
      throw new UpstreamTransportError('connection', `Nothing is simulated at ${host}.`);
    const answer = simulate({
      path: pathname,
      body: typeof request.body === 'string' ? request.body : new TextDecoder().decode(request.body),
      sleep: (durationMs) => clock.sleep(durationMs, request.signal),
      random: () => clock.random(),
      now: () => clock.now(),
    });
    return { ...answer, body: breakable(answer.body, request.signal) };
  };
}

/** A simulated body that breaks as a connection does: when it is cut, and when our side ends the call. */
async function* breakable(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      if (signal.aborted) throw new UpstreamTransportError('aborted', 'The call was ended.');
      yield chunk;
    }
  } catch (error) {
    if (error instanceof SimulatedCutError)
      throw new UpstreamTransportError('connection', error.message, { cause: error });
    throw error;
  }
}
