import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Agent } from '../../../scripts/agents/agent.ts';
import { AGENTS } from '../../../scripts/agents/agents.ts';
import { textAt } from '../../../scripts/agents/mock/turn.ts';
import { CALL_COST_USD, type ProviderName } from '../../../scripts/agents/providers.ts';
import { refusals, table, writeTranscript } from '../../../scripts/agents/report.ts';
import { isGood, type RunResult, runAgent } from '../../../scripts/agents/run-agent.ts';

const PROGRAM = join(import.meta.dirname, 'stand-in-agent.ts');

const standIn = (mode: 'busy' | 'lazy'): Agent => ({
  id: 'stand-in',
  name: 'A stand-in',
  packageName: 'none',
  version: '1.0.0',
  binary: 'node',
  dialect: 'anthropic-messages',
  ownProvider: 'anthropic',
  models: ['stand-in'],
  launch: ({ url, key, prompt }) => ({
    arguments: [PROGRAM, prompt],
    environment: { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key, STAND_IN: mode },
    files: { 'settings/own.json': '{}' },
  }),
  answerIn: (line) => textAt(line, 'result'),
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-test-errand-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

const run = (provider: ProviderName, mode: 'busy' | 'lazy' = 'busy'): Promise<RunResult> =>
  runAgent({ agent: standIn(mode), provider, program: process.execPath, folder, unsupported: 'reject' });

describe('an errand', () => {
  test('at the own provider: the tool runs, signed reasoning comes back, every call is recorded at its price', async () => {
    const result = await run('anthropic');
    expect(result).toMatchObject({
      toolRan: true,
      finalTextSeen: true,
      proofReturned: true,
      exitCode: 0,
      upstreamCalls: [{ reply: 'tool-call' }, { reply: 'text', hasMark: true }],
    });
    expect(result.recordedUsd).toBeCloseTo(2 * CALL_COST_USD, 9);
    expect(isGood(result)).toBe(true);
  });

  test('at a foreign provider: the calls arrive in its format', async () => {
    const result = await run('openai');
    expect(result.upstreamCalls.map(({ dialect }) => dialect)).toEqual(['openai-chat', 'openai-chat']);
    expect(result.proofReturned).toBeUndefined();
    expect(isGood(result)).toBe(true);
  });

  test('of an agent that does not run the tool is not good', async () => {
    const result = await run('anthropic', 'lazy');
    expect(result).toMatchObject({ toolRan: false, finalTextSeen: false, exitCode: 0 });
    expect(isGood(result)).toBe(false);
    expect(table([result], [])).toContain('| **no** | **no** |');
  });

  test('leaves a transcript without the key and without what queries hold, and its refusals are listed', async () => {
    const result = await run('anthropic');
    writeTranscript(folder, result);
    const written = ['output.jsonl', 'requests.json'].map((ending) =>
      readFileSync(join(folder, `stand-in-at-anthropic.${ending}`), 'utf8'),
    );
    expect(written[0]).toContain('"key":"sk-slu-…"');
    expect(written.join('')).not.toMatch(/sk-slu-[A-Za-z0-9]|secret/);
    const requests = JSON.parse(written[1] ?? '');
    expect(requests.calls).toMatchObject([
      { method: 'POST', path: '/v1/messages', model: 'stand-in', status: 200, costUsd: CALL_COST_USD },
      { status: 200 },
      { method: 'GET', path: '/nowhere?key=…', status: 404 },
    ]);
    expect(refusals([result])).toEqual([expect.stringContaining('GET /nowhere?key=… → 404 There is no')]);
  });
});

test('every agent is told its gateway and its key, and each line of its own final answer is understood', () => {
  const errand = {
    url: 'http://gateway',
    key: 'sk-slu-k',
    model: 'm',
    prompt: 'p',
    home: '/home/throw-away',
  };
  for (const agent of AGENTS) {
    const { environment, files } = agent.launch(errand);
    const told = [...Object.values(environment), ...Object.values(files)].join(' ');
    expect([agent.id, told.includes('http://gateway'), told.includes('sk-slu-k')]).toEqual([
      agent.id,
      true,
      true,
    ]);
  }
  const lines = [
    { type: 'result', result: 'said' },
    { type: 'item.completed', item: { type: 'agent_message', text: 'said' } },
    { type: 'text', part: { text: 'said' } },
    { type: 'message', role: 'assistant', content: 'said' },
  ];
  for (const agent of AGENTS) expect(lines.map((line) => agent.answerIn(line)).join('')).toBe('said');
});
