import { expect, test } from 'vitest';
import { CLASSES, DATA, makePoints, ownPoints, type Points } from './points.ts';

const places = ({ pixels, labels }: Points) =>
  Array.from(labels, (label, at) => ({
    label,
    x: pixels[2 * at] ?? 0,
    y: pixels[2 * at + 1] ?? 0,
  }));

test('a kind of data has as many points of each class, and a seed decides them', () => {
  for (const data of DATA) {
    for (const classes of CLASSES[data]) {
      const make = (seed: number) => makePoints(data, { classes, count: 60, noise: 5, seed });
      const points = make(1);
      expect(points.pixels.length).toBe(120);
      for (let label = 0; label < classes; label += 1) {
        expect(points.labels.filter((other) => other === label).length).toBe(60 / classes);
      }
      expect(make(1)).toEqual(points);
      expect(make(2).pixels).not.toEqual(points.pixels);
      expect(new Set(points.pixels).size).toBeGreaterThan(20);
    }
  }
});

/** The least distance, by the pixel that differs most, of two points of different classes. */
function gap(points: Points): number {
  const all = places(points);
  const far = all.flatMap((one) =>
    all
      .filter(({ label }) => label !== one.label)
      .map((other) => Math.max(Math.abs(one.x - other.x), Math.abs(one.y - other.y))),
  );
  return Math.min(...far);
}

test('classes lie apart without noise, circles by more than twice the usual ε', () => {
  const without = (data: (typeof DATA)[number], classes = 2) =>
    makePoints(data, { classes, count: 320, noise: 0, seed: 3 });
  for (const data of DATA) {
    for (const classes of CLASSES[data])
      expect(gap(without(data, classes)), data).toBeGreaterThan(4);
  }
  expect(gap(without('circles'))).toBeGreaterThan(2 * 16);
  // A preset rests on it: no network is robust at these points within 40 levels.
  expect(gap(without('moons'))).toBeLessThan(2 * 40);
});

test('noise moves points, and none leaves the plane', () => {
  const quiet = makePoints('blobs', { classes: 4, count: 100, noise: 0, seed: 1 });
  const loud = makePoints('blobs', { classes: 4, count: 100, noise: 30, seed: 1 });
  const distances = places(quiet).map(({ x, y }, at) => {
    const other = places(loud)[at] ?? { x: 0, y: 0 };
    return Math.hypot(x - other.x, y - other.y);
  });
  const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
  // The mean length of a two-dimensional Gaussian is 1.25 deviations, and the edge cuts some off.
  expect(mean).toBeGreaterThan(20);
  expect(mean).toBeLessThan(45);
});

test('points of exclusive or lie in the quadrants of their class', () => {
  for (const { label, x, y } of places(
    makePoints('xor', { classes: 2, count: 80, noise: 0, seed: 9 }),
  )) {
    expect(x > 127.5 === y > 127.5).toBe(label === 0);
  }
});

test('points that were set are as they were set', () => {
  const points = [
    { x: 0, y: 255, label: 1 },
    { x: 7, y: 9, label: 0 },
  ];
  expect(places(ownPoints(points))).toEqual(points);
});
