import { dynamoKeyStore } from '../adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../adapters/dynamodb/ledger.ts';
import { dynamoRoutingStore } from '../adapters/dynamodb/routing-store.ts';
import { dynamoScopeStore } from '../adapters/dynamodb/scope-store.ts';
import { dynamoSpendReports } from '../adapters/dynamodb/spend-reports.ts';
import { systemClock } from '../adapters/system-clock/system-clock.ts';
import { answerWidget } from '../admin/answer-widget.ts';
import { deployedStore } from './deployed-store.ts';

const store = deployedStore(process.env);

/** The CloudWatch custom widget: budgets, spend and health as HTML. */
export const handler = (event: unknown): ReturnType<typeof answerWidget> =>
  answerWidget(event, {
    keys: dynamoKeyStore(store),
    scopes: dynamoScopeStore(store),
    ledger: dynamoLedger(store),
    reports: dynamoSpendReports(store),
    routing: dynamoRoutingStore(store),
    clock: systemClock,
  });
