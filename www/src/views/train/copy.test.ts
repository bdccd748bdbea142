import { expect, test } from 'vitest';
import type { Metrics } from '../../wasm/types.ts';
import { liftOff, percent } from './copy.ts';

test('the share of images that are proved is rounded down', () => {
  expect(percent(4_999 / 5_000)).toBe('99.9 %');
  expect(percent(4_618 / 5_000)).toBe('92.3 %');
  for (let images = 0; images <= 1_000; images += 1) {
    expect(percent(images / 1_000)).toBe(`${(images / 10).toFixed(1)} %`);
  }
});

test('certified accuracy lifts off where it passes a half as p grows, if it was seen below', () => {
  const measured = (...points: [p: number, certifiedIbp: number][]) =>
    points.map(([p, certifiedIbp]) => ({ p, certifiedIbp }) as Metrics);
  expect(liftOff([])).toBeNull();
  expect(liftOff(measured([8, 0.1], [8, 0.6], [10, 0.4], [12, 0.7], [14, 0.8]))?.p).toBe(12);
  expect(liftOff(measured([8, 0.1], [Infinity, 0.7]))?.p).toBe(Infinity);
  expect(liftOff(measured([8, 0.1], [8, 0.6], [10, 0.4]))).toBeNull();
  // A run that is gone on with was proved before.
  expect(liftOff(measured([30, 0.8], [34, 0.8]))).toBeNull();
});
