import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { fitBody } from '../../lambda/pipeline/request-quirks.ts';

describe('a body is fitted to a provider', () => {
  test('by members that are set, taken out, left out and renamed, and every other byte stays', () => {
    const body = '{ "model":"m", "seed": 90071992547409931, "user":"u", "stream_options":{"a":1}, "x": 1e3 }';
    expect(
      fitBody(body, {
        set: { anthropic_version: 'v' },
        remove: ['stream_options', 'absent'],
        drop: ['user', 'also-absent'],
      }),
    ).toEqual({
      text: '{"anthropic_version":"v", "model":"m", "seed": 90071992547409931, "x": 1e3 }',
      dropped: ['user'],
    });
  });

  test('a renamed member gives way to what stands under the new name', () => {
    const quirks = { rename: { seed: 'random_seed' } };
    expect(fitBody('{"seed":90071992547409931}', quirks).text).toBe('{"random_seed":90071992547409931}');
    expect(JSON.parse(fitBody('{"seed":1,"random_seed":2}', quirks).text)).toEqual({ random_seed: 2 });
    expect(fitBody('{"a":1}', quirks).text).toBe('{"a":1}');
  });

  test('roles of messages are renamed where they stand', () => {
    const body =
      '{"messages":[{"role" : "developer","content":"developer"},{"content":"x","role":"user"},7,{"role":9}]}';
    expect(fitBody(body, { roles: { developer: 'system' } }).text).toBe(
      body.replace('"role" : "developer"', '"role" : "system"'),
    );
    expect(fitBody('{"messages":"none"}', { roles: { developer: 'system' } }).text).toBe(
      '{"messages":"none"}',
    );
  });

  test('without quirks, or without anything that has one, it is not even read', () => {
    expect(fitBody('no json', undefined)).toEqual({ text: 'no json', dropped: [] });
    expect(fitBody('no json', { drop: ['user'], roles: { developer: 'system' } }).text).toBe('no json');
  });

  test('however a name is written', () => {
    const body = String.raw`{"\u0075ser":"u","a":1}`;
    expect(fitBody(body, { drop: ['user'] })).toEqual({ text: '{"a":1}', dropped: ['user'] });
  });

  test('whatever it holds', () => {
    const property = fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (body, member) => {
      const text = JSON.stringify(body);
      const { text: fitted, dropped } = fitBody(text, {
        drop: [member],
        roles: { developer: 'system' },
      });
      const { [member]: _left, ...rest } = JSON.parse(text);
      expect(JSON.parse(fitted)).toEqual(rest);
      expect(dropped).toEqual(Object.hasOwn(body, member) ? [member] : []);
    });
    fc.assert(property);
  });

  test('in time that grows as the messages do', () => {
    const messages = Array.from({ length: 20_000 }, () => ({ role: 'developer', content: 'x' }));
    const startedMs = performance.now();
    const { text } = fitBody(JSON.stringify({ messages }), { roles: { developer: 'system' } });
    expect(text).not.toContain('developer');
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
