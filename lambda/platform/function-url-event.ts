import { type HttpRequest, IAM_CALLER_HEADER } from '../http/message.ts';

/**
 * What Sluice reads of a function URL's event, payload format 2.0. All of it is optional: the function can also be
 * invoked directly, with anything.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
 */
export interface FunctionUrlEvent {
  readonly rawPath?: string;
  readonly rawQueryString?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
  readonly requestContext?: {
    readonly http?: { readonly method?: string };
    /** Filled in by AWS where the URL's auth type is AWS_IAM. */
    readonly authorizer?: { readonly iam?: { readonly userArn?: string } };
  };
}

/** A function URL's event as a request. The signal never aborts: Lambda does not tell when a caller leaves. */
export function requestFromEvent(event: FunctionUrlEvent): HttpRequest {
  return {
    method: event.requestContext?.http?.method ?? 'GET',
    path: event.rawPath ?? '/',
    query: new URLSearchParams(event.rawQueryString ?? ''),
    headers: headersOf(event),
    body: Buffer.from(event.body ?? '', event.isBase64Encoded === true ? 'base64' : 'utf8'),
    signal: new AbortController().signal,
  };
}

function headersOf(event: FunctionUrlEvent): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(event.headers ?? {}))
    if (value !== undefined) headers[name.toLowerCase()] = value;
  delete headers[IAM_CALLER_HEADER];
  const caller = event.requestContext?.authorizer?.iam?.userArn;
  return caller === undefined ? headers : { ...headers, [IAM_CALLER_HEADER]: caller };
}
