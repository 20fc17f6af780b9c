import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { plainLog } from '../../../lambda/adapters/plain-log/plain-log.ts';
import type { Telemetry } from '../../../lambda/ports/telemetry.ts';
import { FACTS, FAILED_OVER, REFUSED } from '../telemetry-fixtures.ts';

class Page extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

function open(): { readonly log: Telemetry; readonly output: Page; readonly problems: Page } {
  const output = new Page();
  const problems = new Page();
  return { log: plainLog({ output, problems }), output, problems };
}

describe('the log of a local server', () => {
  test('has one line for a request', async () => {
    const { log, output, problems } = open();
    log.request(FACTS, FAILED_OVER);
    log.request(FACTS, REFUSED);
    log.measure({ name: 'OpenReservations', value: 1 });
    await log.flush();
    expect(output.text.split('\n')).toEqual([
      '12:34:56 ok  key_1  demo → sim-anthropic/frontier  12+51 tokens  $0.000123  1125 ms (first token 100 ms)  2 attempts',
      '12:34:56 budget_exceeded  key_1  demo → nobody  ?+? tokens  $0.000000  3 ms  0 attempts',
      '',
    ]);
    expect(problems.text).toBe('');
  });

  test('cannot be made to write a line, or to steer the terminal, by a caller', () => {
    const { log, output } = open();
    log.request({ ...FACTS, modelsAsked: ['a\n12:34:56 ok\u001b[2J'] }, REFUSED);
    log.rejected({ requestId: 'gen-2', method: 'GET', path: '/\u001b]0;x', code: 'not_found', status: 404 });
    expect(output.text.split('\n')).toHaveLength(3);
    expect(output.text).not.toContain('\u001b');
  });

  test('has problems apart, without causes and without what a parser quotes', () => {
    const { log, output, problems } = open();
    log.problem('It failed.', new Error('outer', { cause: new Error('PROMPT') }), { requestId: 'gen-1' });
    log.problem('No JSON.', new SyntaxError('Unexpected token in "PROMPT"'));
    expect(problems.text).toMatch(/! It failed\. {2}requestId=gen-1 {2}Error: outer {2}at /);
    expect(problems.text).toContain('SyntaxError');
    expect(problems.text).not.toContain('PROMPT');
    expect(output.text).toBe('');
  });
});
