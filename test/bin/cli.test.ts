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

describe('limits of a key', () => {
  test('are set by their options, for everything or for one model or provider', async () => {
    const created = await answerOf([
      ...[
        'keys',
        'create',
        '--name',
        'limited',
        '--budget',
        '5/month',
        '--budget',
        '1/month/soft@openai/gpt-5',
      ],
      ...['--budget', '2/month@openai', '--budget', '3/month@openai/*'],
      ...[
        '--requests-per-minute',
        '60',
        '--tokens-per-minute',
        '1000',
        '--requests-per-minute',
        '6@sim/small',
      ],
      ...['--concurrent-requests', '2@sim', '--session-max-cost', '0.5', '--session-max-calls', '20'],
      ...['--end-user-budget', '0.25/day', '--cache', 'exact'],
    ]);
    const unset = { requests_per_minute: null, tokens_per_minute: null, concurrent_requests: null };
    expect(created).toMatchObject({
      budgets: [
        { limit_usd: 5, model: null, provider: null },
        { limit_usd: 1, mode: 'soft', model: 'openai/gpt-5' },
        { limit_usd: 2, provider: 'openai' },
        { limit_usd: 3, model: 'openai/*' },
      ],
      rate_limits: [
        { ...unset, requests_per_minute: 60, tokens_per_minute: 1000, model: null, provider: null },
        { ...unset, requests_per_minute: 6, model: 'sim/small' },
        { ...unset, concurrent_requests: 2, provider: 'sim' },
      ],
      session_limits: { max_cost_usd: 0.5, max_calls: 20 },
      end_user_budget: { limit_usd: 0.25, window: 'day' },
      cache: 'exact',
    });
    const { stdout } = await sluice(['keys', 'show', created.id]);
    expect(stdout).toContain('rate limits   60 requests a minute, 1000 tokens a minute\n');
    expect(stdout).toContain('              6 requests a minute on sim/small\n');
    expect(stdout).toContain('              2 at once on sim\n');
    expect(stdout).toContain('session       $0.50, 20 calls\n');
    expect(stdout).toContain('end user      $0.25/day each\n');
    expect(stdout).toMatch(/\nmonth on openai\/gpt-5 +soft +\$1\.00/);
    const cleared = await answerOf([
      ...['keys', 'update', created.id, '--clear', 'rate-limits', '--clear', 'session-limits'],
      ...['--clear', 'end-user-budget', '--clear', 'cache', '--requests-per-minute', '5'],
    ]);
    expect(cleared).toMatchObject({
      rate_limits: { requests_per_minute: 5 },
      session_limits: null,
      end_user_budget: null,
      cache: null,
    });
  });

  test('rotate gives a new secret, and says until when the old one works', async () => {
    const { id, key } = await answerOf(['keys', 'create', '--name', 'x']);
    const { stdout } = await sluice(['keys', 'rotate', id, '--grace', '1h']);
    expect(stdout).toMatch(/^key {11}sk-slu-\w{43}\n/);
    expect(stdout).not.toContain(key);
    expect(stdout).toMatch(/; the one before works until \d{4}-\d\d-\d\d \d\d:\d\d UTC\n/);
    expect((await answerOf(['keys', 'rotate', id])).earlier_secrets_end_at).toBeNull();
  });

  test('disable and enable switch a key', async () => {
    const { id } = await answerOf(['keys', 'create', '--name', 'x']);
    expect((await sluice(['keys', 'disable', id])).stdout).toMatch(/\nstate +disabled\n/);
    expect((await sluice(['keys', 'enable', id])).stdout).toMatch(/\nstate +active\n/);
  });
});

describe.each([
  ['teams', 'eu/search'],
  ['tags', 'customer=Söhne & Co'],
])('sluice %s', (collection, id) => {
  test('create, list, show, update and delete', async () => {
    const created = await answerOf([
      ...[
        collection,
        'create',
        id,
        '--budget',
        '500/month',
        '--requests-per-minute',
        '60',
        '--metadata',
        'a=b',
      ],
    ]);
    expect(created).toMatchObject({
      id,
      budgets: [{ limit_usd: 500 }],
      rate_limits: { requests_per_minute: 60 },
    });
    const listed = await sluice([collection, 'list']);
    expect(listed.stdout).toMatch(/^ID +NAME +BUDGETS +CREATED\n/);
    expect(listed.stdout).toContain('$0.00 of $500.00/month');
    const shown = await sluice([collection, 'show', id]);
    expect(shown.stdout).toContain(`id            ${id}\n`);
    expect(shown.stdout).toMatch(/\nmonth +hard +\$500\.00/);
    const updated = await answerOf([collection, 'update', id, '--name', 'Renamed', '--clear', 'budget']);
    expect(updated).toMatchObject({ id, name: 'Renamed', budgets: [] });
    expect((await sluice([collection, 'show', id])).stdout).toContain('has no budget.');
    expect((await sluice([collection, 'delete', id])).stdout).toMatch(/has no settings any more\.\n$/);
    const gone = await sluice([collection, 'show', id]);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain('There are no settings for the');
    expect((await sluice([collection, 'list'])).stdout).toBe('None has settings.\n');
  });
});

test.each([
  ['organizations', 'acme'],
  ['projects', 'p-1'],
  ['members', 'ada@example.com'],
])('sluice %s create and show', async (collection, id) => {
  await answerOf([collection, 'create', id, '--budget', '500/month']);
  expect(await answerOf([collection, 'show', id])).toMatchObject({ id, budgets: [{ limit_usd: 500 }] });
});

describe('sluice budgets', () => {
  test('set, increase and show speak of any scope', async () => {
    await answerOf(['teams', 'create', 'ads', '--name', 'Advertising']);
    const { id } = await answerOf(['keys', 'create', '--name', 'a key of ads', '--budget', '1/day']);
    const set = await sluice([
      'budgets',
      'set',
      'team:ads',
      '--budget',
      '500/month',
      '--budget',
      '9/day@openai',
    ]);
    expect(set.stdout).toMatch(/\nname +Advertising\n/);
    expect(set.stdout).toMatch(/\nday on openai +hard +\$9\.00/);
    const increased = await sluice([
      ...['budgets', 'increase', 'team:ads', '--amount', '100/month', '--expires', '7d'],
      ...['--reason', 'launch week'],
    ]);
    expect(increased.stdout).toMatch(/\nmonth +hard +\$600\.00/);
    expect(increased.stdout).toMatch(/month: \$100\.00 more until \d{4}-.* UTC: launch week\n$/);
    await answerOf(['budgets', 'set', `key:${id}`, '--budget', '2/day', '--soft-limit', '0.5']);
    const all = await sluice(['budgets', 'show']);
    expect(all.stdout).toMatch(
      /^SCOPE +NAME +BUDGET +MODE +LIMIT +SPENT +RESERVED +REMAINING +RESETS +SPENT AT THIS PACE\n/,
    );
    expect(all.stdout).toMatch(/team:ads +Advertising +month +hard +\$600\.00/);
    expect(all.stdout).toMatch(new RegExp(`key:${id} +a key of ads +day +hard +\\$2\\.00`));
    const own = await answerOf(['budgets', 'show', `key:${id}`]);
    expect(own.budgets).toMatchObject([{ limit_usd: 2, soft_limits: [0.5] }]);
    const facet = [
      'budgets',
      'increase',
      'team:ads',
      '--amount',
      '1@openai',
      '--expires',
      '1h',
      '--reason',
      'r',
    ];
    expect((await answerOf(facet)).increases[1]).toMatchObject({ amount_usd: 1, provider: 'openai' });
    expect((await answerOf(['teams', 'update', 'ads', '--clear', 'increase'])).increases).toEqual([]);
    const first = await sluice(['budgets', 'show', '--limit', '1']);
    expect(first.stdout).toMatch(/More: --cursor \S+\n$/);
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

test('sluice spend groups by team and tag', async () => {
  const { id } = await answerOf(['keys', 'create', '--name', 'tagged']);
  await spend(store, id, { usd: 2, model: 'tagged', tags: { env: 'live' } });
  const { stdout } = await sluice(['spend', '--group-by', 'tag:env,model']);
  expect(stdout).toMatch(/TAG:ENV +MODEL +REQUESTS/);
  expect(stdout).toMatch(/live +tagged +1 +\$2\.00 +100 +20\n/);
  expect((await sluice(['spend', '--group-by', 'team'])).stdout).toMatch(/\n\(none\) +\d+ /);
  const report = await answerOf(['spend', '--group-by', 'end_user']);
  expect(report.data).toHaveLength(1);
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
    [['groups', 'create'], 'there is no command "groups create"'],
    [['teams', 'create'], 'Give the id of a team (such as search)'],
    [['tags', 'show'], 'Give the id of a tag (such as customer=acme)'],
    [['teams', 'update', 'x'], 'Give at least one option'],
    [['teams', 'update', 'x', '--clear', 'cache'], '--clear takes one of'],
    [['teams', 'create', 'x', '--team', 'y'], '--team'],
    [['budgets', 'set', 'team:x'], '--budget is missing'],
    [['budgets', 'set', 'search', '--budget', '5/month'], 'Write kind:id, such as team:search'],
    [['budgets', 'set', 'group:x', '--budget', '5/month'], 'not "group:x"'],
    [['budgets', 'increase', 'team:x', '--amount', '5'], '--expires is missing'],
    [
      ['budgets', 'increase', 'team:x', '--amount', 'much', '--expires', '1h', '--reason', 'r'],
      '--amount takes dollars',
    ],
    [['budgets', 'show', 'team:x', 'team:y'], 'Give what it is for'],
    [['keys', 'rotate', 'key_x', '--grace', 'long'], '--grace takes a time such as 90s'],
    [
      ['keys', 'create', '--name', 'x', '--requests-per-minute', 'many'],
      '--requests-per-minute takes a whole number',
    ],
    [
      ['keys', 'create', '--name', 'x', '--requests-per-minute', '1', '--requests-per-minute', '2'],
      'given twice',
    ],
    [['keys', 'create', '--name', 'x', '--session-max-cost', 'a'], '--session-max-cost takes dollars'],
    [
      ['keys', 'create', '--name', 'x', '--session-max-calls', '1.5'],
      '--session-max-calls takes a whole number',
    ],
    [['keys', 'create', '--name', 'x', '--end-user-budget', '5'], '--end-user-budget takes dollars/window'],
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
    [['spend', '--help'], 'tag:NAME'],
    [['teams', '--help'], 'sluice teams delete'],
    [['teams', 'create', '--help'], '--concurrent-requests N'],
    [['budgets', 'increase', '--help'], '100/month@openai/gpt-5'],
    [['keys', 'create', '--help'], '--session-max-cost USD'],
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

  test("a local server is asked at the environment's port", async () => {
    const folder = await mkdtemp(path.join(emptyFolder, 'data-'));
    await writeFile(path.join(folder, 'admin-key'), `${ADMIN_KEY}\n`);
    const local = { SLUICE_ADMIN_URL: '', SLUICE_ADMIN_KEY: '', SLUICE_DATA_DIR: folder };
    expect(
      (await answerOf(['keys', 'list'], { ...local, PORT: new URL(admin.url).port })).data,
    ).toBeInstanceOf(Array);
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
    await answerOf(['tags', 'create', 'who=a/b & ü %', '--budget', '1/day'], environment);
    const increase = ['--amount', '1', '--expires', '1h', '--reason', 'r'];
    await answerOf(['budgets', 'increase', 'tag:who=a/b & ü %', ...increase], environment);
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
