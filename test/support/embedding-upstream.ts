import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { embeddingOf } from '../../lambda/providers/simulation/embedding.ts';

/** What a provider of embeddings does with a text. */
export type EmbeddingAnswer =
  | { readonly type: 'vector'; readonly vector: readonly number[]; readonly promptTokens?: number }
  | { readonly type: 'body'; readonly status: number; readonly body: string }
  | { readonly type: 'hang' | 'reset' };

export interface EmbeddingUpstream {
  /** Its base address. */
  readonly url: string;
  /** Texts it was asked for, in turn. */
  readonly texts: string[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>[];
  /** What it does; words in, direction out, until a test says otherwise. */
  answer: (text: string) => EmbeddingAnswer;
  reset(): void;
  close(): Promise<void>;
}

/** As a simulated model does it, with the tokens that are its words. */
const byWords = (text: string): EmbeddingAnswer => ({
  type: 'vector',
  vector: embeddingOf(text),
  promptTokens: text.split(/\s+/).length,
});

/** A provider of embeddings in OpenAI's format, over real HTTP. */
export async function startEmbeddingUpstream(): Promise<EmbeddingUpstream> {
  const server = createServer((request, response) => {
    textOf(request).then((text) => {
      const { input, model } = JSON.parse(text);
      upstream.texts.push(input);
      upstream.headers.push(request.headers);
      if (request.url !== '/v1/embeddings') throw new Error(`asked at ${request.url}`);
      const answer = upstream.answer(input);
      switch (answer.type) {
        case 'hang':
          return;
        case 'reset':
          return response.destroy();
        case 'body':
          return response.writeHead(answer.status).end(answer.body);
        case 'vector': {
          const usage =
            answer.promptTokens === undefined ? {} : { usage: { prompt_tokens: answer.promptTokens } };
          const data = [{ object: 'embedding', index: 0, embedding: answer.vector }];
          return response.end(JSON.stringify({ object: 'list', model, data, ...usage }));
        }
      }
    }, response.destroy.bind(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this shape.
  const { port } = server.address() as AddressInfo;
  const upstream: EmbeddingUpstream = {
    url: `http://127.0.0.1:${port}/v1`,
    texts: [],
    headers: [],
    answer: byWords,
    reset() {
      upstream.texts.length = 0;
      upstream.headers.length = 0;
      upstream.answer = byWords;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return upstream;
}
