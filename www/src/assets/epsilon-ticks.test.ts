import { expect, test } from 'vitest';
import { epsilonTicks } from './epsilon-ticks.ts';

test('ε becomes the smallest number of ticks that is no less', () => {
  // 76.5 levels, and 25.5.
  expect(epsilonTicks('0.3', 4)).toBe(306);
  expect(epsilonTicks('0.1', 32)).toBe(816);
  expect(epsilonTicks('0', 4)).toBe(0);
  expect(epsilonTicks('1', 4)).toBe(1_020);
  // A little more than 306 ticks is 307, however little.
  expect(epsilonTicks('0.300000000000000000001', 4)).toBe(307);
});
