import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { AdminError, UsageError } from './cli-errors.ts';
import type { Sign } from './sign.ts';

const TIMEOUT_MS = 30_000;

type Environment = Readonly<Record<string, string | undefined>>;

export interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/** Calls the control plane; resolves to the parsed answer. @throws AdminError for a refusal or no answer */
export type CallAdmin = (request: AdminRequest) => Promise<unknown>;

/**
 * Finds out where the control plane is and how to prove who calls: the admin key from the environment, that of a local
 * server, or AWS credentials.
 * @throws UsageError where the environment does not say where the control plane is
 */
export async function adminClient(environment: Environment): Promise<CallAdmin> {
  const localKey = await readLocalKey(given(environment, 'SLUICE_DATA_DIR') ?? '.sluice');
  const base = baseUrl(environment, localKey);
  const sign = await chooseProof(environment, base, localKey);
  return (request) => call(request, base, sign);
}

/** A variable that is set to nothing is not set, as for shells and the AWS SDK. */
const given = (environment: Environment, name: string): string | undefined => environment[name] || undefined;

/** Where "npm start" serves in the same environment. */
const localUrl = (environment: Environment): string =>
  `http://127.0.0.1:${given(environment, 'PORT') ?? '8787'}`;

function baseUrl(environment: Environment, localKey: string | undefined): URL {
  const text =
    given(environment, 'SLUICE_ADMIN_URL') ?? (localKey === undefined ? undefined : localUrl(environment));
  if (text === undefined) {
    throw new UsageError(
      'Set SLUICE_ADMIN_URL to the admin URL that "cdk deploy" printed, or run this where "npm start" keeps its data (SLUICE_DATA_DIR, by default .sluice).',
    );
  }
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new UsageError(`SLUICE_ADMIN_URL must be an http(s) URL, and is ${JSON.stringify(text)}.`);
  return new URL(text);
}

async function chooseProof(environment: Environment, base: URL, localKey: string | undefined): Promise<Sign> {
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(base.hostname);
  const adminKey = given(environment, 'SLUICE_ADMIN_KEY') ?? (isLocal ? localKey : undefined);
  if (adminKey !== undefined) return () => Promise.resolve({ authorization: `Bearer ${adminKey}` });
  // Loading the AWS packages takes longer than a call to a local server.
  const { awsSigner } = await import('./aws-signer.ts');
  return awsSigner(base, given(environment, 'AWS_REGION') ?? given(environment, 'AWS_DEFAULT_REGION'));
}

async function readLocalKey(directory: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path.join(directory, 'admin-key'), 'utf8')).trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

async function call(request: AdminRequest, base: URL, sign: Sign): Promise<unknown> {
  const url = new URL(request.path, base);
  for (const [name, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, value);
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const headers = {
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const { method } = request;
  const proof = await sign({ method, url, headers, body });
  const response = await send(url, {
    method,
    headers: { ...headers, ...proof },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: 'error',
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const answer = parse(text);
  if (response.ok && answer !== undefined) return answer;
  throw refusal(response, answer, url);
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw new AdminError(
      `No answer from ${url.origin}: ${reasonOf(error)}. A local server is started with "npm start".`,
    );
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : error.message;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const envelope = z.object({ error: z.object({ message: z.string() }) });
/** What a function URL itself says to a request that its AWS_IAM check refuses. */
const platformRefusal = z.object({ Message: z.string() });

function refusal(response: Response, answer: unknown, url: URL): AdminError {
  const requestId =
    response.headers.get('x-request-id') ?? response.headers.get('x-amzn-requestid') ?? undefined;
  const message =
    envelope.safeParse(answer).data?.error.message ?? platformRefusal.safeParse(answer).data?.Message;
  return new AdminError(
    message ?? `${url.origin} answered with status ${response.status} and no JSON: is it the admin URL?`,
    requestId,
  );
}
