import type { HttpApplication, HttpResponse } from '../http/message.ts';
import { hostFailure, type ReportProblem, runAfterEnd } from './failure.ts';
import { type FunctionUrlEvent, requestFromEvent } from './function-url-event.ts';

/** What a function URL with invoke mode BUFFERED sends on. */
export interface BufferedAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

export type BufferedUrlHandler = (event: FunctionUrlEvent) => Promise<BufferedAnswer>;

/**
 * Puts an application behind a function URL whose invoke mode is BUFFERED. Who signed the request, where the URL's auth
 * type is AWS_IAM, stands in the header `IAM_CALLER_HEADER`.
 */
export const bufferedUrlHandler =
  (application: HttpApplication, options: { readonly problem: ReportProblem }): BufferedUrlHandler =>
  async (event) => {
    try {
      const response = await application(requestFromEvent(event));
      const answer = await collect(response);
      await runAfterEnd(response, options.problem);
      return answer;
    } catch (error) {
      options.problem('The application threw.', error);
      return collect(hostFailure());
    }
  };

async function collect(response: HttpResponse): Promise<BufferedAnswer> {
  const body = Buffer.concat(await Array.fromAsync(response.body));
  const text = body.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(body);
  return {
    statusCode: response.status,
    headers: response.headers,
    body: isText ? text : body.toString('base64'),
    isBase64Encoded: !isText,
  };
}
