import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as z from 'zod';
import { gatewayStacks } from '../lib/gateway-stacks.ts';

/** What can be set without touching code: `cdk deploy -c sluice:adminAuth=key`, or in `context` of cdk.json. */
const settings = z.object({
  'sluice:adminAuth': z.enum(['iam', 'key']).optional(),
  'sluice:alarmEmail': z.email().optional(),
  'sluice:customerManagedKey': z.stringbool().or(z.boolean()).optional(),
});

const app = new App();
const context = settings.parse(
  Object.fromEntries(Object.keys(settings.shape).map((name) => [name, app.node.tryGetContext(name)])),
);
gatewayStacks(app, {
  configFile: process.env['SLUICE_CONFIG'] ?? join(import.meta.dirname, '..', 'gateway.config.ts'),
  adminAuth: context['sluice:adminAuth'],
  alarmEmail: context['sluice:alarmEmail'],
  customerManagedKey: context['sluice:customerManagedKey'],
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
