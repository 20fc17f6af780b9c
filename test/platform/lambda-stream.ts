import { Writable } from 'node:stream';

/**
 * The response stream as AWS's runtime interface client (4.x) makes it: status and headers ride on the first write, and are
 * lost where `end` comes without one.
 */
export class LambdaStream extends Writable {
  status: number | undefined;
  headers: Readonly<Record<string, string>> = {};
  readonly chunks: string[] = [];
  endedAfter: number | undefined;
  readonly #write: (chunk: Buffer) => Promise<void>;
  #prelude: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> } | undefined;

  constructor(write: (chunk: Buffer) => Promise<void> = async () => undefined) {
    super({ highWaterMark: 16 });
    this.#write = write;
  }

  get text(): string {
    return this.chunks.join('');
  }

  static from(stream: LambdaStream, prelude: LambdaStream['prelude']): LambdaStream {
    if (stream.chunks.length > 0) throw new Error('Cannot set content-type, too late.');
    stream.#prelude = prelude;
    return stream;
  }

  get prelude(): { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> } {
    return this.#prelude ?? { statusCode: 200, headers: { 'content-type': 'application/octet-stream' } };
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature is Writable's own
  override write(...given: readonly any[]): boolean {
    if (this.status === undefined) {
      this.status = this.prelude.statusCode;
      this.headers = this.prelude.headers;
    }
    return super.write(given[0], 'utf8');
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.chunks.push(chunk.toString());
    this.#write(chunk).then(() => done(), done);
  }

  override _final(done: () => void): void {
    this.status ??= 200;
    this.endedAfter = this.chunks.length;
    done();
  }
}
