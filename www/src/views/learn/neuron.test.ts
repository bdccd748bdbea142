import { expect, test } from 'vitest';
import { NORMS, norm, outline, range, slopes, steepest } from './neuron.ts';
import { box, type Image } from './two-pixels.ts';

test('the distance, its slopes and its range are those of the p-norm', () => {
  const weights: Image = [104, 152];
  for (const p of NORMS) {
    const [x, y]: Image = [168, 108];
    const differences = [Math.abs(x - weights[0]), Math.abs(y - weights[1])];
    const distance = norm(differences, p);
    const sum = differences.reduce((sum, difference) => sum + difference ** p, 0);
    expect(distance).toBeCloseTo(p === Infinity ? 64 : sum ** (1 / p), 6);
    const step = 1e-5;
    const moved = differences.map(
      (_, at) =>
      norm(differences.map((d, other) => d + (other === at ? step : 0)), p), // prettier-ignore
    );
    slopes(differences, p).forEach((slope, at) => {
      expect(((moved[at] ?? 0) - distance) / step).toBeCloseTo(slope, 3);
    });

    const [across, up] = box([x, y], 20);
    const reached: number[] = [];
    for (let v = across[0]; v <= across[1]; v += 1) {
      for (let w = up[0]; w <= up[1]; w += 1) {
        reached.push(norm([Math.abs(v - weights[0]), Math.abs(w - weights[1])], p));
      }
    }
    const [low, high] = range([across, up], weights, p);
    expect(low).toBeCloseTo(Math.min(...reached), 6);
    expect(high).toBeCloseTo(Math.max(...reached), 6);
    expect(high - distance).toBeLessThanOrEqual(20 * steepest(2, p) + 1e-9);
    expect(distance - low).toBeLessThanOrEqual(20 * steepest(2, p) + 1e-9);

    if (p === Infinity) continue;
    const points = outline(weights, distance, p).slice(1, -1).split('L');
    for (const point of points) {
      const [v = NaN, w = NaN] = point.split(' ').map(Number);
      expect(norm([Math.abs(v - weights[0]), Math.abs(w - weights[1])], p)).toBeCloseTo(
        distance,
        1,
      );
    }
  }
  expect(norm([0, 0], 8)).toBe(0);
  expect(slopes([0, 0], Infinity)).toEqual([1, 1]);
  expect(slopes([7, 7], Infinity)).toEqual([1, 1]);
});
