import { expect, test } from 'vitest';
import { INSECURE } from '../../copy.ts';
import type { Metrics } from '../../wasm/types.ts';
import { deviceWords, liftOff, offerWords, percent } from './copy.ts';

test('the share of images that are proved is rounded down', () => {
  expect(percent(4_999 / 5_000)).toBe('99.9 %');
  expect(percent(4_618 / 5_000)).toBe('92.3 %');
  for (let images = 0; images <= 1_000; images += 1) {
    expect(percent(images / 1_000)).toBe(`${(images / 10).toFixed(1)} %`);
  }
});

/** A run of 240 steps, of which every tenth is measured however fast the machine is. */
const ITERATIONS = 240;
const measured = (...points: [iteration: number, p: number, certifiedIbp: number][]) =>
  points.map(([iteration, p, certifiedIbp]) => ({ iteration, p, certifiedIbp }) as Metrics);
const liftedAt = (...points: Parameters<typeof measured>) => {
  const lifted = liftOff(measured(...points), ITERATIONS);
  return lifted && [lifted.before.iteration, lifted.after.iteration];
};

test('certified accuracy lifts off where it passes a half as p grows, if it was seen below', () => {
  expect(liftedAt()).toBeNull();
  expect(liftedAt([10, 8, 0.1], [20, 8, 0.6], [30, 10, 0.4], [40, 12, 0.7], [50, 14, 0.8])).toEqual(
    [30, 40],
  );
  expect(liftedAt([10, 8, 0.1], [20, Infinity, 0.7])).toEqual([10, 20]);
  expect(liftedAt([10, 8, 0.1], [20, 8, 0.6], [30, 10, 0.4])).toBeNull();
  // A run that is gone on with was proved before.
  expect(liftedAt([10, 30, 0.8], [20, 34, 0.8])).toBeNull();
});

test('the lift-off is the same however often a machine measures beside the fixed steps', () => {
  const fixed: Parameters<typeof measured> = [
    [10, 8, 0.1],
    [20, 10, 0.3],
    [30, 12, 0.7],
    [40, 14, 0.9],
  ];
  const fast: Parameters<typeof measured> = [
    [3, 8, 0.02],
    [10, 8, 0.1],
    [14, 9, 0.6],
    [17, 9, 0.2],
    [20, 10, 0.3],
    [22, 10, 0.55],
    [30, 12, 0.7],
    [33, 12, 0.4],
    [40, 14, 0.9],
  ];
  expect(liftedAt(...fast)).toEqual([20, 30]);
  expect(liftedAt(...fast)).toEqual(liftedAt(...fixed));
});

test('the GPU that an insecure origin does not show is not said to be missing', () => {
  const device = { kind: 'cpu', name: 'CPU', software: false, why: 'No GPU was found.' } as const;
  expect(deviceWords(device, 'auto', true)).toContain(device.why);
  expect(deviceWords(device, 'auto', false)).not.toContain(device.why);
  expect(deviceWords(device, 'auto', false)).toContain(INSECURE.gpu);
  expect(deviceWords(device, 'cpu', false)).not.toContain(INSECURE.gpu);
});

test('a run that has taken all of its steps is not said to have stopped', () => {
  expect(offerWords({ iteration: 10, iterations: 10 })).not.toContain('stopped');
  expect(offerWords({ iteration: 9, iterations: 10 })).toContain('stopped');
});
