import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TableName } from '../../schema/tables.ts';

/** The deployed name of each table. */
export type TableNames = Readonly<Record<TableName, string>>;

const CONNECTION_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 2000;
/** Above what a busy local server has in flight: a request that waits for a socket counts as one that cannot connect. */
const MAX_SOCKETS = 256;

/**
 * The SDK's client, with its own retries off (`withRetries` is the one loop) and a bound on every wait.
 *
 * @param endpoint a local server; signatures are then made with made-up credentials. `undefined`: the service, or what
 *   `AWS_ENDPOINT_URL_DYNAMODB` says, with the environment's region and credentials.
 * @see https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/node-configuring-maxsockets.html
 */
export function makeDynamoClient(endpoint?: string): DynamoDBClient {
  const local =
    endpoint === undefined
      ? {}
      : { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const client = new DynamoDBClient({
    ...local,
    maxAttempts: 1,
    // With the middleware below: 8 % less CPU for a request. It holds as long as `send` gets no options of its own.
    cacheMiddleware: true,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // Without it the handler only warns. @see NodeHttpHandlerOptions.throwOnRequestTimeout
      throwOnRequestTimeout: true,
      socketTimeout: REQUEST_TIMEOUT_MS,
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    },
  });
  // It prepares a log line for every call, which nobody reads.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}
