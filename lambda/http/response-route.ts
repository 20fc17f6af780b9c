import { GatewayError } from '../domain/errors.ts';
import { authenticate, UNRESERVED_KEY_AGE_MS } from '../pipeline/authenticate.ts';
import { forgetAnswer, storedAnswer } from '../pipeline/stored-answer.ts';
import { type HttpRequest, type HttpResponse, jsonResponse, wholeResponse } from './message.ts';
import type { RouteContext } from './route.ts';

/**
 * `GET /v1/responses/{id}`: an answer of this key, as it was given.
 * @see https://platform.openai.com/docs/api-reference/responses/get
 * @throws GatewayError `not_found` also for another key's answer: nobody learns that it exists
 */
export async function showResponse(
  { gateway, dialect, parameter }: RouteContext,
  request: HttpRequest,
): Promise<HttpResponse> {
  const { key } = await authenticate(gateway, request.headers, UNRESERVED_KEY_AGE_MS);
  if (request.query.get('stream') === 'true')
    throw new GatewayError('unsupported_parameter', 'A kept response is given whole. Leave out "stream".', {
      param: 'stream',
    });
  const text = await storedAnswer(gateway, key.id, dialect, parameter);
  return wholeResponse(200, { 'content-type': 'application/json' }, text);
}

/**
 * `DELETE /v1/responses/{id}`: it can be neither fetched nor continued any more.
 * @see https://platform.openai.com/docs/api-reference/responses/delete
 */
export async function deleteResponse(
  { gateway, parameter }: RouteContext,
  request: HttpRequest,
): Promise<HttpResponse> {
  const { key } = await authenticate(gateway, request.headers, UNRESERVED_KEY_AGE_MS);
  await forgetAnswer(gateway, key.id, parameter);
  return jsonResponse(200, { id: parameter, object: 'response', deleted: true });
}
