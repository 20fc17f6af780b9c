import { expect, test } from '@jest/globals';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Stack } from 'aws-cdk-lib/core';
import { gatewayStacks } from '../../lib/gateway-stacks.ts';
import { LlmGateway } from '../../lib/llm-gateway.ts';
import { appWithoutBundles, CONFIG_FILE, resourcesOf } from './synth.ts';

test('a whole gateway fits in one stack of a user’s own app', () => {
  const stack = new Stack(appWithoutBundles(), 'MyStack');
  const gateway = new LlmGateway(stack, 'Gateway', { configFile: CONFIG_FILE });
  const role = new Role(stack, 'Administrator', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
  gateway.functions.grantAdmin(role);

  const template = Template.fromStack(stack);
  expect(Object.keys(resourcesOf(template, 'AWS::DynamoDB::GlobalTable'))).toEqual([
    'GatewayDataKeys78BBD1B0',
    'GatewayDataSpendB6784F42',
    'GatewayDataRouting56BDDAF0',
    'GatewayDataCache3828453C',
  ]);
  template.resourceCountIs('AWS::Lambda::Function', 4);
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: [{ Action: 'lambda:InvokeFunctionUrl' }, { Action: 'lambda:InvokeFunction' }],
    },
  });
  expect(JSON.stringify(template.toJSON())).not.toContain('Fn::GetStackOutput');
});

test('two gateways live in one app', () => {
  const app = appWithoutBundles();
  for (const id of ['Staging', 'Production'])
    new LlmGateway(new Stack(app, id), 'Gateway', { configFile: CONFIG_FILE });
  expect(() => app.synth()).not.toThrow();
});

test('of the three stacks only the data is protected, and it is deployed first', () => {
  const app = appWithoutBundles();
  gatewayStacks(app, { configFile: CONFIG_FILE });
  const stacks = app.synth().stacks.map((stack) => ({
    name: stack.stackName,
    isProtected: stack.terminationProtection === true,
    after: stack.dependencies.map(({ id }) => id).filter((id) => !id.endsWith('.assets')),
  }));
  expect(stacks).toEqual([
    { name: 'Sluice-Data', isProtected: true, after: [] },
    { name: 'Sluice-Gateway', isProtected: false, after: ['Sluice-Data'] },
    { name: 'Sluice-Observability', isProtected: false, after: ['Sluice-Data', 'Sluice-Gateway'] },
  ]);
});

test('no stack locks another one with an export', () => {
  const stacks = gatewayStacks(appWithoutBundles(), { configFile: CONFIG_FILE });
  for (const stack of Object.values(stacks)) {
    const template = JSON.stringify(Template.fromStack(stack).toJSON());
    expect(template).not.toContain('Fn::ImportValue');
    expect(template).not.toContain('"Export"');
  }
});
