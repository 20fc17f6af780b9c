import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { LOCAL_TABLE_NAMES } from '../../lambda/adapters/dynamodb/create-tables.ts';
import { FUNCTION_ACCESS, tableNames } from '../../lib/function-access.ts';
import type { HandlerName } from '../../lib/function-code.ts';

export interface TableGuard {
  readonly url: string;
  /** What was not allowed, as `spend DeleteItem` or `spend/byDay Query`. */
  readonly denied: readonly string[];
  close(): Promise<void>;
}

interface TableCall {
  readonly TableName?: string;
  readonly IndexName?: string;
  readonly TransactItems?: readonly Readonly<Record<string, TableCall>>[];
}

/** Stands before the engine, and lets pass what IAM would let a function do with its tables. */
export async function startTableGuard(endpoint: string, name: HandlerName): Promise<TableGuard> {
  const access = FUNCTION_ACCESS[name];
  const allowed = new Set(
    tableNames().flatMap((table) =>
      access.tables[table].flatMap((action) => [
        `${LOCAL_TABLE_NAMES[table]} ${action}`,
        ...(action === 'Query'
          ? access.indexes.map((index) => `${LOCAL_TABLE_NAMES[table]}/${index} ${action}`)
          : []),
      ]),
    ),
  );
  const denied: string[] = [];
  const server = createServer((incoming, response) => {
    textOf(incoming).then((text) => {
      const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? '';
      const refused = actionsOf(operation, JSON.parse(text)).filter((action) => !allowed.has(action));
      denied.push(...refused);
      if (refused.length > 0) {
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
        const error = { __type: 'com.amazon.coral.service#AccessDeniedException', Message: refused[0] };
        response.end(JSON.stringify(error));
        return;
      }
      const { method = 'POST', headers } = incoming;
      forward(endpoint, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }).end(text);
    }, response.destroy.bind(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this shape.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    denied,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * What a call asks of which table or index: a transaction asks for each of its parts.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 */
function actionsOf(
  operation: string,
  { TableName: table, IndexName: index, TransactItems: items }: TableCall,
): readonly string[] {
  if (items === undefined) return [`${table}${index === undefined ? '' : `/${index}`} ${operation}`];
  return items.flatMap((item) =>
    Object.entries(item).map(([part, { TableName }]) => {
      const action = part === 'ConditionCheck' ? 'ConditionCheckItem' : `${part}Item`;
      return `${TableName} ${action}`;
    }),
  );
}
