import OpenAI from 'openai';
import { LOCAL_TABLE_NAMES } from '../../lambda/adapters/dynamodb/create-tables.ts';
import { dynamoLedger } from '../../lambda/adapters/dynamodb/ledger.ts';
import type { Store } from '../../lambda/adapters/dynamodb/store.ts';
import { requestId, virtualKeyId } from '../../lambda/domain/ids.ts';
import type { WindowCounters } from '../../lambda/domain/money/budget.ts';
import { windowIdAt } from '../../lambda/domain/money/window.ts';
import type { RequestRecord } from '../../lambda/domain/request-record.ts';
import { EMBEDDING_DIMENSIONS } from '../../lambda/providers/simulation/embedding.ts';
import { type CloudAssembly, synthesizeAssembly } from './cloud-assembly.ts';
import { startTestEngine } from './engine.ts';
import { type FakeAws, startFakeAws } from './fake-aws.ts';
import { type FakeS3Vectors, INDEX_ARN, startFakeS3Vectors } from './fake-s3-vectors.ts';
import { type LambdaChild, startLambdaChild } from './lambda-child.ts';
import { type MockUpstream, startMockUpstream } from './mock-upstream.ts';
import { type PacedUpstream, startPacedUpstream } from './paced-upstream.ts';
import { startTableGuard, type TableGuard } from './table-guard.ts';

export const REGION = 'eu-central-1';
const CALLER_ARN = 'arn:aws:iam::123456789012:role/platform-team';
/** What functions sign their calls with. */
export const FUNCTION_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret-access-key',
  AWS_SESSION_TOKEN: 'session-token',
};

/** Functions by the end of their construct paths. */
const HANDLERS = {
  'Functions/Inference': 'inference',
  'Functions/Admin': 'admin',
  'Functions/Upkeep': 'upkeep',
  'Observability/BudgetWidget': 'budget-widget',
} as const;
type FunctionPath = keyof typeof HANDLERS;

export interface DeployedKey {
  readonly id: string;
  readonly secret: string;
  /** The official SDK with this key, which tries nothing twice. */
  readonly openai: OpenAI;
}

/** What `cdk synth` yields, running: each function in a process of its own, AWS's services and the providers near by. */
export interface SynthesizedGateway {
  readonly assembly: CloudAssembly;
  readonly store: Store;
  /** Providers `openai` and `anthropic`. */
  readonly upstream: MockUpstream;
  /** Provider `paced`. */
  readonly paced: PacedUpstream;
  readonly aws: FakeAws;
  /** The vectors of the semantic cache. */
  readonly vectors: FakeS3Vectors;
  /** The provider's secrets, as the inference function is told them. */
  readonly secretArns: Readonly<Record<string, string>>;
  readonly inference: LambdaChild;
  readonly admin: LambdaChild;
  /** All functions started so far. */
  readonly functions: readonly LambdaChild[];
  /** What functions asked of tables and IAM would not have let them. */
  denied(): readonly string[];
  /** @param path the end of its construct path; @param callerArn as in `startLambdaChild` */
  startFunction(path: FunctionPath, callerArn?: string): Promise<LambdaChild>;
  /** Makes a virtual key as an administrator does: through the admin function. */
  createKey(settings?: object): Promise<DeployedKey>;
  /** The record of an answer, after the function has done what it does once the answer is out. */
  recordOf(id: string): Promise<RequestRecord>;
  /** Counters of a key over all time. */
  totalOf(key: DeployedKey): Promise<WindowCounters | undefined>;
  close(): Promise<void>;
}

/** @param secrets what each provider's secret holds at first */
export async function startSynthesizedGateway(
  configFile: string,
  secrets: Readonly<Record<string, string>>,
): Promise<SynthesizedGateway> {
  const [assembly, engine, upstream, aws, paced, vectors] = await Promise.all([
    synthesizeAssembly(configFile, physicalName),
    startTestEngine(),
    startMockUpstream(),
    startFakeAws(),
    startPacedUpstream(),
    startFakeS3Vectors(EMBEDDING_DIMENSIONS),
  ]);
  const store = engine.store();
  const ledger = dynamoLedger(store);
  const secretArns: Readonly<Record<string, string>> = JSON.parse(
    assembly.function('Functions/Inference').environment['SLUICE_SECRETS'] ?? '',
  );
  for (const [provider, secret] of Object.entries(secrets))
    aws.secrets.set(secretArns[provider] ?? '', secret);

  const answerSecretArn = assembly.function('Functions/Inference').environment['SLUICE_ANSWER_SECRET_ARN'];
  aws.secrets.set(answerSecretArn ?? '', 'answer-secret-of-the-tests');

  const functions: LambdaChild[] = [];
  const guards: TableGuard[] = [];
  async function startFunction(path: FunctionPath, callerArn?: string): Promise<LambdaChild> {
    const { directory, environment } = assembly.function(path);
    const guard = await startTableGuard(engine.endpoint, HANDLERS[path]);
    guards.push(guard);
    const child = await startLambdaChild({
      directory,
      ...(callerArn !== undefined && { callerArn }),
      environment: {
        ...environment,
        ...FUNCTION_CREDENTIALS,
        AWS_REGION: REGION,
        AWS_LAMBDA_FUNCTION_NAME: path,
        AWS_ENDPOINT_URL_DYNAMODB: guard.url,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
        AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
        AWS_ENDPOINT_URL_S3VECTORS: vectors.url,
        SLUICE_OPENAI_BASE_URL: `${upstream.url}/v1`,
        SLUICE_ANTHROPIC_BASE_URL: upstream.url,
        SLUICE_PACED_BASE_URL: paced.url,
      },
    });
    functions.push(child);
    return child;
  }
  const [inference, admin] = await Promise.all([
    startFunction('Functions/Inference'),
    startFunction('Functions/Admin', CALLER_ARN),
  ]);

  return {
    assembly,
    store,
    upstream,
    paced,
    aws,
    vectors,
    secretArns,
    inference,
    admin,
    functions,
    denied: () => guards.flatMap((guard) => guard.denied),
    startFunction,
    async createKey(settings = {}) {
      const response = await fetch(`${admin.url}/admin/keys`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'bundled', ...settings }),
      });
      if (response.status !== 201) throw new Error(`no key was made: ${await response.text()}`);
      // The control plane's answer, as the contract has it.
      const { id, key } = (await response.json()) as { readonly id: string; readonly key: string };
      const openai = new OpenAI({ baseURL: `${inference.url}/v1`, apiKey: key, maxRetries: 0 });
      return { id, secret: key, openai };
    },
    async recordOf(id) {
      await inference.idle();
      const record = await ledger.find(requestId(id));
      if (record === undefined) throw new Error(`There is no record ${id}.`);
      return record;
    },
    async totalOf({ id }) {
      const counters = await ledger.counters({ kind: 'key', id: virtualKeyId(id) });
      return counters?.windows[windowIdAt('total', store.clock.now())];
    },
    async close() {
      await Promise.all([
        ...functions.map((child) => child.stop()),
        upstream.close(),
        aws.close(),
        vectors.close(),
        ...guards.map((guard) => guard.close()),
        paced.close(),
      ]);
      await engine.stop();
      await assembly.remove();
    },
  };
}

/** What CloudFormation would have named a resource. */
function physicalName(type: string, logicalId: string): string {
  if (type === 'AWS::SecretsManager::Secret')
    return `arn:aws:secretsmanager:${REGION}:123456789012:secret:${logicalId}`;
  if (type === 'AWS::S3Vectors::Index') return INDEX_ARN;
  const table = Object.entries(LOCAL_TABLE_NAMES).find(([name]) =>
    logicalId.toLowerCase().startsWith(`data${name}`),
  );
  if (table === undefined) throw new Error(`What would ${type} ${logicalId} be called?`);
  return table[1];
}
