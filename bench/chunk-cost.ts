/**
 * What the gateway's processor does for each chunk of a stream, as a ratio to a proxy that only copies bytes: where caller and provider
 * speak the same dialect, and where every chunk is translated. All in one run, in alternating rounds.
 *
 *     node bench/chunk-cost.ts [--rounds 3]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CHUNK_CALLERS, type ChunkCaller } from './chunk-dialects.ts';
import { cpuBetween, freePort, type Program, pinToCores, sampleCpu, startProgram } from './processes.ts';
import { percentile } from './statistics.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const ROUNDS = Number(values.rounds);
const PIECES = 2_000;
const CALLS_A_ROUND = 12;
const CALLS_AT_ONCE = 4;
const KEY = 'sk-slu-first-key-of-the-benchmark';
const MODEL = 'mock-chunks';

/** One way for a stream to go. */
interface Arm {
  readonly name: string;
  readonly program: Program;
  readonly path: string;
  readonly body: object;
}

const dataFolder = mkdtempSync(join(tmpdir(), 'sluice-chunks-'));
process.once('exit', () => rmSync(dataFolder, { recursive: true, force: true }));

const upstreamPort = await freePort();
const upstreamUrl = `http://127.0.0.1:${upstreamPort}`;
const upstream = await startProgram({
  script: 'bench/chunk-upstream.ts',
  port: upstreamPort,
  arguments: ['--port', String(upstreamPort), '--pieces', String(PIECES)],
});
const floorPort = await freePort();
const floor = await startProgram({
  script: 'bench/baseline-proxy.ts',
  port: floorPort,
  arguments: ['--port', String(floorPort), '--upstream', upstreamUrl],
});
const gatewayPort = await freePort();
const gateway = await startProgram({
  script: 'bin/local.ts',
  port: gatewayPort,
  environment: {
    PORT: String(gatewayPort),
    HOST: '127.0.0.1',
    SLUICE_DATA_DIR: dataFolder,
    SLUICE_CONFIG: join(import.meta.dirname, 'chunk.config.ts'),
    SLUICE_KEY: KEY,
    OPENAI_API_KEY: 'bench',
    ANTHROPIC_API_KEY: 'bench',
    GEMINI_API_KEY: 'bench',
    AWS_BEARER_TOKEN_BEDROCK: 'bench',
    CO_API_KEY: 'bench',
    SLUICE_OPENAI_BASE_URL: `${upstreamUrl}/v1`,
    SLUICE_ANTHROPIC_BASE_URL: upstreamUrl,
    SLUICE_GEMINI_BASE_URL: upstreamUrl,
    SLUICE_BEDROCK_BASE_URL: upstreamUrl,
    SLUICE_COHERE_BASE_URL: upstreamUrl,
  },
});
pinToCores(
  new Map([
    [floor.pid, 0],
    [gateway.pid, 0],
    [upstream.pid, 1],
    [process.pid, 1],
  ]),
);

/** Copied, passed on within one dialect, and translated: for a caller of OpenAI's chat, or of Anthropic's where that is the provider. */
function armsOf(spoken: ChunkCaller): readonly Arm[] {
  const other = CHUNK_CALLERS.find(({ dialect }) =>
    spoken.dialect === 'openai-chat' ? dialect === 'anthropic-messages' : dialect === 'openai-chat',
  );
  if (other === undefined) throw new Error('There is no second dialect.');
  // OpenAI's provider speaks two dialects: only this model makes it answer chat callers by the other.
  const name = spoken.dialect === 'openai-responses' ? `${MODEL}-pro` : MODEL;
  const model = `${spoken.provider}/${name}`;
  return [
    { name: 'copied', program: floor, path: spoken.path(name), body: spoken.body(name) },
    { name: 'same dialect', program: gateway, path: spoken.path(model), body: spoken.body(model) },
    { name: 'translated', program: gateway, path: other.path(model), body: other.body(model) },
  ];
}

function callOnce({ program, path, body }: Arm): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port: program.port,
      path,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${KEY}`,
        'x-sluice-cache': 'off',
      },
    });
    call.on('error', reject);
    call.on('response', (response) => {
      let tail = '';
      let pieces = 0;
      response.setEncoding('latin1').on('data', (text: string) => {
        pieces += text.split('word').length - 1;
        tail = text.slice(-500);
      });
      response.on('end', () => {
        const isWhole = response.statusCode === 200 && pieces >= PIECES * 0.99;
        if (isWhole) resolve();
        else reject(new Error(`${path}: ${response.statusCode}, ${pieces} pieces, ended with ${tail}`));
      });
      response.on('error', reject);
    });
    call.end(JSON.stringify(body));
  });
}

/** Processor time for each chunk, in microseconds. */
async function roundOf(arm: Arm): Promise<number> {
  const before = sampleCpu([arm.program.pid]);
  let left = CALLS_A_ROUND;
  await Promise.all(
    Array.from({ length: CALLS_AT_ONCE }, async () => {
      while (left > 0) {
        left -= 1;
        await callOnce(arm);
      }
    }),
  );
  const usedMs = cpuBetween(before, sampleCpu([arm.program.pid])) ?? Number.NaN;
  return (usedMs * 1_000) / (CALLS_A_ROUND * PIECES);
}

console.log('| provider speaks | copied µs | same dialect µs | ratio | translated µs | ratio |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const spoken of CHUNK_CALLERS) {
  const arms = armsOf(spoken);
  const figures = arms.map((): number[] => []);
  for (const arm of arms) await roundOf(arm);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [index, arm] of arms.entries()) figures[index]?.push(await roundOf(arm));
  const [copied = Number.NaN, same = Number.NaN, translated = Number.NaN] = figures.map(
    (values) => percentile(values, 0.5) ?? Number.NaN,
  );
  const cells = [
    copied.toFixed(1),
    same.toFixed(1),
    `${(same / copied).toFixed(2)}×`,
    translated.toFixed(1),
    `${(translated / copied).toFixed(2)}×`,
  ];
  console.log(`| ${spoken.dialect} | ${cells.join(' | ')} |`);
}
console.log(
  `Medians of ${ROUNDS} rounds of ${CALLS_A_ROUND} answers of ${PIECES} chunks; Node ${process.version}.`,
);
await Promise.all([gateway.stop(), floor.stop(), upstream.stop()]);
