import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildCommand, ChildMessage } from './lambda-child-messages.ts';

/** An execution environment of a bundled function, in a process of its own. */
export interface LambdaChild {
  /** Its function URL. */
  readonly url: string;
  /** Invokes a handler that does not stream. */
  invoke(event: unknown): Promise<unknown>;
  /** Returns once the invocations so far are over, work after the answer's end included. */
  idle(): Promise<void>;
  /** Lets time pass for the function. */
  passTime(milliseconds: number): Promise<void>;
  /** All it has written to stdout and stderr, which is what CloudWatch Logs would hold. */
  output(): string;
  stop(): Promise<void>;
}

export interface LambdaChildOptions {
  /** Folder with `index.mjs`. */
  readonly directory: string;
  /** All variables that the function sees. */
  readonly environment: Readonly<Record<string, string>>;
  /** Who signed every request, where the URL asks for AWS_IAM. @default nobody: the URL is open */
  readonly callerArn?: string;
}

const RUNTIME = fileURLToPath(new URL('./lambda-child-runtime.ts', import.meta.url));

/** Starts an environment and waits until it has loaded the function. @throws Error with its output where it ends instead */
export async function startLambdaChild(options: LambdaChildOptions): Promise<LambdaChild> {
  const { directory, environment, callerArn } = options;
  const child = spawn(
    process.execPath,
    [RUNTIME, directory, ...(callerArn === undefined ? [] : [callerArn])],
    { cwd: directory, env: { ...environment }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const send = commander(child);
  const port = await new Promise<number>((resolve, reject) => {
    child.on('message', (message: ChildMessage) => {
      if (message.type === 'listening') resolve(message.port);
    });
    child.once('error', reject);
    void ended.then(() => reject(new Error(`The function did not start:\n${output}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    invoke: (event) => send({ type: 'invoke', event }),
    idle: async () => void (await send({ type: 'wait-until-idle' })),
    passTime: async (milliseconds) => void (await send({ type: 'pass-time', milliseconds })),
    output: () => output,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function commander(child: ChildProcess): (command: ChildCommand['command']) => Promise<unknown> {
  const waiting = new Map<number, (message: ChildMessage) => void>();
  child.on('message', (message: ChildMessage) => {
    if (message.type !== 'listening') waiting.get(message.id)?.(message);
  });
  let id = 0;
  return (command) =>
    new Promise((resolve, reject) => {
      id += 1;
      waiting.set(id, (message) => {
        if (message.type === 'result') resolve(message.result);
        else reject(new Error(message.type === 'failure' ? message.message : 'unexpected message'));
      });
      child.once('close', () => reject(new Error('The function’s process has ended.')));
      child.send({ id, command } satisfies ChildCommand);
    });
}
