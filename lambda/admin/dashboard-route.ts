import { type HttpRequest, type HttpResponse, wholeResponse } from '../http/message.ts';
import type { RoutingStore } from '../ports/routing-store.ts';
import { renderBudgetWidget } from './budget-widget.ts';
import { dashboardPage, loginPage } from './dashboard-page.ts';
import type { DashboardSession } from './dashboard-session.ts';
import { type WidgetDependencies, widgetView } from './widget-view.ts';

/** What the dashboard needs beyond what the control plane has. */
export interface DashboardDependencies {
  readonly session: DashboardSession;
  readonly routing: Pick<RoutingStore, 'health'>;
}

const COOKIE = 'sluice_dashboard';

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  // No script runs here, whatever a key is called.
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // The link's token must not leave in a Referer.
  'referrer-policy': 'no-referrer',
} as const;

/** `GET /dashboard`: the widget as a page; with `?token=` the login, which answers with a cookie and a redirect. */
export async function showDashboard(
  request: HttpRequest,
  dependencies: DashboardDependencies & WidgetDependencies,
): Promise<HttpResponse> {
  const { session } = dependencies;
  const token = request.query.get('token');
  const opened = token === null ? undefined : session.open(token);
  if (opened !== undefined) return loggedIn(opened);
  if (!session.isOpen(cookieValue(request.headers['cookie'] ?? '')))
    return wholeResponse(401, PAGE_HEADERS, loginPage());
  const view = await widgetView(dependencies);
  return wholeResponse(200, PAGE_HEADERS, dashboardPage(renderBudgetWidget(view, 'auto')));
}

const loggedIn = (session: string): HttpResponse =>
  wholeResponse(
    303,
    {
      ...PAGE_HEADERS,
      location: '/dashboard',
      'set-cookie': `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/dashboard`,
    },
    '',
  );

function cookieValue(header: string): string {
  const pairs = header.split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? '';
}
