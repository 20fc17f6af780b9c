/**
 * Ids for function calls and responses that came without: Google's own models gave none for long, and its callers answer
 * in order. The n-th call of a name is answered by the n-th response of that name. Made ids are the same each time the
 * conversation is sent, and differ from all that were given.
 */
export class CallIds {
  readonly #given: ReadonlySet<string>;
  readonly #open = new Map<string, string[]>();
  #made = 0;

  /** @param given every id that stands anywhere in the conversation */
  constructor(given: ReadonlySet<string>) {
    this.#given = given;
  }

  ofCall(name: string, given: string | undefined): string {
    const id = given === undefined || given === '' ? this.#make() : given;
    this.#open.set(name, [...(this.#open.get(name) ?? []), id]);
    return id;
  }

  /** A response nobody called for gets an id of its own. */
  ofResponse(name: string, given: string | undefined): string {
    const open = this.#open.get(name) ?? [];
    const id = given === undefined || given === '' ? (open[0] ?? this.#make()) : given;
    const position = open.indexOf(id);
    if (position !== -1) open.splice(position, 1);
    return id;
  }

  #make(): string {
    let id = `call_${this.#made}`;
    while (this.#given.has(id)) {
      this.#made += 1;
      id = `call_${this.#made}`;
    }
    this.#made += 1;
    return id;
  }
}
