import { expect, test } from '@jest/globals';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Validations } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks } from 'cdk-nag';
import { gatewayStacks } from '../../lib/gateway-stacks.ts';
import { appWithoutBundles, BEDROCK_CONFIG_FILE, CONFIG_FILE } from './synth.ts';

test.each([
  { adminAuth: 'iam', customerManagedKey: false, configFile: CONFIG_FILE },
  { adminAuth: 'key', customerManagedKey: true, configFile: BEDROCK_CONFIG_FILE },
] as const)('neither CDK nor cdk-nag has a finding that nobody answered ($adminAuth)', (props) => {
  const app = appWithoutBundles({ validate: true });
  gatewayStacks(app, { alarmEmail: 'operator@example.com', ...props });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  expect(() => app.synth()).not.toThrow();
});

test('cdk-nag sees what is not acknowledged', () => {
  const app = appWithoutBundles({ validate: true });
  const { gateway } = gatewayStacks(app, { configFile: CONFIG_FILE });
  new Secret(gateway, 'Unacknowledged');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  expect(() => app.synth()).toThrow(/automatic rotation/);
});

test('CDK validates what CloudFormation would refuse', () => {
  const app = appWithoutBundles({ validate: true });
  const { gateway } = gatewayStacks(app, { configFile: CONFIG_FILE });
  new CfnFunction(gateway, 'Wrong', { code: {}, role: 'role', timeout: 5000 });
  expect(() => app.synth()).toThrow(/Wrong/);
});
