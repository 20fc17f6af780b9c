import { defineGateway } from './lambda/config/define-gateway.ts';

/**
 * Your gateway: which providers it may call, and the names your applications use for models. A provider is on when its
 * credential is there: locally in the environment (OPENAI_API_KEY), deployed in its own secret. All that can stand here is
 * in docs/configuration.md.
 */
export default defineGateway({
  providers: {
    openai: {},
    anthropic: {},
  },
  modelGroups: {
    // The same kind of answer from two formats: when the first is down, the second answers, and nobody notices.
    smart: {
      strategy: 'ordered',
      deployments: [
        { provider: 'openai', model: 'gpt-5' },
        { provider: 'anthropic', model: 'claude-sonnet-4-5' },
      ],
    },
  },
});
