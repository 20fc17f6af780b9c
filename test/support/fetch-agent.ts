import { runInThisContext } from 'node:vm';

const AGENT = Symbol.for('undici.globalDispatcher.1');

/**
 * Google's SDK looks for the agent behind `fetch` among the globals, where Jest's sandbox does not show it. To be called
 * before the SDK is used in a test.
 */
export function showFetchAgent(): void {
  runInThisContext('new Headers()');
  const agent: unknown = Reflect.get(Object(runInThisContext('globalThis')), AGENT);
  Reflect.set(globalThis, AGENT, agent);
}
