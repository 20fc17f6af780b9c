import { randomInt } from 'node:crypto';
import middy from '@middy/core';
import { dynamoKeyStore } from '../adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../adapters/dynamodb/ledger.ts';
import { dynamoScopeStore } from '../adapters/dynamodb/scope-store.ts';
import { dynamoSpendReports } from '../adapters/dynamodb/spend-reports.ts';
import { powertoolsTelemetry } from '../adapters/powertools/telemetry.ts';
import { storedSecret } from '../adapters/secrets/stored-secret.ts';
import { systemClock } from '../adapters/system-clock/system-clock.ts';
import { adminApplication } from '../admin/application.ts';
import { type Authorize, adminKeyAuthorizer, iamAuthorizer } from '../admin/authorize.ts';
import { newKeySecret } from '../admin/key-secret.ts';
import { bufferedUrlHandler } from '../platform/buffered-url.ts';
import { deployedStore } from './deployed-store.ts';
import { hashSecret, newId } from './identity.ts';

const telemetry = powertoolsTelemetry({ serviceName: 'admin' });
const store = deployedStore(process.env);
const adminKeySecret = process.env['SLUICE_ADMIN_KEY_SECRET'];

const application = adminApplication({
  keys: dynamoKeyStore(store),
  scopes: dynamoScopeStore(store),
  ledger: dynamoLedger(store),
  reports: dynamoSpendReports(store),
  clock: systemClock,
  newSecret: () => newKeySecret((bound) => randomInt(bound)),
  newId,
  hashSecret,
  telemetry,
  authorize: adminKeySecret === undefined ? iamAuthorizer() : secretAuthorizer(adminKeySecret),
});

/** Compares with the admin key as it stands in its secret now. */
function secretAuthorizer(secretId: string): Authorize {
  const readAdminKey = storedSecret(secretId, systemClock);
  return async (request) => adminKeyAuthorizer({ adminKey: await readAdminKey(), hashSecret })(request);
}

/** The admin URL: keys, budgets and spend, for whom IAM lets in, or for who has the admin key. */
export const handler = middy(
  bufferedUrlHandler(application, { problem: (message, error) => telemetry.problem(message, error) }),
).after(() => telemetry.flush());
