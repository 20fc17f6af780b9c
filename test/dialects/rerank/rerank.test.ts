import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { CohereClient, CohereClientV2, CohereError } from 'cohere-ai';
import { cohereRerank } from '../../../lambda/dialects/cohere-rerank/dialect.ts';
import { voyageRerank } from '../../../lambda/dialects/voyage-rerank/dialect.ts';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { budget, type TestKey } from '../../support/local-gateway.ts';
import { type OperationGateway, startOperationGateway } from '../../support/operation-gateway.ts';

let gateway: OperationGateway;
let owner: TestKey;
let client: CohereClientV2;

const DOCUMENTS = ['Ruby is a programming language', 'Paris is in France', 'Rails is a Ruby framework'];
const COHERE_ANSWER = JSON.stringify({
  id: '9ca94863',
  results: [
    { index: 0, relevance_score: 0.75809944 },
    { index: 2, relevance_score: 0.5515985 },
  ],
  meta: { api_version: { version: '2' }, billed_units: { search_units: 1 } },
});
const VOYAGE_ANSWER = JSON.stringify({
  object: 'list',
  data: [
    { relevance_score: 0.69, index: 0 },
    { relevance_score: 0.49, index: 2 },
  ],
  model: 'ranker',
  usage: { total_tokens: 43 },
});

beforeAll(async () => {
  gateway = await startOperationGateway();
  owner = await gateway.createKey();
  client = new CohereClientV2({ token: owner.secret, environment: gateway.url });
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.upstream.requests.length = 0;
  gateway.upstream.answer = ({ path }) => ({ body: path === '/v2/rerank' ? COHERE_ANSWER : VOYAGE_ANSWER });
});

const ranked = (model: string) => client.rerank({ model, query: 'ruby', documents: DOCUMENTS, topN: 2 });

describe('the Cohere SDK', () => {
  test('gets a ranking of Cohere', async () => {
    const { results, meta } = await ranked('cohere/ranker');
    expect(results).toEqual([
      { index: 0, relevanceScore: 0.75809944 },
      { index: 2, relevanceScore: 0.5515985 },
    ]);
    expect(meta?.billedUnits).toMatchObject({ searchUnits: 1 });
    expect(gateway.upstream.requests[0]).toMatchObject({
      path: '/v2/rerank',
      body: { model: 'ranker', query: 'ruby', documents: DOCUMENTS, top_n: 2 },
    });
  });

  test('gets a ranking of the first version of the API', async () => {
    const first = new CohereClient({ token: owner.secret, environment: gateway.url });
    const { results } = await first.rerank({ model: 'cohere/ranker', query: 'ruby', documents: DOCUMENTS });
    expect(results.map(({ index }) => index)).toEqual([0, 2]);
  });

  test('gets a ranking of Voyage, which spells it otherwise', async () => {
    const { results } = await ranked('voyage/ranker');
    expect(results).toEqual([
      { index: 0, relevanceScore: 0.69 },
      { index: 2, relevanceScore: 0.49 },
    ]);
    expect(gateway.upstream.requests[0]).toMatchObject({
      path: '/rerank',
      body: { model: 'ranker', query: 'ruby', documents: DOCUMENTS, top_k: 2 },
    });
  });

  test('gets a ranking of Jina, which counts tokens', async () => {
    gateway.upstream.answer = () => ({
      body: JSON.stringify({
        model: 'ranker',
        usage: { total_tokens: 100 },
        results: [{ index: 1, relevance_score: 0.9, document: { text: DOCUMENTS[1] } }],
      }),
    });
    const answer = await gateway.post('/v1/rerank', owner.secret, {
      model: 'jina/ranker',
      query: 'ruby',
      documents: DOCUMENTS,
    });
    expect(await answer.json()).toMatchObject({
      model: 'jina/ranker',
      usage: { total_tokens: 100, cost: 0.0011 },
      results: [{ index: 1, document: { text: DOCUMENTS[1] } }],
    });
  });

  test('is told what is wrong', async () => {
    const error = await client
      .rerank({ model: 'cohere/ranker', query: 'ruby', documents: [] })
      .catch((e) => e);
    expect(error).toBeInstanceOf(CohereError);
    expect(error).toMatchObject({ statusCode: 400, body: { code: 'invalid_request', param: 'documents' } });
  });
});

describe('a rerank', () => {
  const ask = (model: string, secret: string, more: object = {}) =>
    gateway.post('/v2/rerank', secret, { model, query: 'ruby', documents: DOCUMENTS, ...more });

  test('is paid by search units at Cohere, and recorded so', async () => {
    const answer = await ask('cohere/ranker', owner.secret);
    expect(answer.headers.get('x-sluice-cost-usd')).toBe('0.003');
    expect(await answer.json()).toMatchObject({ meta: { billed_units: { search_units: 1, cost: 0.003 } } });
    const shown = await fetch(`${gateway.url}/v1/generation?id=${(await gateway.record(answer)).id}`, {
      headers: { authorization: `Bearer ${owner.secret}` },
    });
    expect(await shown.json()).toMatchObject({ data: { search_units: 1, total_cost: 0.003 } });
    expect(await gateway.record(answer)).toMatchObject({
      dialect: 'cohere-rerank',
      operation: 'rerank',
      usage: { searchUnits: 1 },
      cost: nanoFromUsd('0.003'),
      chargeBasis: 'exact',
      boundExceeded: false,
    });
  });

  test('is paid by tokens at Voyage', async () => {
    const answer = await ask('voyage/ranker', owner.secret);
    expect(await gateway.record(answer)).toMatchObject({
      usage: { promptTokens: 43, completionTokens: 0 },
      cost: nanoFromUsd('0.000301'),
      boundExceeded: false,
    });
  });

  test('is presumed to cost one unit for each hundred documents where nobody says', async () => {
    gateway.upstream.answer = () => ({ body: JSON.stringify({ id: 'x', results: [] }) });
    const documents = Array.from({ length: 101 }, () => 'short');
    const answer = await ask('cohere/ranker', owner.secret, { documents });
    expect(await gateway.record(answer)).toMatchObject({
      usage: { searchUnits: 2, estimated: true },
      cost: nanoFromUsd('0.006'),
      chargeBasis: 'estimated',
    });
  });

  test('counts a long document as several where money is set aside', async () => {
    const key = await gateway.createKey({ budgets: [budget(0.005)] });
    const documents = Array.from({ length: 60 }, () => 'x'.repeat(900));
    const refused = await ask('cohere/ranker', key.secret, { documents });
    expect(refused.status).toBe(402);
    expect(await refused.json()).toMatchObject({
      code: 'budget_exceeded',
      metadata: { estimate_usd: 0.006 },
    });
    const answered = await ask('cohere/ranker', key.secret);
    expect(answered.status).toBe(200);
    await gateway.record(answered);
    expect(await gateway.counters(key.key)).toMatchObject({
      windows: { total: { committed: 3_000_000n, spent: 3_000_000n } },
    });
  });

  test('of a price that is not known is refused by a hard budget', async () => {
    const key = await gateway.createKey({ budgets: [budget(1)] });
    const refused = await ask('cohere/unheard-of', key.secret);
    expect(await refused.json()).toMatchObject({ code: 'price_unknown' });
  });

  test('names Cohere’s own options that Voyage has not, or drops them where that is wished', async () => {
    const refused = await ask('voyage/ranker', owner.secret, { max_tokens_per_doc: 10 });
    expect(await refused.json()).toMatchObject({
      code: 'unsupported_parameter',
      param: 'max_tokens_per_doc',
    });
    const dropped = await gateway.post(
      '/v2/rerank',
      owner.secret,
      { model: 'voyage/ranker', query: 'ruby', documents: DOCUMENTS, max_tokens_per_doc: 10 },
      { 'x-sluice-unsupported': 'drop' },
    );
    expect(dropped.headers.get('x-sluice-dropped')).toBe('max_tokens_per_doc');
  });
});

describe('a model group of two formats', () => {
  test('fails over from Cohere to Voyage, and says who ranked', async () => {
    const both = await startOperationGateway({
      modelGroups: {
        ranker: {
          deployments: [
            { provider: 'cohere', model: 'ranker' },
            { provider: 'voyage', model: 'ranker' },
          ],
        },
      },
    });
    try {
      both.upstream.answer = ({ path }) =>
        path === '/v2/rerank' ? { status: 500, body: '{"message":"oops"}' } : { body: VOYAGE_ANSWER };
      const { secret, key } = await both.createKey({ budgets: [budget(0.01)] });
      const answer = await both.post('/v2/rerank', secret, {
        model: 'ranker',
        query: 'ruby',
        documents: DOCUMENTS,
      });
      expect(answer.headers.get('x-sluice-deployment')).toBe('voyage/ranker');
      expect(await answer.json()).toMatchObject({
        results: [{ index: 0, relevance_score: 0.69 }, { index: 2 }],
        meta: { billed_units: { input_tokens: 43, cost: 0.000301 } },
      });
      expect(await both.record(answer)).toMatchObject({
        attempts: [{ outcome: 'upstream_error' }, { outcome: 'ok' }],
        cost: nanoFromUsd('0.000301'),
      });
      expect(await both.counters(key)).toMatchObject({ windows: { total: { committed: 301_000n } } });
    } finally {
      await both.close();
    }
  });
});

describe('Voyage’s own format', () => {
  const envelope = { id: 'gen-1', model: 'cohere/ranker', createdAtSeconds: 0, includeUsage: true };

  test('reads its requests and writes what Cohere answered', () => {
    const request = voyageRerank.decodeRequest({
      model: 'm',
      query: 'q',
      documents: ['a', { text: 'b' }],
      top_k: 1,
      truncation: true,
    });
    const target = { model: 'n', maxOutputTokens: undefined };
    expect(cohereRerank.encodeRequest({ ...request, nativeOptions: {} }, target).body).toEqual({
      model: 'n',
      query: 'q',
      documents: ['a', 'b'],
      top_n: 1,
    });
    const { events } = cohereRerank.decodeAnswer(COHERE_ANSWER);
    expect(JSON.parse(voyageRerank.encodeAnswer(events, envelope))).toMatchObject({
      object: 'list',
      model: 'cohere/ranker',
      data: [
        { index: 0, relevance_score: 0.75809944 },
        { index: 2, relevance_score: 0.5515985 },
      ],
    });
  });
});
