import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { answerWidget } from '../../lambda/admin/answer-widget.ts';
import { deploymentId, virtualKeyId } from '../../lambda/domain/ids.ts';
import { count, spend, startAdmin, startStore, type TestAdmin, type TestStore } from './start-admin.ts';

const HOSTILE = `<script>alert(1)</script><img src=x onerror="alert('2')">&`;

let store: TestStore;
let admin: TestAdmin;

beforeAll(async () => {
  store = await startStore();
  admin = await startAdmin(store);
  const create = async (name: string, body: object) => {
    const { json } = await admin.call('POST', '/admin/keys', { name, ...body });
    return virtualKeyId(json.id);
  };
  const daily = { budgets: [{ limit_usd: 1, window: 'day', soft_limits: [0.5, 0.8] }] };
  await spend(store, await create('calm', daily), { usd: 0.1 });
  await spend(store, await create('busy', daily), { usd: 0.6 });
  await spend(store, await create('used up', daily), { usd: 1 });
  await spend(
    store,
    await create('overdrawn', { budgets: [{ limit_usd: 0.01, window: 'total', mode: 'soft' }] }),
    {
      usd: 0.02,
    },
  );
  await create(HOSTILE, { budgets: [{ limit_usd: 0.0001, window: 'month' }] });
  await create('without budget', {});
  const revoked = await create('revoked', daily);
  await admin.call('DELETE', `/admin/keys/${revoked}`);
  const budgets = [{ limit_usd: 500, window: 'month' }];
  await admin.call('POST', '/admin/organizations', { id: 'acme', budgets });
  await admin.call('POST', '/admin/teams', { id: 'no-budget', name: 'no budget' });
  await admin.call('POST', '/admin/teams', { id: 'idle', budgets });
  await admin.call('POST', '/admin/tags', { id: 'env=live', budgets });
  await admin.call('POST', '/admin/teams', {
    id: 'search',
    name: 'The search team',
    budgets: [...budgets, { limit_usd: 5, window: 'month', model: 'openai/gpt-5', mode: 'soft' }],
  });
  await admin.call('POST', '/admin/budgets/team:search/increase', {
    amount_usd: 100,
    window: 'month',
    expires_at: '2099-01-01T00:00:00Z',
    reason: '<b>launch</b>',
  });
  await count(store, { kind: 'team', id: 'search' }, { spentUsd: 50 });
  await count(store, { kind: 'team', id: 'search', facet: 'model:openai/gpt-5' }, { spentUsd: 4 });
  const nowMs = Date.now();
  const seen = { lastUsedAtMs: nowMs - 40_000, updatedAtMs: nowMs };
  await store.routingUpkeep.writeHealth({ deployment: deploymentId('sim/frontier'), health: 0.97, ...seen });
  await store.routingUpkeep.writeHealth({
    deployment: deploymentId(`custom/${HOSTILE}`),
    health: 0.2,
    ...seen,
  });
  await store.routing.coolDown(deploymentId('openai/gpt-5'), nowMs + 600_000);
});
afterAll(async () => {
  await admin.close();
  await store.stop();
});

const widget = async (event: unknown = {}): Promise<string> => {
  const answer = await answerWidget(event, store);
  if (typeof answer !== 'string') throw new Error('not HTML');
  return answer;
};
/** The card of one key. */
const cardOf = (text: string, name: string): string =>
  text.split('<div class="sluice-card">').find((card) => card.includes(`>${name}</b>`)) ?? '';

describe('the budget widget', () => {
  test('shows each usable key with a budget, the most used share first', async () => {
    const text = await widget();
    const order = ['overdrawn', 'used up', 'busy', 'calm'].map((name) => text.indexOf(`>${name}</b>`));
    expect(order.every((at) => at > 0)).toBe(true);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(text).not.toContain('without budget');
    expect(text).not.toContain('>revoked<');
  });

  test('draws what is spent, the soft limits and the state', async () => {
    const text = await widget();
    expect(cardOf(text, 'calm')).toMatch(/sluice-spent sluice-ok" style="width:10%"/);
    expect(cardOf(text, 'calm')).toContain('within limits');
    expect(cardOf(text, 'busy')).toMatch(/sluice-spent sluice-warned" style="width:60%"/);
    expect(cardOf(text, 'busy')).toContain('<b>$0.60</b> of $1.00');
    expect(cardOf(text, 'busy')).toContain('$0.40 left');
    expect(cardOf(text, 'busy').match(/sluice-tick" style="left:(50|80)%"/g)).toHaveLength(2);
    expect(cardOf(text, 'busy')).toMatch(/resets in \d+ (s|min|h)</);
    expect(cardOf(text, 'used up')).toContain('exhausted');
    expect(cardOf(text, 'overdrawn')).toMatch(/width:100%.*width:0%/s);
    expect(cardOf(text, 'overdrawn')).toContain('200 %');
    expect(cardOf(text, 'overdrawn')).toContain('never resets');
  });

  test('shows the budgets of every kind of scope, each under its heading', async () => {
    const text = await widget();
    const headings = [...text.matchAll(/<h2>([^<]+)<\/h2>/g)].map((match) => match[1]);
    expect(headings).toEqual(['Organizations · 1', 'Teams · 2', 'Tags · 1', 'Keys · 5', 'Deployments']);
    expect(text.indexOf('>The search team</b>')).toBeLessThan(text.indexOf('>idle</b>'));
    expect(cardOf(text, 'The search team')).toContain('<span class="sluice-muted">search</span>');
    expect(text).not.toContain('>no budget</b>');
  });

  test('names the model or provider that a budget counts, and counts it apart', async () => {
    const card = cardOf(await widget(), 'The search team');
    expect(card).toContain(
      '<div class="sluice-muted">only openai/gpt-5</div><div class="sluice-line"><span>month (soft) · <b>$4.00</b> of $5.00</span>',
    );
    expect(card).toContain('<span>month · <b>$50.00</b> of $600.00</span>');
    expect(card).toContain('aria-label="$4.00 of $5.00 spent on openai/gpt-5, month, above a soft limit"');
    expect(card.indexOf('openai/gpt-5')).toBeLessThan(card.indexOf('of $600.00'));
  });

  test('shows what a limit was increased by, until when and why', async () => {
    expect(cardOf(await widget(), 'The search team')).toContain(
      '+$100.00 (month) until 2099-01-01 00:00 UTC: &lt;b&gt;launch&lt;/b&gt;',
    );
  });

  test('shows what is spent today, over all keys', async () => {
    expect(await widget()).toContain('<div class="sluice-value">$1.72</div>');
  });

  test('shows the health of deployments, and which cool down', async () => {
    const rows = (await widget()).split('<tr>');
    expect(rows.find((row) => row.includes('sim/frontier'))).toMatch(/97 %.*in service/s);
    expect(rows.findLast((row) => row.includes('openai/gpt-5'))).toMatch(/cooling down, \d+ min/);
    expect(rows.find((row) => row.includes('custom/'))).toContain('passed over');
  });

  test('escapes whatever a name may hold', async () => {
    const text = await widget();
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(text).not.toMatch(/<(script|img|iframe|use)/i);
    expect(text).not.toMatch(/<[^>]*\son\w+=/i);
  });

  test('follows the theme of the dashboard around it', async () => {
    expect(await widget({ widgetContext: { theme: 'dark' } })).toContain('class="sluice-widget sluice-dark"');
    expect(await widget({ widgetContext: { theme: 'light' } })).toContain(
      'class="sluice-widget sluice-light"',
    );
    expect(await widget({ widgetContext: { theme: '"><script>' } })).toContain('sluice-widget sluice-auto"');
  });

  test('describes itself in Markdown', async () => {
    expect(await answerWidget({ describe: true, widgetContext: {} }, store)).toEqual({
      markdown: expect.stringContaining('## Sluice budgets'),
    });
  });

  test('says so where there is nothing to show', async () => {
    const nothing = await answerWidget(
      {},
      {
        ...store,
        keys: { list: async () => ({ items: [], nextCursor: undefined }) },
        scopes: { list: async () => ({ items: [], nextCursor: undefined }) },
        routing: { health: async () => new Map() },
      },
    );
    expect(nothing).toContain('Nothing that is in use has a budget.');
    expect(nothing).toContain('No deployment has been used yet.');
  });
});

test('the widget shows a hundred keys at most, and says that there are more', async () => {
  const other = await startStore();
  const otherAdmin = await startAdmin(other);
  const create = () =>
    otherAdmin.call('POST', '/admin/keys', {
      name: 'one of many',
      budgets: [{ limit_usd: 1, window: 'day' }],
    });
  for (let made = 0; made < 104; made += 8) await Promise.all(Array.from({ length: 8 }, create));
  const text = await answerWidget({}, other);
  await otherAdmin.close();
  await other.stop();
  expect(String(text).split('one of many')).toHaveLength(101);
  expect(text).toContain('The newest 100 with budgets are shown; there may be more.');
});
