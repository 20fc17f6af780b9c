import type { Dialect } from '../../lambda/dialects/dialect.ts';
import { OPERATION_OF } from '../../lambda/dialects/dialect.ts';
import { DIALECTS } from '../../lambda/dialects/registry.ts';
import { REQUEST_FEATURES } from '../../lambda/dialects/request-feature.ts';
import { table } from '../markdown-table.ts';
import { type LeftOutKind, leftOutBetween, requestsOf } from './left-out-pairs.ts';
import { nativeOptionsOf } from './native-options.ts';

const INTRODUCTION = `# What is refused between dialects

A caller may speak one dialect and be answered by a provider of another. What the caller asks for is then said in the
provider's words. This page lists, for every pair, what cannot be:

- **refused**: the request fails with \`unsupported_parameter\`, which names it. With \`x-sluice-unsupported: drop\` it is left
  out instead, and named in \`x-sluice-dropped\`.
- **dropped**: it takes nothing from the answer (a hint, another provider's proof), so it is left out without asking, and
  named in \`x-sluice-dropped\`.

A row says that it can happen, and its reason says when: \`temperature\` is refused where it is above 1, not always. Most often
it depends on the model or the value. Fields that Sluice does not know are dropped and named between dialects, and go on untouched
within one (not under a hard budget: [what it lets through](money.md#what-goes-to-a-provider-under-a-hard-budget)). Where caller and
provider speak the same dialect, only what that one provider is known to refuse is left out, and named. \`previous_response_id\` is
refused only where a provider gave it: the gateway's own are continued anywhere.

This page is written by \`npx node scripts/refusals-page.ts\`, from the encoders themselves: a large fixed sample of requests in
each caller's dialect is said in every other one. Change the code, not the page.`;

/** The dialects of conversations. (A text completion says what a prompt can, and nobody translates to it.) */
export const PAGE_DIALECTS = DIALECTS.filter(
  ({ id }) => OPERATION_OF[id] === 'chat' && id !== 'openai-completions',
);

/** The whole page, as it stands in `docs/refusals.md`. */
export function refusalsPage(): string {
  const sections = PAGE_DIALECTS.map((caller) => callerSection(caller, PAGE_DIALECTS));
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`;
}

function callerSection(caller: Dialect, dialects: readonly Dialect[]): string {
  const requests = requestsOf(caller);
  const providers = dialects.filter(({ id }) => id !== caller.id);
  return [
    `## Callers of ${caller.id}`,
    nativeOptions(caller),
    ...providers.map((provider) => pairSection(caller, provider, leftOutBetween(requests, provider))),
  ].join('\n\n');
}

/** Options of the caller's dialect only, which go to every other provider alike. */
function nativeOptions(caller: Dialect): string {
  const names = nativeOptionsOf(caller);
  const refused = names.filter((name) => !caller.hints.has(name)).map(code);
  const hints = names.filter((name) => caller.hints.has(name)).map(code);
  const lines = [
    refused.length === 0
      ? 'No option of the request is refused because only this dialect has it.'
      : `Options that only this dialect has, or has values for that no other can say, are refused elsewhere (\`x.*\`: any other member of \`x\`): ${refused.join(', ')}.`,
    ...(hints.length === 0
      ? []
      : [`Options that only it has and that change no answer are dropped: ${hints.join(', ')}.`]),
  ];
  return lines.join(' ');
}

function pairSection(caller: Dialect, provider: Dialect, leftOut: readonly LeftOutKind[]): string {
  const heading = `### ${caller.id} → ${provider.id}`;
  if (leftOut.length === 0) return `${heading}\n\nNothing is refused or dropped.`;
  const rows = leftOut.map((kind) => row(caller, provider, kind));
  return [heading, '', table(['asked for', 'what it is', '', 'why'], rows)].join('\n');
}

function row(
  caller: Dialect,
  provider: Dialect,
  { feature, isRefused, isDropped }: LeftOutKind,
): readonly string[] {
  const what = [...(isRefused ? ['refused'] : []), ...(isDropped ? ['dropped'] : [])].join(' or ');
  const spelled = caller.spellings[feature] ?? feature;
  const why = provider.inexpressible[feature] ?? '';
  return [code(spelled), REQUEST_FEATURES[feature], what, why];
}

const code = (name: string): string => `\`${name}\``;
