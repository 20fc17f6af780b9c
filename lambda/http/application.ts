import type { Dialect, DialectId } from '../dialects/dialect.ts';
import { geminiArrayStream } from '../dialects/gemini/array-stream.ts';
import { asGatewayError, GatewayError } from '../domain/errors.ts';
import type { RequestId } from '../domain/ids.ts';
import type { Gateway } from '../pipeline/gateway.ts';
import { answerChat } from '../pipeline/pipeline.ts';
import { respondError } from '../pipeline/respond.ts';
import { explainRoute } from './explain-route.ts';
import { showGeneration } from './generation-route.ts';
import { showKey } from './key-route.ts';
import { type HttpApplication, type HttpRequest, type HttpResponse, jsonResponse } from './message.ts';
import { listModels, showModel } from './models-route.ts';
import { deleteResponse, showResponse } from './response-route.ts';
import type { Route } from './route.ts';

/** How a caller of one dialect is answered. @param stream what the address says, where it names the model too */
const chatRoute = (path: RegExp, dialect: DialectId, stream?: boolean): Route => ({
  method: 'POST',
  path,
  dialect,
  answer: ({ gateway, id, dialect: spoken, parameter }, request) =>
    answerChat(
      gateway,
      {
        ...request,
        id,
        ...(parameter !== '' && { address: { model: parameter, ...(stream !== undefined && { stream }) } }),
      },
      spoken,
    ),
});

/** Google's address of a model, as its SDKs write it for the Gemini API and for Vertex. */
const geminiPath = (verb: string): RegExp =>
  new RegExp(
    `^/v1(?:beta1?)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/[^/]+/)?models/(.+):${verb}$`,
  );

const ROUTES: readonly Route[] = [
  chatRoute(/^\/v1\/chat\/completions$/, 'openai-chat'),
  chatRoute(/^\/v1\/completions$/, 'openai-completions'),
  chatRoute(/^\/v1\/responses$/, 'openai-responses'),
  chatRoute(/^\/v1\/messages$/, 'anthropic-messages'),
  chatRoute(geminiPath('generateContent'), 'gemini', false),
  chatRoute(geminiPath('streamGenerateContent'), 'gemini', true),
  chatRoute(/^\/model\/(.+)\/converse$/, 'bedrock-converse', false),
  chatRoute(/^\/model\/(.+)\/converse-stream$/, 'bedrock-converse', true),
  chatRoute(/^\/v2\/chat$/, 'cohere-chat'),
  chatRoute(/^\/v1\/messages\/count_tokens$/, 'anthropic-count-tokens'),
  chatRoute(geminiPath('countTokens'), 'gemini-count-tokens'),
  chatRoute(/^\/v1\/embeddings$/, 'openai-embeddings'),
  chatRoute(/^\/v[12]\/rerank$/, 'cohere-rerank'),
  chatRoute(/^\/v1\/moderations$/, 'openai-moderations'),
  chatRoute(/^\/v1\/images\/generations$/, 'openai-images'),
  chatRoute(/^\/v1\/audio\/speech$/, 'openai-speech'),
  chatRoute(/^\/v1\/audio\/transcriptions$/, 'openai-transcriptions'),
  {
    method: 'GET',
    path: /^\/v1\/responses\/([^/]+)$/,
    dialect: 'openai-responses',
    answer: showResponse,
  },
  {
    method: 'DELETE',
    path: /^\/v1\/responses\/([^/]+)$/,
    dialect: 'openai-responses',
    answer: deleteResponse,
  },
  { method: 'POST', path: /^\/v1\/route$/, answer: explainRoute },
  { method: 'GET', path: /^\/v1(?:beta)?\/models$/, answer: listModels },
  { method: 'GET', path: /^\/v1(?:beta)?\/models\/(.+)$/, answer: showModel },
  { method: 'GET', path: /^\/v1\/key$/, answer: showKey },
  { method: 'GET', path: /^\/v1\/generation$/, answer: showGeneration },
  { method: 'GET', path: /^\/health$/, answer: async () => jsonResponse(200, { status: 'ok' }) },
];

/** The data plane: every route of callers' SDKs and of Sluice's own, the same on every host. */
export function inferenceApplication(gateway: Gateway): HttpApplication {
  return async (request) => {
    const id = gateway.newRequestId();
    const path = request.path.replaceAll(/\/{2,}/g, '/').replace(/^\/api(?=\/v1\/)/, '');
    const matching = ROUTES.filter((route) => route.path.test(path));
    const route = matching.find((candidate) => candidate.method === request.method);
    const dialect = spokenDialect(gateway, route ?? matching[0], request);
    try {
      if (route === undefined) throw noSuchRoute(request, matching);
      const parameter = decodeParameter(route.path.exec(path)?.[1] ?? '');
      return withRequestId(id, dialect, await route.answer({ gateway, id, dialect, parameter }, request));
    } catch (thrown) {
      const error = asGatewayError(thrown);
      if (error.code === 'internal') gateway.telemetry.problem('A request failed.', error.cause, { id });
      const { method } = request;
      gateway.telemetry.rejected({
        requestId: id,
        method,
        path: request.path.slice(0, 200),
        code: error.code,
        status: error.status,
      });
      const response = respondError(dialect, error, id);
      return withRequestId(id, dialect, {
        ...response,
        headers: { ...response.headers, ...(error.code === 'method_not_allowed' && allow(matching)) },
        afterEnd: () => gateway.telemetry.flush(),
      });
    }
  };
}

const allow = (routes: readonly Route[]): { readonly allow: string } => ({
  allow: routes.map((route) => route.method).join(', '),
});

function noSuchRoute(request: HttpRequest, otherMethods: readonly Route[]): GatewayError {
  if (otherMethods.length > 0) {
    return new GatewayError(
      'method_not_allowed',
      `${request.method} is not possible here; ${allow(otherMethods).allow} is.`,
    );
  }
  const nearby = [`/v1${request.path}`, request.path.replace(/^\/v1(?=\/v1\/)/, '')].find((path) =>
    ROUTES.some((route) => route.path.test(path)),
  );
  const hint =
    nearby === undefined
      ? ''
      : ` There is ${nearby.slice(0, 200)}: the base URL of some SDKs ends in /v1, of others not.`;
  return new GatewayError(
    'not_found',
    `There is no ${request.method} ${request.path.slice(0, 200)} here.${hint}`,
  );
}

function spokenDialect(gateway: Gateway, route: Route | undefined, request: HttpRequest): Dialect {
  const dialect = gateway.dialects.get(route?.dialect ?? shownDialect(request));
  if (dialect === undefined) throw new Error(`The dialect of ${request.path} is not built in.`);
  // Google answers with one growing list to whoever does not ask for events.
  const asksForList = dialect.id === 'gemini' && request.query.get('alt') !== 'sse';
  return asksForList ? geminiArrayStream(dialect) : dialect;
}

/** Who a caller is where nothing but the path or the headers of its SDK tells. */
function shownDialect({ path, headers }: HttpRequest): DialectId {
  if (path.startsWith('/model/')) return 'bedrock-converse';
  if (path.startsWith('/v2/')) return 'cohere-chat';
  if (path.startsWith('/v1beta/') || headers['x-goog-api-key'] !== undefined) return 'gemini';
  return headers['anthropic-version'] === undefined ? 'openai-chat' : 'anthropic-messages';
}

function decodeParameter(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const withRequestId = (
  id: RequestId,
  { requestIdHeader }: Dialect,
  response: HttpResponse,
): HttpResponse => ({
  ...response,
  headers: {
    ...response.headers,
    ...{ 'x-request-id': id, 'request-id': id, 'x-generation-id': id },
    ...(requestIdHeader !== undefined && { [requestIdHeader]: id }),
  },
});
