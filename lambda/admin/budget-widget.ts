import type { BudgetIncrease, LimitedTo } from '../domain/money/budget.ts';
import { type BudgetState, leftOf, usedShares } from '../domain/money/budget-state.ts';
import type { NanoUsd } from '../domain/money/nano.ts';
import { usdFromNano } from '../domain/money/nano.ts';
import { type DeploymentHealth, HEALTH_FLOOR } from '../domain/routing/health.ts';
import { type Html, html } from './html.ts';
import { standingIncreases } from './rules-body.ts';
import { WIDGET_STYLE } from './widget-style.ts';
import type { KindBudgets, ScopeBudgets, WidgetTheme, WidgetView } from './widget-view.ts';

/**
 * The widget as an HTML fragment. It needs no script, no frame and nothing from elsewhere, since CloudWatch strips those;
 * whatever operators or callers wrote is escaped.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
 */
export function renderBudgetWidget(view: WidgetView, theme: WidgetTheme): Html {
  const { kinds, deployments, nowMs } = view;
  return html`<style>${WIDGET_STYLE}</style>
<div class="sluice-widget sluice-${theme}">
<div class="sluice-summary">${figure('Spent today (UTC)', usd(view.spentToday))}${figure('Requests today', view.requestsToday.toLocaleString('en-US'))}</div>
${kinds.length === 0 ? html`<h2>Budgets</h2><p class="sluice-muted">Nothing that is in use has a budget.</p>` : kinds.map((kind) => kindSection(kind, nowMs))}
<h2>Deployments</h2>
${deployments.length === 0 ? html`<p class="sluice-muted">No deployment has been used yet.</p>` : deploymentTable(deployments, nowMs)}
</div>`;
}

const KIND_WORDS: Readonly<Record<KindBudgets['kind'], string>> = {
  organization: 'Organizations',
  team: 'Teams',
  project: 'Projects',
  member: 'Members',
  tag: 'Tags',
  key: 'Keys',
};

const figure = (label: string, value: string): Html =>
  html`<div class="sluice-figure"><div class="sluice-value">${value}</div><div class="sluice-muted">${label}</div></div>`;

function kindSection({ kind, scopes, isPartial }: KindBudgets, nowMs: number): Html {
  return html`<h2>${KIND_WORDS[kind]} · ${scopes.length}${isPartial ? '+' : ''}</h2>
<div class="sluice-cards">${scopes.map((scope) => scopeCard(scope, nowMs))}</div>
${isPartial ? html`<p class="sluice-muted">The newest ${scopes.length} with budgets are shown; there may be more.</p>` : html``}
`;
}

function scopeCard({ scope, name, owners, rules, budgets }: ScopeBudgets, nowMs: number): Html {
  const beside = scope.kind === 'key' ? owners.join(' / ') : name === scope.id ? '' : scope.id;
  return html`<div class="sluice-card"><div class="sluice-line"><b title="${scope.id}">${name}</b><span class="sluice-muted">${beside}</span></div>${budgets.map(({ state }) => budgetBar(state, nowMs))}${standingIncreases(rules, nowMs).map(increaseLine)}</div>
`;
}

function increaseLine(increase: BudgetIncrease): Html {
  const words = [increase.window ?? 'every window', ...facetWords(increase)].join(' · ');
  return html`<div class="sluice-muted sluice-increase">+${usd(increase.amount)} (${words}) until ${minuteText(increase.expiresAtMs)}: ${increase.reason}</div>`;
}

type Level = 'ok' | 'warned' | 'exhausted';
const LEVEL_WORDS: Readonly<Record<Level, string>> = {
  ok: 'within limits',
  warned: 'above a soft limit',
  exhausted: 'exhausted',
};

/** A budget of which less than this share is left holds no ordinary call any more. */
const EXHAUSTED_SHARE = 0.99;

function levelOf(state: BudgetState): Level {
  const { spent, committed } = usedShares(state);
  if (committed >= EXHAUSTED_SHARE) return 'exhausted';
  return state.budget.softLimits.some((softLimit) => spent >= softLimit) ? 'warned' : 'ok';
}

function budgetBar(state: BudgetState, nowMs: number): Html {
  const { budget, spent, reserved } = state;
  const shares = usedShares(state);
  const level = levelOf(state);
  const spentWidth = percentOf(Math.min(1, shares.spent));
  const reservedWidth = percentOf(Math.min(1, shares.committed) - Math.min(1, shares.spent));
  const counted = ['spent', ...facetWords(budget).map((word) => `on ${word}`)].join(' ');
  const label = `${usd(spent)} of ${usd(budget.limit)} ${counted}, ${budget.window}, ${LEVEL_WORDS[level]}`;
  const ticks = budget.softLimits.map(
    (softLimit) =>
      html`<i class="sluice-tick" style="left:${percentOf(softLimit)}%" title="soft limit ${percentOf(softLimit)} %"></i>`,
  );
  const facet = facetWords(budget).map((word) => html`<div class="sluice-muted">only ${word}</div>`);
  return html`<div class="sluice-budget">${facet}<div class="sluice-line"><span>${budget.window}${budget.mode === 'soft' ? ' (soft)' : ''} · <b>${usd(spent)}</b> of ${usd(budget.limit)}</span><span class="sluice-state sluice-${level}">${percentOf(shares.spent)} % · ${LEVEL_WORDS[level]}</span></div>
<div class="sluice-bar" role="img" aria-label="${label}"><i class="sluice-spent sluice-${level}" style="width:${spentWidth}%"></i><i class="sluice-reserved sluice-${level}" style="left:${spentWidth}%;width:${reservedWidth}%"></i>${ticks}</div>
<div class="sluice-line sluice-muted"><span>${usd(leftOf(state))} left${reserved > 0n ? `, ${usd(reserved)} reserved` : ''}</span><span>${resetText(state, nowMs)}</span></div></div>`;
}

/** What a budget counts, where it does not count everything. */
const facetWords = ({ model, provider }: LimitedTo): readonly string[] =>
  [model, provider].filter((word) => word !== undefined);

function deploymentTable(deployments: readonly DeploymentHealth[], nowMs: number): Html {
  return html`<div class="sluice-scroll"><table><thead><tr><th>Deployment</th><th>Health</th><th>State</th><th>First token</th><th>Last used</th></tr></thead><tbody>
${deployments.map((health) => deploymentRow(health, nowMs))}</tbody></table></div>`;
}

function deploymentRow(deployment: DeploymentHealth, nowMs: number): Html {
  const { health, cooldownUntilMs, meanTimeToFirstTokenMs } = deployment;
  const isCooling = cooldownUntilMs !== undefined && nowMs < cooldownUntilMs;
  const level: Level = isCooling ? 'exhausted' : health < HEALTH_FLOOR ? 'warned' : 'ok';
  const words = { ok: 'in service', warned: 'passed over', exhausted: 'cooling down' }[level];
  const state = isCooling ? `${words}, ${duration(cooldownUntilMs - nowMs)}` : words;
  return html`<tr><td>${deployment.deployment}</td><td><div class="sluice-bar sluice-small"><i class="sluice-spent sluice-${level}" style="width:${percentOf(health)}%"></i></div> ${percentOf(health)} %</td><td class="sluice-state sluice-${level}">${state}</td><td>${meanTimeToFirstTokenMs === undefined ? '–' : `${Math.round(meanTimeToFirstTokenMs)} ms`}</td><td>${duration(nowMs - deployment.lastUsedAtMs)} ago</td></tr>
`;
}

function resetText({ resetsAtMs }: BudgetState, nowMs: number): Html {
  if (resetsAtMs === undefined) return html`never resets`;
  return html`<span title="${minuteText(resetsAtMs)}">resets in ${duration(resetsAtMs - nowMs)}</span>`;
}

/** `2026-11-20 09:07 UTC` */
const minuteText = (timeMs: number): string =>
  `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Per cent with one decimal below ten, where it matters. */
const percentOf = (share: number): number =>
  share < 0.1 ? Math.round(share * 1000) / 10 : Math.round(share * 100);

/** Dollars with cents; amounts below a dime with as many digits as tell something. */
function usd(amount: NanoUsd): string {
  const value = usdFromNano(amount);
  if (value >= 0.1 || value === 0)
    return value.toLocaleString('en-US', { style: 'currency', currency: 'USD', maximumFractionDigits: 2 });
  return `$${value.toLocaleString('en-US', { maximumSignificantDigits: 3, maximumFractionDigits: 9 })}`;
}

const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
] as const;

/** `3 h`, `12 min`, `40 s`: the largest unit that fits twice, so that little is lost. */
function duration(durationMs: number): string {
  const rest = Math.max(0, durationMs);
  const unit = UNITS.find(({ ms }) => rest >= 2 * ms);
  return unit === undefined ? `${Math.round(rest / 1000)} s` : `${Math.round(rest / unit.ms)} ${unit.name}`;
}
