import type { Provider } from '../../lambda/providers/contract.ts';
import { table } from '../markdown-table.ts';

const SIMULATED: ReadonlySet<string> = new Set(['sim', 'sim-anthropic']);

const HEAD = `# Providers

<!-- Written by scripts/write-provider-docs.ts from lambda/providers. Change a provider there, then run it again. -->

A provider is turned on by naming it under \`providers\` in \`gateway.config.ts\`, and on a local server also by its credential in the
environment. Its models are called as \`provider/model\`. Where the address holds what only you know (an account, a region), give it
as \`baseUrl\`, or on a local server in \`SLUICE_<PROVIDER>_BASE_URL\`. A provider that is not here but speaks OpenAI's formats is one of the kind
\`custom\`; [adding it](add-a-provider.md) takes ten minutes.

**Verified**: answers that the provider gave to others, who recorded and published them, are replayed in the tests. **Declared**: written from its documentation alone.
What is not stated is left empty: retention is how long prompts are kept as long as nobody turns on more, training whether they may train
models. These are the providers' own statements when they were read; follow the link before you rely on one.
`;

const TAIL = `
## Credentials that are not sent as they are

**Amazon Bedrock.** With an API key (\`AWS_BEARER_TOKEN_BEDROCK\`, or in the provider's secret) calls carry the key. Without one they are
signed (AWS Signature Version 4) with the function's own role, which may invoke models of Bedrock exactly if Bedrock is declared;
locally with the credentials that the AWS CLI would use. The region is the one in the address, else \`AWS_REGION\`. Models that only answer
through an inference profile are called by its name: \`bedrock/eu.anthropic.claude-…\`.

**Google Vertex AI.** The credential is a service account's JSON, in the provider's secret as it was downloaded; locally
\`GOOGLE_APPLICATION_CREDENTIALS\` may also hold the path of its file. Sluice gets a token with it and keeps it until shortly before it
expires. The address names project and location. The account needs the role \`roles/aiplatform.user\`.

A credential or token that is refused (401; 403 for a signature) is had anew once, and the call sent again.
`;

/** The page docs/providers.md. */
export function providersPage(providers: readonly Provider[]): string {
  const real = providers
    .filter(({ id }) => !SIMULATED.has(id))
    .toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
  const verified = real.filter(({ evidence }) => evidence === 'verified').length;
  return [
    HEAD,
    `${real.length} providers, ${verified} of them verified.`,
    '',
    table(
      ['id', 'provider', 'label', 'formats', 'credential', 'address'],
      real.map((one) => [
        `\`${one.id}\``,
        `[${one.name}](${one.documentation})`,
        one.evidence,
        formats(one),
        one.credentialVariable === undefined
          ? 'none'
          : `\`${one.credentialVariable}\`${one.credentialIsOptional === true ? ', optional' : ''}`,
        one.baseUrl === undefined ? `yours, such as \`${one.exampleBaseUrl}\`` : `\`${one.baseUrl}\``,
      ]),
    ),
    '',
    '## What they do with prompts, and with calls that are ended',
    '',
    table(
      ['id', 'retention', 'training', 'regions', 'stated in', 'ending a stream stops billing'],
      real.map((one) => [
        `\`${one.id}\``,
        retention(one.dataPolicy.retentionDays),
        yesOrNo(one.dataPolicy.trains),
        one.dataPolicy.regions?.join(', ') ?? '',
        one.dataPolicy.documentation === undefined ? '' : `[policy](${one.dataPolicy.documentation})`,
        yesOrNo(one.cancelStopsBilling),
      ]),
    ),
    TAIL,
  ].join('\n');
}

const formats = ({ apis }: Provider): string => [...new Set(apis.map(({ dialect }) => dialect))].join(', ');

const retention = (days: number | undefined): string =>
  days === undefined ? '' : days === 0 ? 'none' : `${days} days`;

const yesOrNo = (value: boolean | undefined): string => (value === undefined ? '' : value ? 'yes' : 'no');
