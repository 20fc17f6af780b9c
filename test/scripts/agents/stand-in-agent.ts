/**
 * What an agent does, as a program of its own: `stand-in-agent.ts <prompt>` asks, runs the shell command it is told to,
 * sends back what it printed, and writes the answer as a line of JSON. `STAND_IN=lazy` never runs the command.
 */
import { execFileSync } from 'node:child_process';
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ maxRetries: 0 });
const messages: Anthropic.MessageParam[] = [{ role: 'user', content: process.argv[2] ?? '' }];

async function turn(): Promise<Anthropic.Message> {
  const answer = await client.messages
    .stream({
      model: 'stand-in',
      max_tokens: 128_000,
      thinking: { type: 'adaptive' },
      messages,
      tools: [
        {
          name: 'Bash',
          input_schema: {
            type: 'object',
            properties: { command: { type: 'string' } },
            required: ['command'],
          },
        },
      ],
    })
    .finalMessage();
  messages.push({ role: 'assistant', content: answer.content });
  return answer;
}

const commandOf = (input: unknown): string =>
  typeof input === 'object' && input !== null && 'command' in input ? String(input.command) : '';

let answer = await turn();
const call = answer.content.find((block) => block.type === 'tool_use');
if (call !== undefined && process.env['STAND_IN'] !== 'lazy') {
  const printed = execFileSync('sh', ['-c', commandOf(call.input)], { encoding: 'utf8' });
  messages.push({ role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: printed }] });
  answer = await turn();
}
await fetch(`${process.env['ANTHROPIC_BASE_URL']}/nowhere?key=secret`);
const result = answer.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
console.log(JSON.stringify({ type: 'result', result, key: process.env['ANTHROPIC_API_KEY'] }));
