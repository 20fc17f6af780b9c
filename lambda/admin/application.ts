import { asGatewayError, GatewayError } from '../domain/errors.ts';
import type { SettableKind } from '../domain/scope-settings.ts';
import type { HttpApplication, HttpRequest, HttpResponse } from '../http/message.ts';
import type { SpendReports } from '../ports/ledger.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { errorResponse } from './answer.ts';
import type { Authorize } from './authorize.ts';
import { listBudgets } from './budget-list-route.ts';
import { type DashboardDependencies, showDashboard } from './dashboard-route.ts';
import { increaseBudget } from './increase-route.ts';
import {
  createKey,
  type KeyRouteDependencies,
  listKeys,
  revokeKey,
  rotateKey,
  showKey,
  switchKey,
  updateKey,
} from './key-routes.ts';
import { COLLECTIONS } from './scope-ids.ts';
import {
  clearScope,
  createScope,
  listScopes,
  putScope,
  type ScopeRouteDependencies,
  showScope,
  updateScope,
} from './scope-routes.ts';
import { showSpend } from './spend-route.ts';

export interface AdminDependencies extends KeyRouteDependencies, ScopeRouteDependencies {
  readonly reports: SpendReports;
  readonly authorize: Authorize;
  readonly telemetry: Pick<Telemetry, 'problem' | 'rejected'>;
  /** Serves `GET /dashboard`; left out where CloudWatch shows the widget. */
  readonly dashboard?: DashboardDependencies;
}

type Handler = (request: HttpRequest, pathPart: string) => Promise<HttpResponse>;

interface Route {
  /** At most one group: the part of the path that the handler gets. */
  readonly path: RegExp;
  readonly methods: Readonly<Record<string, Handler>>;
}

/**
 * The control plane: `/admin/…`, and `/dashboard` on a local server. Every answer, also a refusal, is JSON with an
 * `x-request-id`; the dashboard is HTML. Nothing it answers may be stored on the way.
 */
export function adminApplication(dependencies: AdminDependencies): HttpApplication {
  const routes = adminRoutes(dependencies);
  const { dashboard, telemetry } = dependencies;

  async function answer(request: HttpRequest): Promise<HttpResponse> {
    if (dashboard !== undefined && request.path === '/dashboard') {
      if (request.method !== 'GET') throw methodNotAllowed(request, ['GET']);
      return await showDashboard(request, { ...dependencies, ...dashboard });
    }
    await dependencies.authorize(request);
    return await dispatch(routes, request);
  }

  return async function admin(request) {
    const requestId = `req-${dependencies.newId()}`;
    const response = await answer(request).catch((thrown: unknown) => {
      const error = asGatewayError(thrown);
      const { method, path } = request;
      if (error.code === 'internal') telemetry.problem('The control plane failed.', thrown, { requestId });
      if (error.code === 'authentication_failed')
        telemetry.rejected({ requestId, method, path, code: error.code, status: error.status });
      return errorResponse(error);
    });
    return {
      ...response,
      headers: {
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        ...response.headers,
        'x-request-id': requestId,
      },
    };
  };
}

function adminRoutes(dependencies: AdminDependencies): readonly Route[] {
  return [
    {
      path: /^\/admin\/keys$/,
      methods: {
        GET: (request) => listKeys(request, dependencies),
        POST: (request) => createKey(request, dependencies),
      },
    },
    {
      path: /^\/admin\/keys\/([^/]+)$/,
      methods: {
        GET: (_request, id) => showKey(id, dependencies),
        PATCH: (request, id) => updateKey(id, request, dependencies),
        DELETE: (_request, id) => revokeKey(id, dependencies),
      },
    },
    {
      path: /^\/admin\/keys\/([^/]+)\/rotate$/,
      methods: { POST: (request, id) => rotateKey(id, request, dependencies) },
    },
    {
      path: /^\/admin\/keys\/([^/]+)\/disable$/,
      methods: { POST: (_request, id) => switchKey(id, 'disabled', dependencies) },
    },
    {
      path: /^\/admin\/keys\/([^/]+)\/enable$/,
      methods: { POST: (_request, id) => switchKey(id, 'active', dependencies) },
    },
    ...Object.entries(COLLECTIONS).flatMap(([name, kind]) => scopeRoutes(name, kind, dependencies)),
    {
      path: /^\/admin\/budgets$/,
      methods: { GET: (request) => listBudgets(request, dependencies) },
    },
    {
      path: /^\/admin\/budgets\/(.+)\/increase$/,
      methods: { POST: (request, scope) => increaseBudget(scope, request, dependencies) },
    },
    {
      path: /^\/admin\/spend$/,
      methods: { GET: (request) => showSpend(request, dependencies) },
    },
  ];
}

/** The routes of one kind of scope. Ids may hold slashes, encoded or not: nothing stands behind an id. */
const scopeRoutes = (
  collection: string,
  kind: SettableKind,
  dependencies: AdminDependencies,
): readonly Route[] => [
  {
    path: new RegExp(`^/admin/${collection}$`),
    methods: {
      GET: (request) => listScopes(kind, request, dependencies),
      POST: (request) => createScope(kind, request, dependencies),
    },
  },
  {
    path: new RegExp(`^/admin/${collection}/(.+)$`),
    methods: {
      GET: (_request, pathPart) => showScope(kind, pathPart, dependencies),
      PUT: (request, pathPart) => putScope(kind, { pathPart, request }, dependencies),
      PATCH: (request, pathPart) => updateScope(kind, { pathPart, request }, dependencies),
      DELETE: (_request, pathPart) => clearScope(kind, pathPart, dependencies),
    },
  },
];

async function dispatch(routes: readonly Route[], request: HttpRequest): Promise<HttpResponse> {
  for (const { path, methods } of routes) {
    const match = path.exec(request.path);
    if (match === null) continue;
    const handler = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
    if (handler === undefined) throw methodNotAllowed(request, Object.keys(methods));
    return await handler(request, match[1] ?? '');
  }
  throw new GatewayError('not_found', `There is nothing at ${request.path.slice(0, 200)}.`);
}

const methodNotAllowed = (request: HttpRequest, allowed: readonly string[]): GatewayError =>
  new GatewayError(
    'method_not_allowed',
    `${request.path.slice(0, 200)} takes ${allowed.join(', ')}, not ${request.method.slice(0, 20)}.`,
    { metadata: { allowed } },
  );
