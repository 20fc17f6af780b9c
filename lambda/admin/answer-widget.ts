import { isJsonObject } from '../domain/json.ts';
import { renderBudgetWidget } from './budget-widget.ts';
import { type WidgetDependencies, type WidgetTheme, widgetView } from './widget-view.ts';

const DESCRIPTION = `## Sluice budgets

Bars of the budgets of organizations, teams, projects, members, tags and virtual keys (spent solid, reserved by running
requests hatched, soft limits as ticks, increases of a limit below), the health of the deployments, and what was spent today
(UTC). Of each kind the newest 100 that have budgets and are in use are shown, the most used share of a limit first.

### Parameters

None.
`;

/**
 * Answers CloudWatch: the widget as HTML in the reader's theme, or its description in Markdown when the event holds
 * `describe`. What the event holds beside that is passed over.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
 */
export async function answerWidget(
  event: unknown,
  dependencies: WidgetDependencies,
): Promise<string | { readonly markdown: string }> {
  if (isJsonObject(event) && event['describe'] === true) return { markdown: DESCRIPTION };
  return renderBudgetWidget(await widgetView(dependencies), themeOf(event)).html;
}

function themeOf(event: unknown): WidgetTheme {
  const context = isJsonObject(event) ? event['widgetContext'] : undefined;
  const theme = isJsonObject(context) ? context['theme'] : undefined;
  return theme === 'light' || theme === 'dark' ? theme : 'auto';
}
