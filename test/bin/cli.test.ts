import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { virtualKeyId } from '../../lambda/domain/ids.ts';
import {
  ADMIN_KEY,
  spend,
  startAdmin,
  startStore,
  type TestAdmin,
  type TestStore,
} from '../admin/start-admin.ts';
import { PROJECT_ROOT } from '../support/engine.ts';
import { ACCESS_KEY, REGION, SECRET_KEY, SESSION_TOKEN, startSignatureCheck } from './signature-check.ts';

let store: TestStore;
let admin: TestAdmin;
let emptyFolder: string;

beforeAll(async () => {
  store = await startStore();
  admin = await startAdmin(store);
  emptyFolder = await mkdtemp(path.join(tmpdir(), 'sluice-cli-'));
});
afterAll(async () => {
  await admin.close();
  await store.stop();
  await rm(emptyFolder, { recursive: true });
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a shell would, in an environment of its own. */
function sluice(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const given = { SLUICE_ADMIN_URL: admin.url, SLUICE_ADMIN_KEY: ADMIN_KEY, ...environment };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(PROJECT_ROOT, 'bin/cli.ts'), ...words],
      { env: { PATH: process.env['PATH'], HOME: emptyFolder, ...given }, cwd: emptyFolder },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}
const answerOf = async (words: readonly string[], environment?: Readonly<Record<string, string>>) => {
  const { code, stdout, stderr } = await sluice([...words, '--json'], environment);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
};

describe('sluice keys', () => {
  test('create makes the key that the options describe and shows its secret once', async () => {
    const created = await answerOf([
      ...['keys', 'create', '--name', 'from the shell', '--team', 'search', '--project', 'p-1'],
      ...['--budget', '5/month', '--budget', '$0.5/day/soft', '--soft-limit', '0.5', '--soft-limit', '0.9'],
      ...['--model', 'demo', '--model', 'openai/*', '--provider', 'openai'],
      ...['--tag', 'environment=staging', '--tag', 'formula=a=b', '--metadata', 'ticket=OPS-1'],
      ...['--expires', '30d'],
    ]);
    expect(created.key).toMatch(/^sk-slu-/);
    const shown = await answerOf(['keys', 'show', created.id]);
    expect(shown).toMatchObject({
      name: 'from the shell',
      team: 'search',
      project: 'p-1',
      models: ['demo', 'openai/*'],
      providers: ['openai'],
      tags: { environment: 'staging', formula: 'a=b' },
      metadata: { ticket: 'OPS-1' },
      budgets: [
        { limit_usd: 5, window: 'month', mode: 'hard', soft_limits: [0.5, 0.9] },
        { limit_usd: 0.5, window: 'day', mode: 'soft', soft_limits: [0.5, 0.9] },
      ],
    });
    const daysLeft = (Date.parse(shown.expires_at) - Date.now()) / 86_400_000;
    expect(daysLeft).toBeGreaterThan(29.9);
    expect(daysLeft).toBeLessThanOrEqual(30);
    expect(JSON.stringify(shown)).not.toContain(created.key);
  });

  test('create tells people to keep the secret', async () => {
    const { stdout } = await sluice(['keys', 'create', '--name', 'x', '--budget', '0.05/day']);
    expect(stdout).toMatch(/^key {11}sk-slu-\w{43}\n {14}Keep it now: it is not shown again\.\n/);
    expect(stdout).toMatch(/\nBUDGET +MODE +LIMIT +SPENT/);
    expect(stdout).toMatch(/\nday +hard +\$0\.05 +\$0\.00 +\$0\.00 +\$0\.05 +\d{4}-/);
  });

  test('update replaces and clears fields', async () => {
    const { id } = await answerOf(['keys', 'create', '--name', 'x', '--team', 'a', '--budget', '1/day']);
    const updated = await answerOf([
      ...['keys', 'update', id, '--budget', '2/day', '--clear', 'team', '--expires', '2099-01-31'],
    ]);
    expect(updated).toMatchObject({
      name: 'x',
      team: null,
      budgets: [{ limit_usd: 2, window: 'day' }],
      expires_at: '2099-01-31T00:00:00.000Z',
    });
  });

  test('revoke ends a key', async () => {
    const { id } = await answerOf(['keys', 'create', '--name', 'x']);
    expect((await sluice(['keys', 'revoke', id])).stdout).toMatch(/\nstate +revoked\n/);
    expect((await store.keys.find(virtualKeyId(id)))?.state).toBe('revoked');
  });

  test('list aligns its columns and goes on where it ended', async () => {
    await answerOf(['keys', 'create', '--name', 'short']);
    await answerOf(['keys', 'create', '--name', 'a considerably longer name', '--budget', '5/month']);
    const { stdout } = await sluice(['keys', 'list', '--limit', '2']);
    const [heading = '', ...rows] = stdout.split('\n');
    const at = heading.indexOf('STATE');
    expect(rows[0]).toContain('a considerably longer name');
    expect(rows[0]).toContain('$0.00 of $5.00/month');
    expect(rows.slice(0, 2).map((row) => row.slice(at, at + 6))).toEqual(['active', 'active']);
    const cursor = /More: --cursor (\S+)/.exec(stdout)?.[1] ?? '';
    const next = await answerOf(['keys', 'list', '--limit', '2', '--cursor', cursor]);
    expect(next.data).toHaveLength(2);
    expect(stdout).not.toContain(next.data[0].id);
  });

  test('a name cannot rewrite the terminal', async () => {
    // The control plane refuses control characters; marks that turn the direction of text are no such.
    await answerOf(['keys', 'create', '--name', 'evil \u202Egnp.exe']);
    const { stdout } = await sluice(['keys', 'list', '--limit', '1']);
    expect(stdout).toContain('evil ?gnp.exe');
  });
});

test('sluice spend shows sums as a table', async () => {
  const { id } = await answerOf(['keys', 'create', '--name', 'spender']);
  await spend(store, id, { usd: 1.5, provider: 'openai', model: 'gpt-5' });
  await spend(store, id, { usd: 0.000012, provider: 'sim', model: 'small' });
  const byKey = await sluice(['spend']);
  expect(byKey.stdout).toMatch(/KEY +KEY NAME +REQUESTS +COST +PROMPT TOKENS +COMPLETION TOKENS\n/);
  expect(byKey.stdout).toMatch(new RegExp(`${id} +spender +2 +\\$1\\.50 +200 +40\\n`));
  const { stdout } = await sluice(['spend', '--group-by', 'provider,model']);
  expect(stdout).toMatch(/openai +gpt-5 +1 +\$1\.50 +100 +20\n/);
  expect(stdout).toMatch(/sim +small +1 +\$0\.000012 +100 +20\n/);
  expect(stdout).toMatch(/total +2 +\$1\.50 +200 +40\n$/);
});

describe('a failure', () => {
  test('of the control plane ends with 1, its message and the request id', async () => {
    const { code, stdout, stderr } = await sluice(['keys', 'show', 'key_unknown']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^sluice: There is no key with the id "key_unknown"\. \(request req-\w+\)\n$/);
  });

  test('to prove who calls ends with 1', async () => {
    const { code, stderr } = await sluice(['keys', 'list'], { SLUICE_ADMIN_KEY: 'wrong' });
    expect(code).toBe(1);
    expect(stderr).toContain('admin key');
    expect(stderr).not.toContain('wrong');
  });

  test('to connect ends with 1 and says where to', async () => {
    const { code, stderr } = await sluice(['keys', 'list'], { SLUICE_ADMIN_URL: 'http://127.0.0.1:9' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sluice: No answer from http:\/\/127\.0\.0\.1:9: /);
  });

  test.each([
    [[], 'Usage: sluice'],
    [['keys'], 'sluice keys create'],
    [['teams', 'create'], 'there is no command "teams create"'],
    [['keys', 'create'], '--name is missing'],
    [['keys', 'create', '--name', 'x', '--budget', '5'], '--budget takes dollars/window'],
    [['keys', 'create', '--name', 'x', '--budget', '5/year'], '--budget takes dollars/window'],
    [['keys', 'create', '--name', 'x', '--soft-limit', '0.5'], '--soft-limit belongs to a --budget'],
    [['keys', 'create', '--name', 'x', '--budget', '5/day', '--soft-limit', '80'], 'a share above 0'],
    [['keys', 'create', '--name', 'x', '--tag', 'nothing'], '--tag takes name=value'],
    [['keys', 'create', '--name', 'x', '--expires', 'soon'], '--expires takes a time'],
    [['keys', 'create', '--name', 'x', '--colour', 'red'], '--colour'],
    [['keys', 'create', 'x'], '"x" is not expected here'],
    [['keys', 'show'], "Give one key's id"],
    [['keys', 'update', 'key_x'], 'Give at least one option'],
    [['keys', 'update', 'key_x', '--clear', 'name'], '--clear takes one of'],
  ] as const)('of the command line %j ends with 2', async (words, message) => {
    const { code, stdout, stderr } = await sluice(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('help', () => {
  test.each([
    [['--help'], 'sluice spend'],
    [['keys', '--help'], 'sluice keys revoke'],
    [['keys', 'create', '--help'], '--soft-limit SHARE'],
    [['keys', 'list', '--help'], '--cursor'],
    [['keys', 'show', '-h'], 'Usage: sluice keys show ID'],
    [['keys', 'update', '--help'], '--clear FIELD'],
    [['keys', 'revoke', '--help'], 'for good'],
    [['spend', '--help'], '--group-by'],
  ] as const)('%j is shown without a control plane', async (words, text) => {
    const { code, stdout, stderr } = await sluice(words, { SLUICE_ADMIN_URL: '', SLUICE_ADMIN_KEY: '' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(text);
  });
});

describe('where the control plane is', () => {
  test('has to be said where no local server has its data', async () => {
    const { code, stderr } = await sluice(['keys', 'list'], { SLUICE_ADMIN_URL: '', SLUICE_ADMIN_KEY: '' });
    expect(code).toBe(2);
    expect(stderr).toContain('Set SLUICE_ADMIN_URL');
  });

  test('has to be a URL', async () => {
    expect((await sluice(['keys', 'list'], { SLUICE_ADMIN_URL: 'localhost:8787' })).code).toBe(2);
  });

  test("a local server's own key is found in its data folder", async () => {
    const folder = await mkdtemp(path.join(emptyFolder, 'data-'));
    await writeFile(path.join(folder, 'admin-key'), `${ADMIN_KEY}\n`);
    const local = { SLUICE_ADMIN_KEY: '', SLUICE_DATA_DIR: folder };
    expect((await answerOf(['keys', 'list'], local)).data).toBeInstanceOf(Array);
  });

  test('without any key and any region the key is asked for', async () => {
    const { code, stderr } = await sluice(['keys', 'list'], { SLUICE_ADMIN_KEY: '' });
    expect(code).toBe(2);
    expect(stderr).toContain('Set SLUICE_ADMIN_KEY');
  });
});

describe('with AWS credentials', () => {
  const credentials = {
    SLUICE_ADMIN_KEY: '',
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_SESSION_TOKEN: SESSION_TOKEN,
    AWS_REGION: REGION,
  };

  test('requests carry a signature that holds, with and without a body and a query', async () => {
    const check = await startSignatureCheck(admin.url, `Bearer ${ADMIN_KEY}`);
    const environment = { ...credentials, SLUICE_ADMIN_URL: check.url };
    const created = await answerOf(['keys', 'create', '--name', 'größer & more'], environment);
    expect((await answerOf(['keys', 'show', created.id], environment)).name).toBe('größer & more');
    await answerOf(['keys', 'list', '--limit', '2'], environment);
    await answerOf(
      ['spend', '--group-by', 'key,model', '--from', '2026-11-01', '--to', '2026-11-02'],
      environment,
    );
    await answerOf(['keys', 'revoke', created.id], environment);
    await check.close();
    expect(check.faults).toEqual([]);
  });

  test('that are wrong the refusal of the platform is passed on', async () => {
    const check = await startSignatureCheck(admin.url, `Bearer ${ADMIN_KEY}`);
    const environment = { ...credentials, AWS_SECRET_ACCESS_KEY: 'wrong', SLUICE_ADMIN_URL: check.url };
    const { code, stderr } = await sluice(['keys', 'list'], environment);
    await check.close();
    expect([code, stderr]).toEqual([1, 'sluice: Forbidden\n']);
    expect(check.faults[0]).toContain('signature over');
  });
});
