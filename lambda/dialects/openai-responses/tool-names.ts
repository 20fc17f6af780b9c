import type { NamespacedTool } from '../../domain/chat/request.ts';

/** The longest name of a function that every provider takes. */
const MAX_NAME_LENGTH = 64;

/**
 * Plain names for tools that a namespace groups: valid with every provider, and each the name of one tool only. A tool
 * outside of any namespace keeps its own.
 * @see https://platform.openai.com/docs/guides/function-calling
 */
export class ToolNames {
  readonly #plainNames = new Map<string, string>();
  readonly #tools = new Map<string, NamespacedTool>();
  readonly #taken: Set<string>;

  /** @param taken names of tools outside of any namespace */
  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  /** The plain name of a tool, the same whenever it is asked for. */
  plainName(tool: NamespacedTool): string {
    const key = JSON.stringify([tool.namespace, tool.name]);
    const known = this.#plainNames.get(key);
    if (known !== undefined) return known;
    const name = this.#freeName(`${tool.namespace}__${tool.name}`.replaceAll(/[^a-zA-Z0-9_-]/g, '_'));
    this.#taken.add(name);
    this.#plainNames.set(key, name);
    this.#tools.set(name, tool);
    return name;
  }

  /** Each plain name with the tool it stands for; `undefined` where there is none. */
  get tools(): Readonly<Record<string, NamespacedTool>> | undefined {
    return this.#tools.size === 0 ? undefined : Object.fromEntries(this.#tools);
  }

  #freeName(wish: string): string {
    for (let number = 1; ; number += 1) {
      const suffix = number === 1 ? '' : `_${number}`;
      const name = wish.slice(0, MAX_NAME_LENGTH - suffix.length) + suffix;
      if (!this.#taken.has(name)) return name;
    }
  }
}
