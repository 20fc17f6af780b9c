import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type DashboardSession, dashboardSession } from '../../lambda/admin/dashboard-session.ts';
import { hashSecret, startAdmin, startStore, type TestAdmin, type TestStore } from './start-admin.ts';

let store: TestStore;
let admin: TestAdmin;
let session: DashboardSession;

beforeEach(async () => {
  store = await startStore();
  session = dashboardSession({ newSecret: () => randomBytes(32).toString('base64url'), hashSecret });
  admin = await startAdmin(store, { dashboard: { session, routing: store.routing } });
});
afterEach(async () => {
  await admin.close();
  await store.stop();
});

const visit = (query = '', cookie?: string) =>
  admin.call('GET', `/dashboard${query}`, undefined, cookie === undefined ? {} : { cookie });
const logIn = async (): Promise<string> => {
  const answer = await visit(`?token=${session.loginToken}`);
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
};

test('the one-time link sets a cookie that scripts cannot read, and leaves the token behind', async () => {
  const answer = await visit(`?token=${session.loginToken}`);
  expect(answer.status).toBe(303);
  expect(answer.headers.get('location')).toBe('/dashboard');
  expect(answer.headers.get('set-cookie')).toMatch(
    /^sluice_dashboard=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/dashboard$/,
  );
  expect(answer.headers.get('set-cookie')).not.toContain(session.loginToken);
});

test('with the cookie the widget is shown, and loads itself again', async () => {
  await admin.call('POST', '/admin/keys', {
    name: '<b>bold</b>',
    budgets: [{ limit_usd: 1, window: 'day' }],
  });
  const answer = await visit('', `other=1; ${await logIn()}; another=2`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.text).toContain('<meta http-equiv="refresh" content="5">');
  expect(answer.text).toContain('&lt;b&gt;bold&lt;/b&gt;');
});

test('the link works once', async () => {
  await logIn();
  const again = await visit(`?token=${session.loginToken}`);
  expect(again.status).toBe(401);
  expect(again.headers.get('set-cookie')).toBeNull();
});

test.each([undefined, 'sluice_dashboard=', 'sluice_dashboard=wrong', 'x=1'])(
  'without a valid cookie (%s) the page tells how to get in, and nothing else',
  async (cookie) => {
    await logIn();
    const answer = await visit('', cookie);
    expect(answer.status).toBe(401);
    expect(answer.text).toContain('one-time link');
    expect(answer.text).not.toContain('Budgets');
    expect(answer.text).not.toContain('http-equiv="refresh"');
  },
);

test('a wrong token neither logs in nor uses the link up', async () => {
  expect((await visit('?token=wrong')).status).toBe(401);
  expect(await logIn()).toMatch(/^sluice_dashboard=./);
});

test('the cookie opens nothing but the dashboard', async () => {
  const cookie = await logIn();
  expect((await admin.call('GET', '/admin/keys', undefined, { cookie })).status).toBe(401);
});

test('only GET is taken', async () => {
  const answer = await admin.call('POST', '/dashboard', {});
  expect([answer.status, answer.json.error.code]).toEqual([405, 'method_not_allowed']);
});
