import { describe, expect, test } from '@jest/globals';
import type { Template } from 'aws-cdk-lib/assertions';
import { BUDGET_EVENT } from '../../lambda/schema/metrics.ts';
import { BEDROCK_CONFIG_FILE, resourcesOf, synthesize } from './synth.ts';

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const { gateway, observability } = synthesize();

/** All that a function's role may do. */
function statementsOf(template: Template, name: string): readonly Statement[] {
  const role = Object.entries(resourcesOf(template, 'AWS::IAM::Role')).find(([id]) =>
    id.startsWith(`${name}Role`),
  )?.[1];
  const policies = role?.Properties['Policies'] as readonly { PolicyDocument: { Statement: Statement[] } }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

const actionsOn = (statements: readonly Statement[], resource: RegExp): readonly string[] =>
  statements
    .filter(({ Resource }) => resource.test(JSON.stringify(Resource)))
    .flatMap(({ Action }) => Action)
    .sort();

const inference = statementsOf(gateway, 'FunctionsInference');
const admin = statementsOf(gateway, 'FunctionsAdmin');
const upkeep = statementsOf(gateway, 'FunctionsUpkeep');
const widget = statementsOf(observability, 'ObservabilityBudgetWidget');

describe('no role', () => {
  const policies = [gateway, observability].flatMap((template) => [
    ...Object.values(resourcesOf(template, 'AWS::IAM::Role')),
    ...Object.values(resourcesOf(template, 'AWS::IAM::Policy')),
  ]);

  test('has a wildcard, in actions or in resources', () => {
    expect(policies.length).toBeGreaterThanOrEqual(6);
    expect(policies.filter((policy) => JSON.stringify(policy).includes('*'))).toEqual([]);
  });

  test('has a policy that AWS manages', () => {
    expect(policies.filter((policy) => policy.Properties['ManagedPolicyArns'] !== undefined)).toEqual([]);
  });

  test('scans a table', () => {
    expect(JSON.stringify(policies)).not.toContain('dynamodb:Scan');
  });
});

describe('the inference function', () => {
  test('reads keys and cannot write them', () => {
    expect(actionsOn(inference, /DataKeys/)).toEqual(['dynamodb:GetItem', 'dynamodb:Query']);
  });

  test('writes spend and cannot delete from it', () => {
    const actions = actionsOn(inference, /DataSpend/);
    expect(actions).toEqual(expect.arrayContaining(['dynamodb:PutItem', 'dynamodb:UpdateItem']));
    expect(actions).not.toContain('dynamodb:DeleteItem');
  });

  test('reads the secrets of the declared providers and the one that opens kept answers, and no others', () => {
    const secrets = inference.find(({ Action }) => Action === 'secretsmanager:GetSecretValue');
    expect(secrets?.Resource).toHaveLength(4);
    expect(JSON.stringify(secrets?.Resource)).toMatch(/anthropic.*inhouse|inhouse.*openai/);
    expect(JSON.stringify(secrets?.Resource)).toContain('AnswerSecret');
  });

  test('is the only one that reads kept answers, or what opens them', () => {
    expect(actionsOn(inference, /DataCache/)).toContain('dynamodb:GetItem');
    for (const other of [admin, upkeep, widget])
      expect(actionsOn(other, /DataCache|AnswerSecret/)).toEqual([]);
  });
});

describe('the admin function', () => {
  test('writes keys', () => {
    expect(actionsOn(admin, /DataKeys/)).toEqual(
      expect.arrayContaining(['dynamodb:PutItem', 'dynamodb:Query']),
    );
  });

  test('reads no credential of a provider', () => {
    expect(actionsOn(admin, /ProviderSecrets/)).toEqual([]);
  });
});

describe('the upkeep function', () => {
  test('cannot write keys', () => {
    const actions = upkeep.find(({ Resource }) => JSON.stringify(Resource).includes('/index/byKind'))?.Action;
    expect(actions).toEqual(['dynamodb:GetItem', 'dynamodb:Query']);
  });

  test('announces budget thresholds and nothing else', () => {
    const events = upkeep.filter(({ Action }) => Action === 'events:PutEvents');
    expect(events).toMatchObject([
      {
        Condition: {
          StringEquals: {
            'events:source': BUDGET_EVENT.source,
            'events:detail-type': BUDGET_EVENT.detailType,
          },
        },
      },
    ]);
    for (const other of [inference, admin, widget]) expect(actionsOn(other, /event-bus/)).toEqual([]);
  });
});

test('the budget widget only reads', () => {
  expect(new Set(actionsOn(widget, /Data(?:Keys|Spend|Routing)/))).toEqual(
    new Set(['dynamodb:GetItem', 'dynamodb:Query']),
  );
  expect(actionsOn(widget, /ProviderSecrets/)).toEqual([]);
});

test('indexes are named, and given to those who query', () => {
  const indexesOf = (statements: readonly Statement[]): readonly string[] =>
    [...JSON.stringify(statements).matchAll(/\/index\/(\w+)/g)].map(([, name = '']) => name);
  expect(indexesOf(inference)).toEqual(['byKind']);
  expect(indexesOf(admin)).toEqual(['byKind', 'byDay']);
  expect(indexesOf(upkeep)).toEqual(['byKind', 'open']);
  expect(indexesOf(widget)).toEqual(['byKind']);
});

test('a role writes to its own log group', () => {
  for (const [statements, name] of [
    [inference, 'Inference'],
    [admin, 'Admin'],
    [upkeep, 'Upkeep'],
    [widget, 'BudgetWidget'],
  ] as const)
    expect(actionsOn(statements, new RegExp(`${name}Logs`))).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
});

describe('with a customer-managed key', () => {
  const encrypted = synthesize({ customerManagedKey: true });
  const keyActions = (template: Template, name: string): readonly string[] =>
    actionsOn(statementsOf(template, name), /DataKey5F/);

  test('who writes may encrypt, who reads may only decrypt', () => {
    expect(keyActions(encrypted.gateway, 'FunctionsInference')).toContain('kms:GenerateDataKey');
    expect(keyActions(encrypted.observability, 'ObservabilityBudgetWidget')).toEqual([
      'kms:Decrypt',
      'kms:DescribeKey',
    ]);
  });

  test('the key is used through DynamoDB and Secrets Manager only', () => {
    const use = statementsOf(encrypted.gateway, 'FunctionsAdmin').find(({ Action }) =>
      JSON.stringify(Action).includes('kms:'),
    );
    expect(JSON.stringify(use?.Condition)).toMatch(/kms:ViaService.*dynamodb\./);
    expect(JSON.stringify(use?.Condition)).not.toContain('secretsmanager');
  });
});

describe('with Amazon Bedrock among the providers', () => {
  const bedrock = synthesize({ configFile: BEDROCK_CONFIG_FILE });
  const bedrockActions = (template: Template, name: string): readonly string[] =>
    actionsOn(statementsOf(template, name), /:bedrock:/);

  test('those that call providers may have its models answer, and do nothing else there', () => {
    for (const name of ['FunctionsInference', 'FunctionsUpkeep'])
      expect(bedrockActions(bedrock.gateway, name)).toEqual([
        'bedrock:InvokeModel',
        'bedrock:InvokeModelWithResponseStream',
      ]);
    expect(bedrockActions(bedrock.gateway, 'FunctionsAdmin')).toEqual([]);
    expect(bedrockActions(bedrock.observability, 'ObservabilityBudgetWidget')).toEqual([]);
  });

  test('what may be called are models and profiles, in AWS’s own account and in this one', () => {
    const [granted] = statementsOf(bedrock.gateway, 'FunctionsInference').filter(({ Action }) =>
      JSON.stringify(Action).includes('bedrock:'),
    );
    const resources = JSON.stringify(granted?.Resource);
    expect(resources).toContain(':bedrock:*::foundation-model/*');
    expect(resources).toMatch(/AWS::AccountId.{0,20}:inference-profile/);
    expect(resources).not.toContain('"*"');
  });

  test('without it nobody may', () => {
    expect(JSON.stringify(inference)).not.toContain('bedrock');
  });
});
