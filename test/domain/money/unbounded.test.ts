import { describe, expect, test } from '@jest/globals';
import type { ChatRequest, ContentPart, Tool } from '../../../lambda/domain/chat/request.ts';
import { fieldsOfUnknownCost, unboundedFeatures } from '../../../lambda/domain/money/unbounded.ts';
import { nested, picture, requestOf } from './requests.ts';

const HARMLESS: ReadonlySet<string> = new Set(['harmless']);
const featuresOf = (request: ChatRequest): readonly string[] => unboundedFeatures(request, HARMLESS);

describe('what cannot be bounded', () => {
  const hosted = (settings: Partial<Extract<Tool, { type: 'hosted' }>> = {}): ChatRequest =>
    requestOf([], {
      tools: [
        { type: 'hosted', dialect: 'anthropic-messages', name: 'web_search', definition: {}, ...settings },
      ],
    });

  test('names tools the provider runs, and not those the caller runs', () => {
    expect(featuresOf(hosted())).toEqual(['tool web_search']);
    expect(featuresOf(hosted({ name: 'bash', runBy: 'caller' }))).toEqual([]);
    expect(featuresOf(requestOf([], { tools: [{ type: 'function', name: 'web_search' }] }))).toEqual([]);
  });

  test.each(['web_search_options', 'mcp_servers', 'container', 'previous_response_id', 'conversation'])(
    'names the option %s, also where its dialect does not know it',
    (name) => {
      expect(featuresOf(requestOf([], { nativeOptions: { [name]: {} } }))).toEqual([name]);
      expect(featuresOf(requestOf([], { unknownFields: [name] }))).toEqual([name]);
    },
  );

  test.each([
    ['enable_search', false],
    ['plugins', []],
    ['extra_body', {}],
    ['previous_response_id', null],
    ['speed', 'standard'],
    ['best_of', 1],
    ['modalities', ['text']],
    ['context_management', { edits: [{ type: 'clear_tool_uses_20250919', exclude_tools: ['compactor'] }] }],
  ])('does not name %s where it asks for nothing', (name, value) => {
    expect(featuresOf(requestOf([], { nativeOptions: { [name]: value } }))).toEqual([]);
  });

  test.each([
    ['enable_search', true],
    ['best_of', 5],
    ['modalities', ['text', 'image']],
    ['context_management', { edits: [{ type: 'compact_20260112' }] }],
  ])('names %s where it asks for more', (name, value) => {
    expect(featuresOf(requestOf([], { nativeOptions: { [name]: value } }))).toEqual([name]);
  });

  test('names a file the provider keeps once, wherever it stands', () => {
    const file: ContentPart = { type: 'file', source: { type: 'provider-file', id: 'file-1' } };
    expect(featuresOf(requestOf([file, nested(file)]))).toEqual(['a file kept by the provider']);
  });

  test.each([
    ['context_management', [{ type: 'compaction' }]],
    ['context_management', { edits: [{ type: 'to_come' }] }],
    ['performanceConfig', { latency: 'optimized' }],
    ['modalities', ['text', 'video']],
    ['an_option_to_come', { a: 1 }],
  ])('names %s, of which it is not known that it is harmless', (name, value) => {
    expect(featuresOf(requestOf([], { nativeOptions: { [name]: value } }))).toEqual([name]);
  });

  test('names the members that only a model’s maker knows', () => {
    const fields = { max_tokens: 1, top_k: 5, anthropic_beta: ['a'], tools: [] };
    const request = requestOf([], { nativeOptions: { additionalModelRequestFields: fields } });
    expect(featuresOf(request)).toEqual([
      'additionalModelRequestFields.max_tokens',
      'additionalModelRequestFields.tools',
    ]);
  });

  test('names what the provider keeps, and no option that its dialect calls harmless', () => {
    expect(featuresOf(requestOf([], { keptContent: ['reasoning'] }))).toEqual(['reasoning']);
    expect(featuresOf(requestOf([], { nativeOptions: { harmless: true } }))).toEqual([]);
  });

  test('leaves out fields of which nothing is known, and keeps those that are harmless', () => {
    const request = requestOf([], { unknownFields: ['harmless', 'tools.x', 'y'] });
    expect(fieldsOfUnknownCost(request, HARMLESS)).toEqual(['tools.x', 'y']);
    expect(featuresOf(request)).toEqual([]);
  });

  test('names nothing for a plain conversation', () => {
    expect(featuresOf(requestOf([{ type: 'text', text: 'Hello' }, picture('AA')]))).toEqual([]);
  });
});

describe('operations beside chat', () => {
  const own = new Set(['prompt', 'background', 'speed']);
  const request = (nativeOptions: ChatRequest['nativeOptions']): ChatRequest => ({
    model: 'm',
    messages: [],
    stream: false,
    includeUsage: false,
    nativeOptions,
    unknownFields: [],
    work: { units: { images: 1 } },
  });

  test('may name their text as conversations name what nothing bounds', () => {
    expect(
      unboundedFeatures(request({ prompt: 'A cat', background: 'transparent', speed: 1.5 }), own),
    ).toEqual([]);
  });

  test('are unbounded where a server may read another number than we do', () => {
    expect(unboundedFeatures(request({ N: 10, num_images: 4, extra_body: { n: 9 } }), own)).toEqual([
      'N',
      'num_images',
      'extra_body',
    ]);
  });
});
