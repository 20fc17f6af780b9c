import { UsageError } from './cli-errors.ts';
import {
  argument,
  type Command,
  type CommandInput,
  PAGE_HELP,
  PAGE_OPTIONS,
  pageQuery,
  textOption,
  textOptions,
} from './command.ts';
import {
  CLEARABLE_KEY_FIELDS,
  KEY_OPTIONS,
  KEY_OPTIONS_HELP,
  type KeyOptionValues,
  keyBody,
} from './key-arguments.ts';
import { keyListText, keyText } from './key-views.ts';
import { readDuration } from './read-values.ts';
import { changeBody, clearedFields } from './rule-arguments.ts';

// The commands declare these very options, so parseArgs has given each its type.
const keyValues = (input: CommandInput): KeyOptionValues => input.values as KeyOptionValues;

const keyPath = (input: CommandInput): string => `/admin/keys/${encodeURIComponent(argument(input))}`;

const ONE_KEY = { synopsis: 'ID', help: '', options: {}, argument: "one key's id", show: keyText } as const;

export const KEY_COMMANDS: readonly Command[] = [
  {
    words: ['keys', 'create'],
    synopsis: '--name TEXT [options]',
    summary: 'make a virtual key; prints its secret, once',
    help: KEY_OPTIONS_HELP,
    options: KEY_OPTIONS,
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
    help: PAGE_HELP,
    options: PAGE_OPTIONS,
    request: (input) => ({ method: 'GET', path: '/admin/keys', query: pageQuery(input) }),
    show: keyListText,
  },
  {
    ...ONE_KEY,
    words: ['keys', 'show'],
    summary: 'show one key and where its budgets stand',
    request: (input) => ({ method: 'GET', path: keyPath(input) }),
  },
  {
    ...ONE_KEY,
    words: ['keys', 'update'],
    synopsis: 'ID [options]',
    summary: 'change a key; an option replaces the whole field',
    help: `${KEY_OPTIONS_HELP}\n  --clear FIELD          empty a field: team, budget, rate-limits, expires, … (repeatable)`,
    options: { ...KEY_OPTIONS, clear: { type: 'string', multiple: true } },
    request(input) {
      const cleared = clearedFields(textOptions(input, 'clear'), CLEARABLE_KEY_FIELDS);
      const body = changeBody(cleared, keyBody(keyValues(input), input.nowMs));
      return { method: 'PATCH', path: keyPath(input), body };
    },
  },
  {
    ...ONE_KEY,
    words: ['keys', 'rotate'],
    synopsis: 'ID [--grace TIME]',
    summary: 'give a key a new secret; prints it, once',
    help: '  --grace TIME           how long the old secret still works: 90s, 15m, 1h, 7d (default: not at all)',
    options: { grace: { type: 'string' } },
    request(input) {
      const grace = textOption(input, 'grace');
      const body = grace === undefined ? {} : { grace_seconds: readDuration(grace, '--grace') };
      return { method: 'POST', path: `${keyPath(input)}/rotate`, body };
    },
  },
  {
    ...ONE_KEY,
    words: ['keys', 'disable'],
    summary: 'refuse a key until it is enabled again',
    request: (input) => ({ method: 'POST', path: `${keyPath(input)}/disable` }),
  },
  {
    ...ONE_KEY,
    words: ['keys', 'enable'],
    summary: 'let a disabled key in again',
    request: (input) => ({ method: 'POST', path: `${keyPath(input)}/enable` }),
  },
  {
    ...ONE_KEY,
    words: ['keys', 'revoke'],
    summary: 'end a key, for good; its records stay',
    request: (input) => ({ method: 'DELETE', path: keyPath(input) }),
  },
];
