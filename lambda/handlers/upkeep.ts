import gatewayConfig from '#gateway-config';
import { dynamoKeyStore } from '../adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../adapters/dynamodb/ledger-upkeep.ts';
import { dynamoRoutingUpkeep } from '../adapters/dynamodb/routing-store.ts';
import { dynamoScopeStore } from '../adapters/dynamodb/scope-store.ts';
import { eventBridgeNotices } from '../adapters/eventbridge/notices.ts';
import { powertoolsTelemetry } from '../adapters/powertools/telemetry.ts';
import { runUpkeep, type UpkeepReport } from '../upkeep/upkeep.ts';
import { callParts, declaredProviders } from './composition.ts';
import { deployedCredentials } from './deployed-credentials.ts';
import { deployedStore } from './deployed-store.ts';
import { deployedVectorUpkeep } from './deployed-vectors.ts';

/** Well inside the function's own time limit of 50 s. */
const BUDGET_MS = 35_000;

const telemetry = powertoolsTelemetry({ serviceName: 'upkeep' });
const store = deployedStore(process.env);
const parts = callParts({
  config: gatewayConfig,
  store,
  providers: declaredProviders(gatewayConfig, process.env),
  credentials: deployedCredentials(process.env),
  telemetry,
  awsRegion: process.env['AWS_REGION'],
});

/** Every minute: sweep, judge the deployments, send budget notices. */
export const handler = async (): Promise<UpkeepReport> =>
  runUpkeep(
    {
      ...parts,
      keys: dynamoKeyStore(store),
      scopes: dynamoScopeStore(store),
      ledger: { ...dynamoLedger(store), ...dynamoLedgerUpkeep(store) },
      routing: dynamoRoutingUpkeep(store),
      vectors: deployedVectorUpkeep(process.env),
      sendNotice: eventBridgeNotices(),
    },
    BUDGET_MS,
  );
