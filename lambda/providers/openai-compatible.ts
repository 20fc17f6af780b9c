import type { DialectId } from '../dialects/dialect.ts';
import { providerId } from '../domain/ids.ts';
import type { DataPolicy, Provider, ProviderApi, RequestQuirks } from './contract.ts';

/** What is a provider's own, of those that speak OpenAI's formats; all else is as it is at most of them. */
export interface OpenaiCompatible
  extends Pick<Provider, 'name' | 'baseUrl' | 'credentialVariable' | 'evidence' | 'documentation'>,
    Partial<
      Pick<
        Provider,
        | 'exampleBaseUrl'
        | 'credentialIsOptional'
        | 'forwardedHeaders'
        | 'imageTokensBound'
        | 'limitsOnlyAnswer'
        | 'takesNoOutput'
        | 'cancelStopsBilling'
        | 'reasoningField'
      >
    > {
  readonly id: string;
  /** Its formats, the usual one first, and where each is spoken after the base address. @default chat completions */
  readonly speaks?: Readonly<Partial<Record<DialectId, string>>>;
  /** The models that one of its formats serves. @default all */
  readonly models?: Readonly<Partial<Record<DialectId, RegExp>>>;
  readonly quirks?: Readonly<Partial<Record<DialectId, RequestQuirks>>>;
  /**
   * Whether it knows messages of the role `developer`, which OpenAI's newer models have in place of `system`; elsewhere
   * they are sent as `system`, which all know. @default false
   */
  readonly knowsDeveloperRole?: true;
  /** How it spells the bound on completion tokens; `undefined`: it takes both spellings. @default max_tokens, which all know */
  readonly maxOutputTokensField?: string | undefined;
  /** @default nothing is stated */
  readonly dataPolicy?: Partial<DataPolicy>;
}

const CHAT: Readonly<Partial<Record<DialectId, string>>> = { 'openai-chat': '/chat/completions' };

/** Reasoning of earlier answers, for those that refuse it in a request: they answer the same without. */
export const REASONING_SENT_BACK: readonly (readonly string[])[] = [
  ['messages', '*', 'reasoning_content'],
  ['messages', '*', 'reasoning_details'],
];

/** Headers of Anthropic's format, for those that speak it too. */
const ANTHROPIC_HEADERS: readonly string[] = ['anthropic-version', 'anthropic-beta'];

/** Stands in for callers that name none. @see https://docs.anthropic.com/en/api/versioning */
const ANTHROPIC_VERSION = '2023-06-01';

/** A provider that speaks OpenAI's formats and takes its credential as a bearer token. */
export function openaiCompatible(own: OpenaiCompatible): Provider {
  const { speaks = CHAT, models = {}, dataPolicy, maxOutputTokensField, ...others } = own;
  const { knowsDeveloperRole, quirks: ownQuirks = {}, ...rest } = others;
  const quirks = knowsDeveloperRole === true ? ownQuirks : withSystemRole(ownQuirks);
  const boundField = 'maxOutputTokensField' in own ? maxOutputTokensField : 'max_tokens';
  const [first, ...further] = dialectsOf(speaks).map(
    (dialect): ProviderApi => ({
      dialect,
      path: () => speaks[dialect] ?? '',
      ...(models[dialect] !== undefined && { models: models[dialect] }),
      ...(quirks[dialect] !== undefined && { quirks: quirks[dialect] }),
    }),
  );
  if (first === undefined) throw new Error(`The provider "${own.id}" speaks nothing.`);
  return {
    forwardedHeaders: speaks['anthropic-messages'] === undefined ? [] : ANTHROPIC_HEADERS,
    imageTokensBound: undefined,
    cancelStopsBilling: undefined,
    ...rest,
    ...(boundField !== undefined && { maxOutputTokensField: boundField }),
    id: providerId(own.id),
    apis: [first, ...further],
    dataPolicy: {
      trains: undefined,
      retentionDays: undefined,
      regions: undefined,
      documentation: undefined,
      ...dataPolicy,
    },
    authHeaders: (credential, dialect): Record<string, string> => ({
      ...(credential !== '' && { authorization: `Bearer ${credential}` }),
      ...(dialect === 'anthropic-messages' && { 'anthropic-version': ANTHROPIC_VERSION }),
    }),
  };
}

/**
 * @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages (the role, and that it replaces `system`)
 * @see https://github.com/earendil-works/pi/issues/1048 (a provider that refuses it)
 */
const withSystemRole = (quirks: NonNullable<OpenaiCompatible['quirks']>): typeof quirks => ({
  ...quirks,
  'openai-chat': { roles: { developer: 'system' }, ...quirks['openai-chat'] },
});

const dialectsOf = (speaks: Readonly<Partial<Record<DialectId, string>>>): readonly DialectId[] =>
  // The keys of a record of dialects are dialects.
  Object.keys(speaks) as DialectId[];
