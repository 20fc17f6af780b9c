import { createHash, createHmac } from 'node:crypto';

/** What the signer hashes, and hashes with. */
type SourceData = string | ArrayBuffer | ArrayBufferView;

/** SHA-256, or HMAC when made with a secret, as the signer wants it. */
export class NodeSha256 {
  readonly #secret: SourceData | undefined;
  #hash: ReturnType<typeof createHash | typeof createHmac>;

  constructor(secret?: SourceData) {
    this.#secret = secret;
    this.#hash = newHash(secret);
  }

  update(chunk: SourceData): void {
    this.#hash.update(bytesOf(chunk));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = newHash(this.#secret);
  }
}

const newHash = (secret: SourceData | undefined) =>
  secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));

function bytesOf(data: SourceData): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
