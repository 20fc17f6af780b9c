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
  CLEARABLE_RULES,
  changeBody,
  clearedFields,
  given,
  RULE_HELP,
  RULE_OPTIONS,
  type RuleOptionValues,
  ruleFields,
} from './rule-arguments.ts';
import { scopeListText, scopeViewText } from './scope-views.ts';

/** Kinds of scopes by the word their commands begin with, with what one is called and an id. */
const COLLECTIONS = {
  organizations: { kind: 'organization', one: 'an organization', example: 'acme' },
  teams: { kind: 'team', one: 'a team', example: 'search' },
  projects: { kind: 'project', one: 'a project', example: 'ranker' },
  members: { kind: 'member', one: 'a member', example: 'ada@example.com' },
  tags: { kind: 'tag', one: 'a tag', example: 'customer=acme' },
} as const;

const SCOPE_OPTIONS = { name: { type: 'string' }, ...RULE_OPTIONS } as const;
const SCOPE_HELP = `  --name TEXT            what people call it\n${RULE_HELP}`;

// The commands declare these very options, so parseArgs has given each its type.
const fieldsOf = (input: CommandInput): Readonly<Record<string, unknown>> =>
  given({ name: textOption(input, 'name'), ...ruleFields(input.values as RuleOptionValues) });

function scopeCommands(collection: keyof typeof COLLECTIONS): readonly Command[] {
  const { one, example } = COLLECTIONS[collection];
  const path = (input: CommandInput): string => `/admin/${collection}/${encodeURIComponent(argument(input))}`;
  const single = {
    synopsis: 'ID',
    help: '',
    options: {},
    argument: `the id of ${one} (such as ${example})`,
    show: scopeViewText,
  } as const;
  return [
    {
      ...single,
      words: [collection, 'create'],
      synopsis: 'ID [options]',
      summary: `set limits for ${one} that has none, for all of its keys together`,
      help: SCOPE_HELP,
      options: SCOPE_OPTIONS,
      request: (input) => ({
        method: 'POST',
        path: `/admin/${collection}`,
        body: { id: argument(input), ...fieldsOf(input) },
      }),
    },
    {
      words: [collection, 'list'],
      synopsis: '[--limit N] [--cursor TEXT]',
      summary: `list ${collection} that have settings, newest first`,
      help: PAGE_HELP,
      options: PAGE_OPTIONS,
      request: (input) => ({ method: 'GET', path: `/admin/${collection}`, query: pageQuery(input) }),
      show: scopeListText,
    },
    {
      ...single,
      words: [collection, 'show'],
      summary: `show ${one} and where its budgets stand`,
      request: (input) => ({ method: 'GET', path: path(input) }),
    },
    {
      ...single,
      words: [collection, 'update'],
      synopsis: 'ID [options]',
      summary: `change ${one}; an option replaces the whole field`,
      help: `${SCOPE_HELP}\n  --clear FIELD          empty a field: ${Object.keys(CLEARABLE_RULES).join(', ')} (repeatable)`,
      options: { ...SCOPE_OPTIONS, clear: { type: 'string', multiple: true } },
      request: (input) => ({
        method: 'PATCH',
        path: path(input),
        body: changeBody(clearedFields(textOptions(input, 'clear'), CLEARABLE_RULES), fieldsOf(input)),
      }),
    },
    {
      ...single,
      words: [collection, 'delete'],
      summary: `take the settings of ${one} away; what it spent stays counted`,
      request: (input) => ({ method: 'DELETE', path: path(input) }),
      show: () => 'It has no settings any more.',
    },
  ];
}

// The names are the object's own keys.
export const SCOPE_COMMANDS: readonly Command[] = (
  Object.keys(COLLECTIONS) as (keyof typeof COLLECTIONS)[]
).flatMap(scopeCommands);

/** The path of what `team:search` or `key:key_…` names; `undefined` where it names nothing. */
export function pathOfScope(text: string): string | undefined {
  const at = text.indexOf(':');
  const [kind, id] = [text.slice(0, at), encodeURIComponent(text.slice(at + 1))];
  if (kind === 'key') return `/admin/keys/${id}`;
  const found = Object.entries(COLLECTIONS).find(([, each]) => each.kind === kind);
  return found === undefined ? undefined : `/admin/${found[0]}/${id}`;
}
