import { BUDGET_COMMANDS } from './budget-commands.ts';
import { type Command, textOption } from './command.ts';
import { KEY_COMMANDS } from './key-commands.ts';
import { SCOPE_COMMANDS } from './scope-commands.ts';
import { spendText } from './spend-view.ts';

const SPEND_COMMAND: Command = {
  words: ['spend'],
  synopsis: '[--from DAY] [--to DAY] [--group-by GROUPS]',
  summary: 'what was spent, by key, team, model, tag, …',
  help: `  --from DAY, --to DAY   2026-11-20, both inclusive, UTC (default: this month)
  --group-by GROUPS      one or two of key, team, project, organization, member, end_user, model, provider, session,
                         day, tag:NAME; as in team,tag:env (default: key)`,
  options: { from: { type: 'string' }, to: { type: 'string' }, 'group-by': { type: 'string' } },
  request: (input) => ({
    method: 'GET',
    path: '/admin/spend',
    query: {
      from: textOption(input, 'from'),
      to: textOption(input, 'to'),
      group_by: textOption(input, 'group-by'),
    },
  }),
  show: spendText,
};

export const COMMANDS: readonly Command[] = [
  ...KEY_COMMANDS,
  ...SCOPE_COMMANDS,
  ...BUDGET_COMMANDS,
  SPEND_COMMAND,
];
