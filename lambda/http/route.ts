import type { Dialect, DialectId } from '../dialects/dialect.ts';
import type { RequestId } from '../domain/ids.ts';
import type { Gateway } from '../pipeline/gateway.ts';
import type { HttpRequest, HttpResponse } from './message.ts';

/** What a route needs of the request beside the request itself. */
export interface RouteContext {
  readonly gateway: Gateway;
  readonly id: RequestId;
  /** What the caller speaks: the route's own dialect, or the one its path or headers show. */
  readonly dialect: Dialect;
  /** The part of the path the route leaves open, decoded. */
  readonly parameter: string;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: RegExp;
  /** The dialect of a route that belongs to one; others answer as the caller's headers show. */
  readonly dialect?: DialectId;
  answer(context: RouteContext, request: HttpRequest): Promise<HttpResponse>;
}
