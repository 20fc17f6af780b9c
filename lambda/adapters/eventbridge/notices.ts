import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { scopeName } from '../../domain/money/budget.ts';
import { decimalUsd, usdFromNano } from '../../domain/money/nano.ts';
import type { SendBudgetNotice } from '../../ports/notifier.ts';
import { BUDGET_EVENT } from '../../schema/metrics.ts';

/**
 * Sends budget notices to the account's default event bus, where a rule passes them on to the topic people subscribe to.
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export function eventBridgeNotices(client: EventBridgeClient = new EventBridgeClient({})): SendBudgetNotice {
  return async (notice) => {
    const detail = {
      scope: scopeName(notice.scope),
      name: notice.scopeLabel,
      window: notice.window,
      threshold: notice.threshold,
      limit_usd: usdFromNano(notice.limit),
      spent_usd: usdFromNano(notice.spent),
      at: new Date(notice.atMs).toISOString(),
      message: `${notice.scopeLabel} has used ${Math.floor((Number(notice.spent) / Number(notice.limit)) * 100)} % of its budget for ${notice.window}: $${decimalUsd(notice.spent)} of $${decimalUsd(notice.limit)}.`,
    };
    const { FailedEntryCount = 0 } = await client.send(
      new PutEventsCommand({
        Entries: [
          {
            Source: BUDGET_EVENT.source,
            DetailType: BUDGET_EVENT.detailType,
            Detail: JSON.stringify(detail),
          },
        ],
      }),
    );
    // An event the bus refused is said only in the answer; the notice stays queued.
    if (FailedEntryCount > 0) throw new Error('The event bus refused a budget notice.');
  };
}
