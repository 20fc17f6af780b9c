import { parseArgs } from 'node:util';
import { ZodError } from 'zod';
import { adminClient } from './admin-client.ts';
import { AdminError, UsageError } from './cli-errors.ts';
import type { Command, CommandInput } from './command.ts';
import { COMMANDS } from './commands.ts';

const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/**
 * Runs one command and writes its outcome: the answer to stdout, complaints to stderr.
 * @returns the exit code: 0; 1 where the control plane refused or failed; 2 where the command line is wrong
 */
export async function runCli(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  try {
    return await run(words, environment);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`sluice: ${error.message}`);
      return EXIT.usage;
    }
    if (error instanceof AdminError) {
      console.error(
        `sluice: ${error.message}${error.requestId === undefined ? '' : ` (request ${error.requestId})`}`,
      );
      return EXIT.failed;
    }
    throw error;
  }
}

async function run(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const command = COMMANDS.find((candidate) => candidate.words.every((word, index) => words[index] === word));
  if (command === undefined) return overview(words);
  const input = readInput(command, words.slice(command.words.length));
  if (input.values['help'] === true) {
    console.log(commandHelp(command));
    return EXIT.ok;
  }
  checkPositionals(command, input);
  const request = command.request(input);
  const call = await adminClient(environment);
  const answer = await call(request);
  console.log(input.values['json'] === true ? JSON.stringify(answer, undefined, 2) : shown(command, answer));
  return EXIT.ok;
}

function shown(command: Command, answer: unknown): string {
  try {
    return command.show(answer);
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    throw new AdminError(
      'The answer has an unknown form: the gateway is of another version. --json shows it.',
    );
  }
}

function overview(words: readonly string[]): number {
  const asksForHelp = words.includes('--help') || words.includes('-h');
  const asked = words.filter((word) => !word.startsWith('-'));
  const matching = COMMANDS.filter((command) => asked.length === 0 || command.words[0] === asked[0]);
  if (asksForHelp && matching.length > 0) {
    console.log(overviewText(matching));
    return EXIT.ok;
  }
  if (asked.length > 0) console.error(`sluice: there is no command "${asked.slice(0, 2).join(' ')}".\n`);
  console.error(overviewText(matching.length > 0 ? matching : COMMANDS));
  return EXIT.usage;
}

function readInput(command: Command, words: readonly string[]): CommandInput {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: {
        ...command.options,
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
    });
    return { values, positionals, nowMs: Date.now() };
  } catch (error) {
    // parseArgs throws a TypeError that says what is wrong, then what one could have meant.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${message} See "sluice ${command.words.join(' ')} --help".`);
  }
}

function checkPositionals(command: Command, { positionals }: CommandInput): void {
  const least = command.argument === undefined || command.isArgumentOptional === true ? 0 : 1;
  const most = command.argument === undefined ? 0 : 1;
  if (positionals.length >= least && positionals.length <= most) return;
  throw new UsageError(
    command.argument === undefined
      ? `"${positionals[0] ?? ''}" is not expected here. See "sluice ${command.words.join(' ')} --help".`
      : `Give ${command.argument}: sluice ${command.words.join(' ')} ${command.synopsis}`,
  );
}

function overviewText(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.words.join(' ').length)) + 2;
  const lines = commands.map(
    (command) => `  sluice ${command.words.join(' ').padEnd(width)}${command.summary}`,
  );
  return `Usage: sluice <command> [options]

${lines.join('\n')}

Every command takes --json (the answer as it came) and --help.

SLUICE_ADMIN_URL   the admin URL; default: a server started here by "npm start" (127.0.0.1, PORT or 8787)
SLUICE_ADMIN_KEY   the admin key; without it, that of the local server, else AWS credentials sign the request`;
}

function commandHelp(command: Command): string {
  return [
    `Usage: sluice ${command.words.join(' ')} ${command.synopsis}`,
    '',
    `  ${command.summary}`,
    ...(command.help === '' ? [] : ['', command.help]),
    '',
    '  --json                 the answer as it came',
    '  --help                 this text',
  ].join('\n');
}
