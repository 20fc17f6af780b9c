import type { ScopeSettings } from '../domain/scope-settings.ts';
import { isoTime } from '../http/budget-view.ts';
import { rulesView } from './rules-view.ts';
import type { StandingBudget } from './scope-budgets.ts';

/** The settings of an organization, team, project, member or tag, as the control plane shows them. */
export const settingsView = (settings: ScopeSettings, budgets: readonly StandingBudget[], nowMs: number) => ({
  id: settings.scope.id,
  kind: settings.scope.kind,
  name: settings.name,
  ...rulesView(settings, budgets, nowMs),
  created_at: isoTime(settings.createdAtMs),
});
