import { GatewayError } from '../domain/errors.ts';
import type { ListedModel } from './listed-model.ts';

/** A part of the list, and whether there is more of it. */
export interface ModelPage {
  readonly models: readonly ListedModel[];
  readonly hasMore: boolean;
}

/** The most that a caller may ask for at once, in either format. */
const LARGEST_PAGE = 1_000;

/**
 * A page as Anthropic's callers ask for it: `limit`, and `after_id` or `before_id`. Who gives no limit gets all.
 * @see https://docs.anthropic.com/en/api/models-list
 * @throws GatewayError `invalid_request`
 */
export function anthropicPage(models: readonly ListedModel[], query: URLSearchParams): ModelPage {
  const limit = sizeIn(query, 'limit') ?? models.length;
  const before = query.get('before_id');
  if (before !== null) {
    const end = indexOf(models, before, 'before_id');
    const start = Math.max(0, end - limit);
    return { models: models.slice(start, end), hasMore: start > 0 };
  }
  const after = query.get('after_id');
  const start = after === null ? 0 : indexOf(models, after, 'after_id') + 1;
  return { models: models.slice(start, start + limit), hasMore: start + limit < models.length };
}

/**
 * A page as Google's callers ask for it: `pageSize` and the `pageToken` of the page before. Who gives no size gets all.
 * @see https://ai.google.dev/api/models#method:-models.list
 * @throws GatewayError `invalid_request`
 */
export function googlePage(
  models: readonly ListedModel[],
  query: URLSearchParams,
): ModelPage & { readonly nextPageToken: string | undefined } {
  const size = sizeIn(query, 'pageSize') ?? models.length;
  const token = query.get('pageToken') ?? '';
  const start =
    token === '' ? 0 : indexOf(models, Buffer.from(token, 'base64url').toString('utf8'), 'pageToken') + 1;
  const page = models.slice(start, start + size);
  const hasMore = start + size < models.length;
  const last = page.at(-1);
  return {
    models: page,
    hasMore,
    nextPageToken: hasMore && last !== undefined ? Buffer.from(last.id).toString('base64url') : undefined,
  };
}

function sizeIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1 || size > LARGEST_PAGE)
    throw new GatewayError('invalid_request', `"${name}" must be a whole number from 1 to ${LARGEST_PAGE}.`, {
      param: name,
    });
  return size;
}

function indexOf(models: readonly ListedModel[], id: string, name: string): number {
  const index = models.findIndex((model) => model.id === id);
  if (index === -1)
    throw new GatewayError('invalid_request', `"${name}" names no model of this list.`, { param: name });
  return index;
}
