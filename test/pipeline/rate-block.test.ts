import { expect, test } from '@jest/globals';
import { RateBlock } from '../../lambda/pipeline/rate-block.ts';

const LIMITS = { requestsPerMinute: 100, tokensPerMinute: 1000 };
const request = { limits: LIMITS, tokens: 10, expiryMinute: undefined };
const holding = (requests: number, tokens: number): RateBlock => {
  const block = new RateBlock();
  block.add(7, LIMITS, { requests, tokens, slots: 0 });
  return block;
};

test('a block serves until its requests or tokens are used up', () => {
  const block = holding(2, 100);
  expect(block.serve(7, request)).toBeDefined();
  expect(block.serve(7, { ...request, tokens: 91 })).toBeUndefined();
  expect(block.serve(7, request)).toBeDefined();
  expect(block.serve(7, request)).toBeUndefined();
});

test('a block is worth nothing in another minute or under other limits', () => {
  const block = holding(2, 100);
  expect(block.serve(8, request)).toBeUndefined();
  expect(block.serve(7, { ...request, limits: { ...LIMITS, requestsPerMinute: 99 } })).toBeUndefined();
});

test('a kept slot serves a request that ends before it lapses, once', () => {
  const block = holding(5, 100);
  block.keepSlot(10);
  expect(block.serve(7, { ...request, expiryMinute: 11 })).toBeUndefined();
  expect(block.serve(7, { ...request, expiryMinute: 10 })).toEqual({ slotExpiry: 10 });
  expect(block.serve(7, { ...request, expiryMinute: 10 })).toBeUndefined();
});
