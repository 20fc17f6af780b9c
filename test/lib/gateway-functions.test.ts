import { describe, expect, test } from '@jest/globals';
import type { Template } from 'aws-cdk-lib/assertions';
import { TABLES } from '../../lambda/schema/tables.ts';
import { resourcesOf, synthesize } from './synth.ts';

const FUNCTION = 'AWS::Lambda::Function';
const URL = 'AWS::Lambda::Url';
const PERMISSION = 'AWS::Lambda::Permission';

const { gateway, observability } = synthesize();

describe('every function', () => {
  const all = [gateway, observability].flatMap((template) => Object.entries(resourcesOf(template, FUNCTION)));

  test('is there', () => {
    expect(all.map(([id]) => id.replace(/Function[0-9A-F]{8}$/, ''))).toEqual([
      'FunctionsInference',
      'FunctionsAdmin',
      'FunctionsUpkeep',
      'ObservabilityBudgetWidget',
    ]);
  });

  test.each(all)('%s runs on arm64 and Node 24, and knows its tables', (_id, { Properties }) => {
    expect(Properties).toMatchObject({
      Architectures: ['arm64'],
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
    });
    const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
    for (const { variable } of Object.values(TABLES)) expect(Variables[variable]).toBeDefined();
    expect(Variables['NODE_OPTIONS']).toBeUndefined();
  });

  test('keeps its logs for a month, or as long as it is told', () => {
    for (const template of [gateway, observability])
      template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
    expect(
      [gateway, observability].flatMap((template) =>
        Object.keys(resourcesOf(template, 'AWS::Logs::LogGroup')),
      ),
    ).toHaveLength(all.length);
    synthesize({ logRetention: 7 }).gateway.allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 7,
    });
  });
});

test.each([
  ['FunctionsInference', 512, 900],
  ['FunctionsAdmin', 256, 30],
  ['FunctionsUpkeep', 256, 50],
])('%s has %i MB and %i s', (name, MemorySize, Timeout) => {
  expect(functionNamed(gateway, name)).toMatchObject({ MemorySize, Timeout });
});

test('memory and concurrency follow the props', () => {
  const sized = synthesize({ inferenceMemoryMegabytes: 1024, inferenceReservedConcurrency: 20 }).gateway;
  expect(functionNamed(sized, 'FunctionsInference')).toMatchObject({
    MemorySize: 1024,
    ReservedConcurrentExecutions: 20,
  });
  expect(functionNamed(gateway, 'FunctionsInference')['ReservedConcurrentExecutions']).toBeUndefined();
});

test('only the functions that call providers learn where credentials are, as JSON by provider', () => {
  const variables = (name: string): Record<string, unknown> => {
    const { Variables } = functionNamed(gateway, name)['Environment'] as {
      Variables: Record<string, unknown>;
    };
    return Variables;
  };
  for (const name of ['FunctionsInference', 'FunctionsUpkeep'])
    expect(Object.keys(JSON.parse(joined(variables(name)['SLUICE_SECRETS'])))).toEqual([
      'openai',
      'anthropic',
      'in-house',
    ]);
  expect(variables('FunctionsAdmin')['SLUICE_SECRETS']).toBeUndefined();
});

describe('the inference URL', () => {
  test('streams, and is open to everyone who has a virtual key', () => {
    expect(urlOf(gateway, 'FunctionsInference')).toMatchObject({
      AuthType: 'NONE',
      InvokeMode: 'RESPONSE_STREAM',
    });
  });

  test('has both permissions that an open URL needs', () => {
    expect(permissionsOf(gateway, 'FunctionsInference')).toEqual([
      expect.objectContaining({
        Action: 'lambda:InvokeFunction',
        Principal: '*',
        InvokedViaFunctionUrl: true,
      }),
      expect.objectContaining({
        Action: 'lambda:InvokeFunctionUrl',
        Principal: '*',
        FunctionUrlAuthType: 'NONE',
      }),
    ]);
  });
});

describe('the admin URL', () => {
  test('is buffered, and lets IAM decide unless told otherwise', () => {
    expect(urlOf(gateway, 'FunctionsAdmin')).toMatchObject({ AuthType: 'AWS_IAM', InvokeMode: 'BUFFERED' });
    expect(permissionsOf(gateway, 'FunctionsAdmin')).toEqual([]);
    expect(JSON.stringify(functionNamed(gateway, 'FunctionsAdmin'))).not.toContain('SLUICE_ADMIN_KEY_SECRET');
    expect(resourcesOf(gateway, 'AWS::SecretsManager::Secret')).toEqual({});
  });

  test('is open with a generated key, which its function alone may read, when told so', () => {
    const withKey = synthesize({ adminAuth: 'key' }).gateway;
    const [[secretId, secret] = []] = Object.entries(resourcesOf(withKey, 'AWS::SecretsManager::Secret'));
    expect(secret?.Properties).toMatchObject({ GenerateSecretString: { PasswordLength: 48 } });
    expect(urlOf(withKey, 'FunctionsAdmin')).toMatchObject({ AuthType: 'NONE', InvokeMode: 'BUFFERED' });
    expect(permissionsOf(withKey, 'FunctionsAdmin')).toHaveLength(2);
    expect(functionNamed(withKey, 'FunctionsAdmin')).toMatchObject({
      Environment: { Variables: { SLUICE_ADMIN_KEY_SECRET: { Ref: secretId } } },
    });
    const readers = Object.entries(resourcesOf(withKey, 'AWS::IAM::Role')).filter(([, role]) =>
      JSON.stringify(role).includes(`{"Ref":"${secretId}"}`),
    );
    expect(readers.map(([id]) => id)).toEqual([expect.stringMatching(/^FunctionsAdminRole/)]);
  });
});

test('upkeep runs every minute, and a run that failed is not tried again by anybody', () => {
  const [upkeepId] = Object.keys(resourcesOf(gateway, FUNCTION)).filter((id) => /Upkeep/.test(id));
  gateway.resourceCountIs('AWS::Scheduler::Schedule', 1);
  gateway.hasResourceProperties('AWS::Scheduler::Schedule', {
    ScheduleExpression: 'rate(1 minute)',
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: {
      Arn: { 'Fn::GetAtt': [upkeepId, 'Arn'] },
      RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
    },
  });
  gateway.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
    FunctionName: { Ref: upkeepId },
    MaximumRetryAttempts: 0,
    MaximumEventAgeInSeconds: 60,
  });
});

test('the addresses are outputs', () => {
  expect(Object.keys(gateway.findOutputs('*'))).toEqual(expect.arrayContaining(['InferenceUrl', 'AdminUrl']));
});

function functionNamed(template: Template, name: string): Readonly<Record<string, unknown>> {
  const found = Object.entries(resourcesOf(template, FUNCTION)).find(([id]) =>
    id.startsWith(`${name}Function`),
  );
  return found?.[1].Properties ?? {};
}

function urlOf(template: Template, name: string): unknown {
  return Object.entries(resourcesOf(template, URL)).find(([id]) => id.startsWith(name))?.[1].Properties;
}

function permissionsOf(template: Template, name: string): readonly unknown[] {
  return Object.entries(resourcesOf(template, PERMISSION))
    .filter(([id]) => id.startsWith(name))
    .map(([, { Properties }]) => Properties)
    .sort((left, right) => String(left['Action']).localeCompare(String(right['Action'])));
}

/** What `Fn::Join` will give, references as `ref`. */
function joined(value: unknown): string {
  const [separator, parts] = (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
  return parts.map((part) => (typeof part === 'string' ? part : 'ref')).join(separator);
}
