/**
 * Blocks on their way out in a format whose blocks never overlap: one that begins while another is open waits for its end.
 */
export class BlockQueue<Block extends { readonly isEnded: boolean }> {
  readonly #blocks = new Map<number, Block>();
  /** Blocks not yet sent to their end, in the order in which they began. */
  readonly #queue: Block[] = [];

  open(number: number, block: Block): void {
    this.#blocks.set(number, block);
    this.#queue.push(block);
  }

  get(number: number): Block | undefined {
    return this.#blocks.get(number);
  }

  /** Puts a block right behind one that was not yet sent to its end. */
  openBehind(block: Block, next: Block): void {
    this.#queue.splice(this.#queue.indexOf(block) + 1, 0, next);
  }

  /** Blocks of which more may be sent: the first one, and each one after it once those before have ended. */
  *sendable(): Generator<Block> {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      yield first;
      if (!first.isEnded) return;
      this.#queue.shift();
    }
  }
}
