import type { ParseArgsOptionsConfig } from 'node:util';
import type { AdminRequest } from './admin-client.ts';

/** What was typed after the command's words. */
export interface CommandInput {
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
  readonly nowMs: number;
}

export interface Command {
  readonly words: readonly string[];
  /** What follows the words, for the help. */
  readonly synopsis: string;
  readonly summary: string;
  readonly help: string;
  readonly options: ParseArgsOptionsConfig;
  /** The one argument that stands beside the options, as in "one key's id"; left out where there is none. */
  readonly argument?: string;
  readonly isArgumentOptional?: true;
  /** @throws UsageError */
  readonly request: (input: CommandInput) => AdminRequest;
  /** The answer for people. */
  readonly show: (answer: unknown) => string;
}

// Each command declares the options it reads, so parseArgs has given each the type that is read here.
export const textOption = (input: CommandInput, name: string): string | undefined =>
  input.values[name] as string | undefined;
export const textOptions = (input: CommandInput, name: string): readonly string[] =>
  (input.values[name] ?? []) as readonly string[];

export const argument = (input: CommandInput): string => input.positionals[0] ?? '';

/** Options of every list. */
export const PAGE_OPTIONS = { limit: { type: 'string' }, cursor: { type: 'string' } } as const;
export const PAGE_HELP = `  --limit N              up to 100 (default 50)
  --cursor TEXT          go on where an earlier list ended`;
export const pageQuery = (input: CommandInput): Readonly<Record<string, string | undefined>> => ({
  limit: textOption(input, 'limit'),
  cursor: textOption(input, 'cursor'),
});
