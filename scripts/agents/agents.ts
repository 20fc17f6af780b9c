import type { Json } from '../../lambda/domain/json.ts';
import type { Agent, Assignment, Launch } from './agent.ts';
import { textAt } from './mock/turn.ts';

/** Claude Code and Qwen Code end with one line that holds the whole answer. */
const resultIn = (line: Json): string => (textAt(line, 'type') === 'result' ? textAt(line, 'result') : '');

/** @see https://code.claude.com/docs/en/llm-gateway */
const CLAUDE: Agent = {
  id: 'claude',
  name: 'Claude Code',
  packageName: '@anthropic-ai/claude-code',
  version: '2.1.329',
  binary: 'claude',
  dialect: 'anthropic-messages',
  ownProvider: 'anthropic',
  models: ['claude-opus-5-5', 'claude-haiku-4-5', 'claude-haiku-4-5-20251001'],
  launch: ({ url, key, model, prompt }) => ({
    arguments: [
      ...['-p', prompt, '--model', model, '--allowedTools', 'Bash(echo:*)'],
      ...['--output-format', 'stream-json', '--verbose', '--include-partial-messages'],
    ],
    environment: {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: key,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    },
    files: {},
  }),
  answerIn: resultIn,
};

/** @see https://developers.openai.com/codex/config-reference */
const CODEX: Agent = {
  id: 'codex',
  name: 'Codex',
  packageName: '@openai/codex',
  version: '0.169.0',
  binary: 'codex',
  dialect: 'openai-responses',
  ownProvider: 'openai',
  models: ['gpt-5'],
  launch: ({ url, key, model, prompt, home }) => ({
    arguments: [
      ...['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', '--json'],
      ...['-m', model, prompt],
    ],
    environment: { CODEX_HOME: `${home}/.codex`, SLUICE_KEY: key },
    files: {
      '.codex/config.toml': [
        'model_provider = "sluice"',
        // The provider would run it, and what it costs cannot be bounded under a hard budget.
        'web_search = "disabled"',
        '',
        '[model_providers.sluice]',
        'name = "Sluice"',
        `base_url = "${url}/v1"`,
        'wire_api = "responses"',
        'env_key = "SLUICE_KEY"',
        '',
      ].join('\n'),
    },
  }),
  answerIn: (line) =>
    textAt(line, 'item', 'type') === 'agent_message' && textAt(line, 'type') === 'item.completed'
      ? textAt(line, 'item', 'text')
      : '',
};

/** @see https://opencode.ai/docs/providers/ */
const openCode = (
  variant: Pick<Agent, 'id' | 'name' | 'dialect' | 'ownProvider' | 'models'> & {
    /** The package of the Vercel AI SDK that speaks the format. */
    readonly sdkPackage: string;
  },
): Agent => ({
  ...variant,
  packageName: 'opencode-ai',
  version: '1.18.33',
  binary: 'opencode',
  launch: (assignment) => launchOpenCode(assignment, variant.sdkPackage),
  answerIn: (line) => (textAt(line, 'type') === 'text' ? textAt(line, 'part', 'text') : ''),
});

const launchOpenCode = ({ url, key, model, prompt }: Assignment, sdkPackage: string): Launch => ({
  arguments: ['run', '--format', 'json', '--model', `sluice/${model}`, prompt],
  environment: {
    SLUICE_KEY: key,
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
  },
  files: {
    '.config/opencode/opencode.json': JSON.stringify(
      {
        provider: {
          sluice: {
            npm: sdkPackage,
            name: 'Sluice',
            options: { baseURL: `${url}/v1`, apiKey: '{env:SLUICE_KEY}' },
            models: { [model]: { name: model, reasoning: true, tool_call: true } },
          },
        },
        permission: { bash: 'allow' },
        share: 'disabled',
      },
      undefined,
      2,
    ),
  },
});

/** @see https://geminicli.com/docs/reference/configuration */
const GEMINI: Agent = {
  id: 'gemini',
  name: 'Gemini CLI',
  packageName: '@google/gemini-cli',
  version: '0.61.0',
  binary: 'gemini',
  dialect: 'gemini',
  ownProvider: 'gemini',
  models: ['gemini-2.5-flash', 'gemini-2.5-flash-lite', 'gemini-2.5-pro'],
  launch: ({ url, key, model, prompt }) => ({
    arguments: ['-p', prompt, '-m', model, '--yolo', '--output-format', 'stream-json'],
    environment: {
      GOOGLE_GEMINI_BASE_URL: url,
      GEMINI_API_KEY: key,
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    },
    files: {
      '.gemini/settings.json': JSON.stringify({
        security: { auth: { selectedType: 'gemini-api-key' } },
        privacy: { usageStatisticsEnabled: false },
        general: { enableAutoUpdate: false },
      }),
    },
  }),
  answerIn: (line) =>
    textAt(line, 'type') === 'message' && textAt(line, 'role') === 'assistant' ? textAt(line, 'content') : '',
};

/** @see https://qwenlm.github.io/qwen-code-docs/en/users/configuration/settings */
const QWEN: Agent = {
  id: 'qwen',
  name: 'Qwen Code',
  packageName: '@qwen-code/qwen-code',
  version: '0.24.4',
  binary: 'qwen',
  dialect: 'openai-chat',
  ownProvider: 'openai',
  models: ['gpt-4o'],
  launch: ({ url, key, model, prompt }) => ({
    arguments: ['-p', prompt, '--auth-type', 'openai', '--yolo', '--output-format', 'stream-json'],
    environment: { OPENAI_API_KEY: key, OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: model },
    files: {
      '.qwen/settings.json': JSON.stringify({
        privacy: { usageStatisticsEnabled: false },
        general: { enableAutoUpdate: false },
        // Through a terminal, now and then it loses the output of a command that ends at once.
        tools: { shell: { enableInteractiveShell: false } },
      }),
    },
  }),
  answerIn: resultIn,
};

/** Every agent that is tried; OpenCode once for each format it can speak. */
export const AGENTS: readonly Agent[] = [
  CLAUDE,
  CODEX,
  openCode({
    id: 'opencode',
    name: 'OpenCode (@ai-sdk/openai-compatible)',
    sdkPackage: '@ai-sdk/openai-compatible',
    dialect: 'openai-chat',
    ownProvider: 'openai',
    models: ['gpt-4.1'],
  }),
  openCode({
    id: 'opencode-anthropic',
    name: 'OpenCode (@ai-sdk/anthropic)',
    sdkPackage: '@ai-sdk/anthropic',
    dialect: 'anthropic-messages',
    ownProvider: 'anthropic',
    models: ['claude-sonnet-4-6'],
  }),
  openCode({
    id: 'opencode-responses',
    name: 'OpenCode (@ai-sdk/openai)',
    sdkPackage: '@ai-sdk/openai',
    dialect: 'openai-responses',
    ownProvider: 'openai',
    models: ['gpt-5'],
  }),
  GEMINI,
  QWEN,
];
