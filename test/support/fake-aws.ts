import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';

/** A call as a fake service received it. */
export interface AwsCall {
  /** `GetSecretValue`, `PutEvents`. */
  readonly operation: string;
  /** The service and region the signature is for: `secretsmanager/eu-central-1`. */
  readonly signedFor: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every operation
  readonly input: any;
}

export interface FakeAws {
  readonly url: string;
  readonly calls: readonly AwsCall[];
  /** Secrets by ARN; changing one is a rotation. */
  readonly secrets: Map<string, string>;
  close(): Promise<void>;
}

/** Secrets Manager's `GetSecretValue` and EventBridge's `PutEvents`, as both say them: JSON, by `X-Amz-Target`. */
export async function startFakeAws(): Promise<FakeAws> {
  const calls: AwsCall[] = [];
  const secrets = new Map<string, string>();
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    };
    textOf(request).then((text) => {
      const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      const scope = /Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\//.exec(request.headers.authorization ?? '');
      const input = JSON.parse(text);
      calls.push({ operation, input, signedFor: scope === null ? undefined : `${scope[2]}/${scope[1]}` });
      if (operation === 'PutEvents')
        return answer(200, { FailedEntryCount: 0, Entries: [{ EventId: 'event-1' }] });
      const secret = secrets.get(input.SecretId);
      if (operation !== 'GetSecretValue' || secret === undefined)
        return answer(400, { __type: 'ResourceNotFoundException', message: 'not there' });
      answer(200, { ARN: input.SecretId, SecretString: secret });
    }, response.destroy.bind(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this shape.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    secrets,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
