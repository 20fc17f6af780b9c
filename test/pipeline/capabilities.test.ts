import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { ask } from '../support/ask.ts';
import { type LocalGateway, MOCK_PRICE, startLocalGateway, type TestKey } from '../support/local-gateway.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway({
    config: {
      modelGroups: {
        demo: {
          deployments: [
            { provider: 'openai', model: 'mock-blind' },
            { provider: 'anthropic', model: 'mock-seeing' },
          ],
        },
        blind: { deployments: [{ provider: 'openai', model: 'mock-blind' }] },
      },
      prices: {
        'openai/mock-blind': { ...MOCK_PRICE, capabilities: ['tools'] },
        'anthropic/mock-seeing': { ...MOCK_PRICE, capabilities: ['tools', 'vision'] },
      },
    },
  });
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const PICTURE = {
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
      ],
    },
  ],
};
const answerOf = async (model: string, body: Readonly<Record<string, unknown>>) => {
  const response = await ask(gateway, owner.secret, { model, body });
  return { response, body: JSON.parse(await response.text()) };
};

test('a picture goes to the model that sees, and text to the first', async () => {
  const seen = await answerOf('demo', PICTURE);
  expect(seen.response.headers.get('x-sluice-deployment')).toBe('anthropic/mock-seeing');
  const read = await answerOf('demo', {});
  expect(read.response.headers.get('x-sluice-deployment')).toBe('openai/mock-blind');
});

test('a picture goes to a model that does not see where there is no other', async () => {
  const { response } = await answerOf('blind', PICTURE);
  expect(response.headers.get('x-sluice-deployment')).toBe('openai/mock-blind');
});

test('provider.require_parameters refuses that, and says what is lacking', async () => {
  const { response, body } = await answerOf('blind', { ...PICTURE, provider: { require_parameters: true } });
  expect([response.status, body.error.code]).toEqual([404, 'no_eligible_deployment']);
  expect(body.error.message).toContain('openai/mock-blind: lacks vision (provider.require_parameters)');
});

test('provider.require_parameters drops nothing, whatever the caller says of dropping', async () => {
  const asked = {
    model: 'anthropic/mock-seeing',
    body: { seed: 7 },
    headers: { 'x-sluice-unsupported': 'drop' },
  };
  const dropped = await ask(gateway, owner.secret, asked);
  expect([dropped.status, dropped.headers.get('x-sluice-dropped')]).toEqual([200, 'seed']);
  const kept = await ask(gateway, owner.secret, {
    ...asked,
    body: { seed: 7, provider: { require_parameters: true } },
  });
  expect(kept.status).toBe(400);
  expect(await kept.text()).toContain('seed');
});
