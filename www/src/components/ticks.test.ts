import { expect, test } from 'vitest';
import { tickLabels } from './ticks.ts';

/** Ticks as a chart lays them out. */
const ticks = (first: number, increment: number, count = 5) =>
  Array.from({ length: count }, (_, at) => first + at * increment);

test('ticks of a narrow range have labels of their own', () => {
  expect(tickLabels(ticks(1.11, 0.001), 0.001)).toEqual([
    '1.110',
    '1.111',
    '1.112',
    '1.113',
    '1.114',
  ]);
  for (const increment of [1e-7, 2.5e-5, 0.002, 0.25, 1, 50, 20_000, 2_500_000]) {
    for (const first of [0, -2 * increment, 3 * increment, 100 * increment]) {
      const labels = tickLabels(ticks(first, increment), increment);
      expect(new Set(labels).size, `${first} + ${increment}`).toBe(5);
    }
  }
});

test('a label has seven characters at most, however large or small the values are', () => {
  for (let exponent = -9; exponent <= 9; exponent += 1) {
    for (const step of [1, 2, 2.5, 5]) {
      const increment = step * 10 ** exponent;
      const labels = tickLabels(ticks(0, increment), increment);
      expect(Math.max(...labels.map(({ length }) => length)), labels.join()).toBeLessThanOrEqual(7);
    }
  }
  expect(tickLabels(ticks(0, 20_000_000), 20_000_000)).toEqual(['0', '20M', '40M', '60M', '80M']);
  expect(tickLabels(ticks(0, 250), 250)).toEqual(['0', '250', '500', '750', '1000']);
  expect(tickLabels(ticks(-0.5, 0.25, 3), 0.25)).toEqual(['−0.50', '−0.25', '0']);
});
