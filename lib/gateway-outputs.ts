import { CfnOutput } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { GatewayData } from './gateway-data.ts';
import type { GatewayFunctions } from './gateway-functions.ts';

/** Says where each provider's credential belongs: `Secret<provider>`. */
export function outputSecrets(scope: Construct, data: GatewayData): void {
  for (const [provider, secret] of Object.entries(data.providerSecrets))
    new CfnOutput(scope, `Secret-${provider}`, {
      description: `Secret that holds the keys of the provider ${provider}`,
      value: secret.secretArn,
    });
}

/** Says where callers and administrators go: `InferenceUrl`, `AdminUrl` and, where there is one, `AdminKeySecret`. */
export function outputUrls(scope: Construct, functions: GatewayFunctions): void {
  new CfnOutput(scope, 'InferenceUrl', {
    description:
      'Base address of the gateway: as it is for the Anthropic SDK, with v1 after it for the OpenAI SDK',
    value: functions.inferenceUrl.url,
  });
  new CfnOutput(scope, 'AdminUrl', {
    description: 'Address of the admin interface: SLUICE_ADMIN_URL of npx sluice',
    value: functions.adminUrl.url,
  });
  if (functions.adminKeySecret !== undefined)
    new CfnOutput(scope, 'AdminKeySecret', {
      description: 'Secret that holds the admin key: SLUICE_ADMIN_KEY of npx sluice',
      value: functions.adminKeySecret.secretArn,
    });
}
