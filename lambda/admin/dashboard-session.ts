import type { SecretHash } from '../domain/ids.ts';
import { equalDigests } from './authorize.ts';

/** Who may see the dashboard, kept in memory: a restart logs everybody out. */
export interface DashboardSession {
  /** The token of the link to print; it opens the dashboard once. */
  readonly loginToken: string;
  /** Exchanges the token for a session's value; `undefined` where it is wrong or was used already. */
  open(token: string): string | undefined;
  isOpen(session: string): boolean;
}

/** @param newSecret unpredictable text, safe in a URL and in a cookie */
export function dashboardSession({
  newSecret,
  hashSecret,
}: {
  readonly newSecret: () => string;
  readonly hashSecret: (secret: string) => SecretHash;
}): DashboardSession {
  const loginToken = newSecret();
  const session = newSecret();
  let isUsed = false;
  const isSame = (a: string, b: string): boolean => equalDigests(hashSecret(a), hashSecret(b));
  return {
    loginToken,
    open(token) {
      if (isUsed || !isSame(token, loginToken)) return undefined;
      isUsed = true;
      return session;
    },
    isOpen: (given) => isUsed && isSame(given, session),
  };
}
