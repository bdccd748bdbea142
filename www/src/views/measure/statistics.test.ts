import { expect, test } from 'vitest';
import { byClass, confusion, epsilonTicks, histogram, outstanding } from './statistics.ts';

/** Ticks of half a level. */
const SCALE = 2;
const records = {
  labels: Uint8Array.of(0, 0, 1, 1, 1, 0),
  predicted: Int32Array.of(0, 1, 1, -1, 1, 1),
  ibpRadiusTicks: Int32Array.of(100, 300, 20, -1, 510, 40),
};

test('the confusion matrix counts labels against labels, ties apart', () => {
  expect(confusion(records, 2)).toEqual([
    [1, 2, 0],
    [0, 2, 1],
  ]);
});

test('by class, wrong images are not certified and have no radius', () => {
  expect(byClass(records, 2, SCALE, 50)).toEqual([
    { images: 3, clean: 1, certified: 1, meanRadius: 50 / 3 },
    { images: 3, clean: 2, certified: 1, meanRadius: (10 + 255) / 3 },
  ]);
});

test('every image is in one bar of the histogram, or unproved', () => {
  const { right, wrong, unproved } = histogram(records, SCALE);
  const sum = (bars: readonly number[]) => bars.reduce((a, b) => a + b, 0);
  expect([sum(right), sum(wrong), unproved]).toEqual([3, 2, 1]);
  expect(right.at(-1)).toBe(1);
  expect(right[Math.floor(50 / 8)]).toBe(1);
});

test('images that stand out come in the order of their radii', () => {
  const images = (kind: Parameters<typeof outstanding>[2]) => outstanding(records, 30, kind, 9);
  expect(images('wrong')).toEqual({ count: 3, images: [1, 3, 5] });
  expect(images('wrong-certified')).toEqual({ count: 2, images: [1, 5] });
  expect(images('barely')).toEqual({ count: 2, images: [0, 4] });
  expect(images('robust')).toEqual({ count: 3, images: [4, 0, 2] });
  expect(outstanding(records, 30, 'robust', 1)).toEqual({ count: 3, images: [4] });
});

test('ε in ticks is rounded up', () => {
  expect(epsilonTicks(153, 32)).toBe(2448);
  expect(epsilonTicks(1, 1)).toBe(1);
});
