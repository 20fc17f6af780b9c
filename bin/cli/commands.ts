import type { ParseArgsOptionsConfig } from 'node:util';
import type { AdminRequest } from './admin-client.ts';
import { UsageError } from './cli-errors.ts';
import {
  clearedFields,
  KEY_OPTIONS,
  KEY_OPTIONS_HELP,
  type KeyOptionValues,
  keyBody,
} from './key-arguments.ts';
import { keyListText, keyText, spendText } from './views.ts';

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
  /** How many arguments stand beside the options. */
  readonly positionals: number;
  /** @throws UsageError */
  readonly request: (input: CommandInput) => AdminRequest;
  /** The answer for people. */
  readonly show: (answer: unknown) => string;
}

// Each command declares the options it reads, so parseArgs has given each the type that is read here.
const keyValues = (input: CommandInput): KeyOptionValues => input.values as KeyOptionValues;
const text = (input: CommandInput, name: string): string | undefined =>
  input.values[name] as string | undefined;
const texts = (input: CommandInput, name: string): readonly string[] =>
  (input.values[name] ?? []) as readonly string[];

const keyPath = (input: CommandInput): string =>
  `/admin/keys/${encodeURIComponent(input.positionals[0] ?? '')}`;

const KEY_COMMANDS: readonly Command[] = [
  {
    words: ['keys', 'create'],
    synopsis: '--name TEXT [options]',
    summary: 'make a virtual key; prints its secret, once',
    help: KEY_OPTIONS_HELP,
    options: KEY_OPTIONS,
    positionals: 0,
    request(input) {
      const values = keyValues(input);
      if (values.name === undefined) throw new UsageError('--name is missing.');
      return { method: 'POST', path: '/admin/keys', body: keyBody(values, input.nowMs) };
    },
    show: keyText,
  },
  {
    words: ['keys', 'list'],
    synopsis: '[--limit N] [--cursor TEXT]',
    summary: 'list keys, newest first',
    help: '  --limit N              keys at most, up to 100 (default 50)\n  --cursor TEXT          go on where an earlier list ended',
    options: { limit: { type: 'string' }, cursor: { type: 'string' } },
    positionals: 0,
    request: (input) => ({
      method: 'GET',
      path: '/admin/keys',
      query: { limit: text(input, 'limit'), cursor: text(input, 'cursor') },
    }),
    show: keyListText,
  },
  {
    words: ['keys', 'show'],
    synopsis: 'ID',
    summary: 'show one key and where its budgets stand',
    help: '',
    options: {},
    positionals: 1,
    request: (input) => ({ method: 'GET', path: keyPath(input) }),
    show: keyText,
  },
  {
    words: ['keys', 'update'],
    synopsis: 'ID [options]',
    summary: 'change a key; an option replaces the whole field',
    help: `${KEY_OPTIONS_HELP}\n  --clear FIELD          empty a field: team, budget, model, expires, … (repeatable)`,
    options: { ...KEY_OPTIONS, clear: { type: 'string', multiple: true } },
    positionals: 1,
    request(input) {
      const cleared = clearedFields(texts(input, 'clear'));
      const body = { ...cleared, ...keyBody(keyValues(input), input.nowMs) };
      if (Object.keys(body).length === 0)
        throw new UsageError('Give at least one option: what is to change?');
      return { method: 'PATCH', path: keyPath(input), body };
    },
    show: keyText,
  },
  {
    words: ['keys', 'revoke'],
    synopsis: 'ID',
    summary: 'end a key, for good; its records stay',
    help: '',
    options: {},
    positionals: 1,
    request: (input) => ({ method: 'DELETE', path: keyPath(input) }),
    show: keyText,
  },
];

const SPEND_COMMAND: Command = {
  words: ['spend'],
  synopsis: '[--from DAY] [--to DAY] [--group-by GROUPS]',
  summary: 'what was spent, from daily sums',
  help: `  --from DAY, --to DAY   2026-11-20, both inclusive, UTC (default: this month)
  --group-by GROUPS      one or two of key, model, provider, day, as in key,model (default: key)`,
  options: { from: { type: 'string' }, to: { type: 'string' }, 'group-by': { type: 'string' } },
  positionals: 0,
  request: (input) => ({
    method: 'GET',
    path: '/admin/spend',
    query: { from: text(input, 'from'), to: text(input, 'to'), group_by: text(input, 'group-by') },
  }),
  show: spendText,
};

export const COMMANDS: readonly Command[] = [...KEY_COMMANDS, SPEND_COMMAND];
