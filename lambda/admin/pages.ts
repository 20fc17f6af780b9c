import { GatewayError } from '../domain/errors.ts';

const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 100;
const MAX_CURSOR_LENGTH = 2_000;

/** Which part of a list is asked for. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** Reads `limit` and `cursor`. @throws GatewayError `invalid_request` */
export function readPage(query: URLSearchParams): PageRequest {
  const limitText = query.get('limit') ?? String(DEFAULT_PAGE);
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > LARGEST_PAGE)
    throw new GatewayError('invalid_request', `limit: must be a whole number from 1 to ${LARGEST_PAGE}.`, {
      param: 'limit',
    });
  const cursor = query.get('cursor');
  if (cursor !== null && cursor.length > MAX_CURSOR_LENGTH) throw noSuchCursor();
  return cursor === null || cursor === '' ? { limit } : { limit, cursor };
}

export const noSuchCursor = (): GatewayError =>
  new GatewayError('invalid_request', 'cursor: must be the next_cursor of an earlier answer.', {
    param: 'cursor',
  });
