import { GatewayError } from '../domain/errors.ts';

/** What a caller is told of an answer whose finish is an error: it never ends like a good one. */
export const failedAnswer = (): GatewayError =>
  new GatewayError('upstream_error', 'The provider ended the answer with an error.');
