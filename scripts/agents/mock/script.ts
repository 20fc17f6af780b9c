import { isJsonObject, type Json, type JsonObject } from '../../../lambda/domain/json.ts';
import { type AskedTurn, type MockReply, objectAt, textAt, valueAt } from './turn.ts';

/** What a mock wants run, and how it knows that it ran. */
export interface Errand {
  /** A command whose text does not hold what it prints. */
  readonly command: string;
  /** What it prints. */
  readonly mark: string;
  /** What signed reasoning is signed with. */
  readonly proof: string;
}

/** An errand nobody else has. @param nonce letters and digits */
export const errandOf = (nonce: string): Errand => ({
  // The shell joins the two: who only repeats the command never says the mark.
  command: `echo "mark-""${nonce}"`,
  mark: `mark-${nonce}`,
  proof: Buffer.from(`signature of ${nonce}`).toString('base64'),
});

/** How the last answer begins, so that it is not taken for the tool's own output. */
export const FINAL_TEXT = 'The shell printed ';

const SHELL_TOOLS: ReadonlySet<string> = new Set([
  'Bash',
  'bash',
  'exec_command',
  'local_shell',
  'run_shell_command',
  'shell',
  'shell_command',
]);

/**
 * Asks for the agent's own shell tool; once that has answered, repeats what it printed. A turn without such a tool (a title
 * for the session, say) gets a line of text.
 */
export function replyTo(turn: AskedTurn, errand: Errand): MockReply {
  if (turn.toolResults.some((result) => result.includes(errand.mark)))
    return { type: 'text', text: `${FINAL_TEXT}${errand.mark}.` };
  if (turn.toolResults.length > 0)
    return { type: 'text', text: 'The command did not print what it should have.' };
  const shell = turn.tools.find(({ name }) => SHELL_TOOLS.has(name));
  if (shell === undefined) return { type: 'text', text: 'An errand in the shell' };
  return {
    type: 'tool-call',
    id: `call_${errand.mark.replaceAll('-', '')}`,
    name: shell.name,
    arguments: argumentsFor(shell.schema, errand.command),
    proof: turn.wantsProof ? errand.proof : undefined,
  };
}

/** The command in the field that takes it, and something of the right type in every other that must be there. */
function argumentsFor(schema: JsonObject, command: string): JsonObject {
  const fields = objectAt(schema, 'properties');
  const commandField = 'cmd' in fields ? 'cmd' : 'command';
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const others = required.filter((name) => typeof name === 'string' && name !== commandField);
  return {
    ...Object.fromEntries(others.map((name) => [String(name), sampleOf(valueAt(fields, String(name)))])),
    [commandField]: typeOf(fields[commandField]) === 'array' ? ['bash', '-lc', command] : command,
  };
}

function sampleOf(schema: Json | undefined): Json {
  const first = isJsonObject(schema) && Array.isArray(schema['enum']) ? schema['enum'][0] : undefined;
  if (first !== undefined) return first;
  switch (typeOf(schema)) {
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return 10_000;
    case 'array':
      return [];
    case 'object':
      return {};
    default:
      return 'Prints a line';
  }
}

/** Gemini's own schemas write their types in capitals. */
const typeOf = (schema: Json | undefined): string => textAt(schema, 'type').toLowerCase();
