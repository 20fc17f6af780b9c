import { type NodeHttpServer, serve } from '../../lambda/platform/node-http.ts';
import type { Simulator } from '../../lambda/providers/simulation/simulated-call.ts';

export interface SimulationServer {
  readonly url: string;
  /** What the simulator has slept, in milliseconds, one entry a sleep. */
  readonly sleeps: number[];
  close(): Promise<void>;
}

/** A simulator behind real HTTP, without its pauses. */
export async function serveSimulator(simulate: Simulator): Promise<SimulationServer> {
  const sleeps: number[] = [];
  const server: NodeHttpServer = await serve(
    async (request) =>
      simulate({
        path: request.path,
        body: new TextDecoder().decode(request.body),
        sleep: async (durationMs) => void sleeps.push(durationMs),
        random: Math.random,
        now: () => Date.UTC(2026, 10, 20),
      }),
    { host: '127.0.0.1', port: 0, problem: () => undefined },
  );
  return { url: server.url, sleeps, close: () => server.close(100) };
}
