import { GatewayError } from '../domain/errors.ts';
import type { Scope } from '../domain/money/budget.ts';
import { decimalUsd, nanoUsd, usdFromNano, ZERO_USD } from '../domain/money/nano.ts';
import { BUDGET_WINDOWS, windowEndsAtMs } from '../domain/money/window.ts';
import type { BudgetRefusal } from '../ports/ledger.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { affordableOutput, comparingBound, type Quote, withComparing } from './quote.ts';

/** A budget has no room for a request: which, how much is left in it, and what would fit. */
export function budgetExceeded(
  gateway: Gateway,
  exchange: Exchange,
  quote: Quote,
  refusal: BudgetRefusal,
): GatewayError {
  exchange.refusal = refusal;
  const left = refusal.limit > refusal.committed ? nanoUsd(refusal.limit - refusal.committed) : ZERO_USD;
  const estimate = withComparing(exchange, quote);
  const affordable = affordableOutput(exchange, quote, nanoUsd(left - comparingBound(exchange)));
  const window = BUDGET_WINDOWS.find((name) => refusal.window.startsWith(name)) ?? 'total';
  const resetsAtMs = windowEndsAtMs(window, gateway.clock.now());
  const { kind, facet } = refusal.scope.scope;
  return new GatewayError(
    kind === 'session' ? 'session_limit_exceeded' : 'budget_exceeded',
    `The ${window} budget of this ${kind}${facet === undefined ? '' : ` for ${facet}`} does not hold this request: it may cost $${decimalUsd(estimate)}, and $${decimalUsd(left)} of $${decimalUsd(refusal.limit)} are left${reservedNow(refusal)}. ${advice(exchange, affordable)}`,
    {
      metadata: {
        scope: kind,
        scope_id: shownId(exchange, refusal.scope.scope),
        ...(facet !== undefined && { facet }),
        window,
        limit_usd: usdFromNano(refusal.limit),
        spent_usd: usdFromNano(refusal.spent),
        reserved_usd: usdFromNano(nanoUsd(refusal.committed - refusal.spent)),
        estimate_usd: usdFromNano(estimate),
        resets_at: resetsAtMs === undefined ? null : new Date(resetsAtMs).toISOString(),
        ...(exchange.request.chat.work === undefined && { max_affordable_tokens: affordable }),
      },
    },
  );
}

/** Money that others hold may come back in a moment: an SDK's retry would only be in the way, a person may wait. */
function reservedNow({ committed, spent }: BudgetRefusal): string {
  return committed > spent
    ? `, while $${decimalUsd(nanoUsd(committed - spent))} are set aside for requests that are not settled yet`
    : '';
}

/** Sessions and end users are told by the names their callers gave them. */
const shownId = ({ facts }: Exchange, { kind, id }: Scope): string =>
  kind === 'session' ? (facts.session ?? id) : kind === 'end-user' ? (facts.endUser ?? '') : id;

/** A session has made all its calls. */
export const callsExhausted = ({ facts }: Exchange, maxCalls: number): GatewayError =>
  new GatewayError(
    'session_limit_exceeded',
    `This session has made the ${maxCalls} calls it may make. Begin a new one, with another session id.`,
    {
      metadata: { scope: 'session', scope_id: facts.session ?? '', max_calls: maxCalls },
    },
  );

function advice({ request }: Exchange, affordableTokens: number): string {
  if (request.chat.work !== undefined) return 'Ask for less, or raise the budget.';
  if (affordableTokens === 0) return 'Not even the prompt fits.';
  const asked = request.chat.maxOutputTokens;
  const given = asked === undefined ? 'It sets no limit on its answer' : `It asks for up to ${asked} tokens`;
  return `${given}; ${affordableTokens} would fit.`;
}
