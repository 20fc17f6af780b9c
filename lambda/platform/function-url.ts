import type { Writable } from 'node:stream';
import type { HttpApplication, HttpResponse } from '../http/message.ts';
import { hostFailure, type ReportProblem, runAfterEnd } from './failure.ts';
import { type FunctionUrlEvent, requestFromEvent } from './function-url-event.ts';
import { writeChunk } from './write-chunk.ts';

type StreamHandler = (event: FunctionUrlEvent, stream: Writable) => Promise<void>;

/** A handler as Lambda's runtime calls it; the runtime hands over the stream, direct callers cannot. */
export type FunctionUrlHandler = (event: FunctionUrlEvent, ...rest: readonly unknown[]) => Promise<void>;

/**
 * The global that Lambda's Node runtime defines for functions that stream.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html
 */
interface LambdaStreaming {
  streamifyResponse(handler: StreamHandler): FunctionUrlHandler;
  readonly HttpResponseStream: {
    /** Takes the status and headers; they leave with the first write, and are lost where there is none. */
    from(
      stream: Writable,
      prelude: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> },
    ): Writable;
  };
}

/** Puts an application behind a function URL whose invoke mode is RESPONSE_STREAM. */
export function functionUrlHandler(
  application: HttpApplication,
  options: { readonly problem: ReportProblem },
): FunctionUrlHandler {
  // Nothing but Lambda's runtime (or a stand-in with its interface) defines this global.
  const lambda = (globalThis as { readonly awslambda?: LambdaStreaming }).awslambda;
  if (lambda === undefined) return refuseInvocation;
  return lambda.streamifyResponse(async (event, stream) => {
    stream.on('error', (error) => options.problem('The response stream broke.', error));
    const response = await answer(application, event, options.problem);
    await send({ response, stream, lambda, problem: options.problem });
    await runAfterEnd(response, options.problem);
  });
}

async function refuseInvocation(): Promise<never> {
  throw new Error(
    'This handler streams its answers: run it on Lambda\'s Node.js runtime, behind a function URL with InvokeMode RESPONSE_STREAM. The global "awslambda" is missing here.',
  );
}

async function answer(
  application: HttpApplication,
  event: FunctionUrlEvent,
  problem: ReportProblem,
): Promise<HttpResponse> {
  try {
    return await application(requestFromEvent(event));
  } catch (error) {
    problem('The application threw.', error);
    return hostFailure();
  }
}

interface Sending {
  readonly response: HttpResponse;
  readonly stream: Writable;
  readonly lambda: LambdaStreaming;
  readonly problem: ReportProblem;
}

/** Never throws: an error that left a stream's handler half way would take the whole environment down. */
async function send(sending: Sending): Promise<void> {
  const { response, stream, lambda, problem } = sending;
  let opened: Writable | undefined;
  const open = (status: number, headers: Readonly<Record<string, string>>): Writable =>
    lambda.HttpResponseStream.from(stream, { statusCode: status, headers });
  try {
    for await (const chunk of response.body) {
      opened ??= open(response.status, response.headers);
      if (!(await writeChunk(opened, chunk))) break;
    }
    opened ??= await sendBlank(open(response.status, response.headers));
  } catch (error) {
    problem('An answer broke off.', error);
    opened ??= await sendFailure(open);
  } finally {
    (opened ?? stream).end();
  }
}

/** The prelude leaves only with a write. */
async function sendBlank(stream: Writable): Promise<Writable> {
  await writeChunk(stream, Buffer.from('\n'));
  return stream;
}

async function sendFailure(
  open: (status: number, headers: Readonly<Record<string, string>>) => Writable,
): Promise<Writable> {
  const failure = hostFailure();
  const stream = open(failure.status, failure.headers);
  for await (const chunk of failure.body) await writeChunk(stream, chunk);
  return stream;
}
