import { randomInt } from 'node:crypto';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeDynamoClient } from '../lambda/adapters/dynamodb/client.ts';
import { createTables, LOCAL_TABLE_NAMES } from '../lambda/adapters/dynamodb/create-tables.ts';
import { dynamoKeyStore } from '../lambda/adapters/dynamodb/key-store.ts';
import { localVectorIndex } from '../lambda/adapters/dynamodb/local-vectors.ts';
import { dynamoRoutingStore } from '../lambda/adapters/dynamodb/routing-store.ts';
import { dynamoScopeStore } from '../lambda/adapters/dynamodb/scope-store.ts';
import { dynamoSpendReports } from '../lambda/adapters/dynamodb/spend-reports.ts';
import { plainLog } from '../lambda/adapters/plain-log/plain-log.ts';
import { systemClock } from '../lambda/adapters/system-clock/system-clock.ts';
import { adminApplication } from '../lambda/admin/application.ts';
import { adminKeyAuthorizer } from '../lambda/admin/authorize.ts';
import { type DashboardSession, dashboardSession } from '../lambda/admin/dashboard-session.ts';
import { newKeySecret } from '../lambda/admin/key-secret.ts';
import type { GatewayConfig } from '../lambda/domain/gateway-config.ts';
import { composeGateway, type Host } from '../lambda/handlers/composition.ts';
import type { Environment } from '../lambda/handlers/deployed-store.ts';
import { hashSecret, newId } from '../lambda/handlers/identity.ts';
import { inferenceApplication } from '../lambda/http/application.ts';
import type { HttpApplication } from '../lambda/http/message.ts';
import type { Gateway } from '../lambda/pipeline/gateway.ts';
import { startEngine } from '../lambda/platform/embedded-engine.ts';
import { type NodeHttpOptions, type NodeHttpServer, serve } from '../lambda/platform/node-http.ts';
import { openDataFolder } from './local/data-folder.ts';
import { ensureFirstKey } from './local/first-key.ts';
import { localProviders } from './local/local-providers.ts';
import { startUpkeep } from './local/upkeep-timer.ts';

const ROOT = join(import.meta.dirname, '..');
const DEFAULT_PORT = 8787;
const newSecret = (): string => newKeySecret((bound) => randomInt(bound));

async function loadConfig(environment: Environment): Promise<GatewayConfig> {
  const file = resolve(environment['SLUICE_CONFIG'] ?? join(ROOT, 'gateway.config.ts'));
  try {
    const module: { readonly default?: GatewayConfig } = await import(pathToFileURL(file).href);
    if (module.default !== undefined) return module.default;
  } catch (error) {
    throw new Error(`${file}\n${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  throw new Error(`${file} has no default export; write "export default defineGateway({ … })".`);
}

/** @throws Error that says what helps, where the address cannot be had */
async function listen(
  application: HttpApplication,
  environment: Environment,
  problem: NodeHttpOptions['problem'],
): Promise<NodeHttpServer> {
  const host = environment['HOST'] ?? '127.0.0.1';
  const port = Number(environment['PORT'] ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`PORT must be a number from 0 to 65535, not "${environment['PORT']}".`);
  try {
    return await serve(application, { host, port, problem });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    throw new Error(`Port ${port} is in use, perhaps by another Sluice. Try: PORT=${port + 1} npm start`, {
      cause: error,
    });
  }
}

/** The control plane and the data plane on one address, as a person at a terminal wants them. */
function localApplication(
  host: Host,
  gateway: Gateway,
  admin: { readonly key: string; readonly session: DashboardSession },
): HttpApplication {
  const { store, telemetry } = host;
  const inference = inferenceApplication(gateway);
  const control = adminApplication({
    keys: dynamoKeyStore(store),
    scopes: dynamoScopeStore(store),
    ledger: gateway.ledger,
    reports: dynamoSpendReports(store),
    clock: systemClock,
    newSecret,
    newId,
    hashSecret,
    telemetry,
    authorize: adminKeyAuthorizer({ adminKey: admin.key, hashSecret }),
    dashboard: { session: admin.session, routing: dynamoRoutingStore(store) },
  });
  return (request) =>
    /^\/(admin(\/|$)|dashboard$)/.test(request.path) ? control(request) : inference(request);
}

async function main(environment: Environment): Promise<void> {
  const startedMs = performance.now();
  const telemetry = plainLog({ output: process.stdout, problems: process.stderr });
  process.on('unhandledRejection', (error) => telemetry.problem('A rejection was left unhandled.', error));
  const config = await loadConfig(environment);
  const dataFolder = resolve(environment['SLUICE_DATA_DIR'] ?? join(ROOT, '.sluice'));
  const data = openDataFolder(dataFolder);
  const engine = await startEngine({
    environment,
    root: ROOT,
    platform: process.platform,
    arch: process.arch,
    dbPath: data.databasePath,
  });
  const store = { client: makeDynamoClient(engine.endpoint), tables: LOCAL_TABLE_NAMES, clock: systemClock };
  await createTables(store);
  const firstKey = data.secret('first-key', environment['SLUICE_KEY'], newSecret);
  await ensureFirstKey(store, firstKey);

  const host: Host = {
    config,
    store,
    telemetry,
    ...localProviders(config, environment),
    vectors: localVectorIndex(store),
  };
  const answerSecret = data.secret('answer-secret', environment['SLUICE_ANSWER_SECRET'], newSecret);
  const session = dashboardSession({ newSecret, hashSecret });
  const application = localApplication(
    host,
    composeGateway(host, async () => answerSecret),
    {
      key: data.secret('admin-key', environment['SLUICE_ADMIN_KEY'], newSecret),
      session,
    },
  );
  const server = await listen(application, environment, (message, error) =>
    telemetry.problem(message, error),
  );
  const stopUpkeep = startUpkeep(host);
  console.log(
    welcome({
      url: server.url,
      firstKey,
      dashboardToken: session.loginToken,
      providers: [...host.providers.keys()],
      dataFolder,
      startedMs,
    }),
  );

  const stop = async (): Promise<void> => {
    console.log('Finishing the requests that are open …');
    await server.close();
    await stopUpkeep();
    await engine.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().then(() => process.exit(0)));
}

interface Welcome {
  readonly url: string;
  readonly firstKey: string;
  readonly dashboardToken: string;
  readonly providers: readonly string[];
  readonly dataFolder: string;
  readonly startedMs: number;
}

const welcome = (facts: Welcome): string => `
Sluice is ready at ${facts.url}  (${Math.round(performance.now() - facts.startedMs)} ms)

  providers   ${facts.providers.join(', ')}
  key         export SLUICE_KEY=${facts.firstKey}
  dashboard   ${facts.url}/dashboard?token=${facts.dashboardToken}   (opens once)
  data        ${facts.dataFolder}

Try it:

  curl -N ${facts.url}/v1/chat/completions -H 'authorization: Bearer ${facts.firstKey}' -H 'content-type: application/json' -d '{"model": "sim/frontier", "stream": true, "messages": [{"role": "user", "content": "What is a sluice?"}]}'
`;

try {
  await main(process.env);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
