import { expect, test } from 'vitest';
import { GRID, decodeStrokes, encodeStrokes, flatten } from './strokes.ts';

test('strokes come back from a link as they went in', () => {
  const strokes = [
    [0, 0, GRID, GRID, 0, GRID, 511, 3],
    [GRID, 0],
    Array.from({ length: 400 }, (_, at) => (at * 7919) % (GRID + 1)),
  ];
  expect(decodeStrokes(encodeStrokes(strokes))).toEqual(strokes);
  expect(decodeStrokes('')).toEqual([]);
});

test('broken stroke texts are refused, whatever they are', () => {
  const text = encodeStrokes([[5, 6, 700, 800, 30, 1000]]);
  for (let length = 1; length < text.length; length += 1) {
    expect(decodeStrokes(text.slice(0, length))).toBeNull();
  }
  expect(decodeStrokes('%%')).toBeNull();
  // One point far to the left of the pad.
  expect(decodeStrokes(btoa(String.fromCharCode(1, 9, 0)))).toBeNull();
});

test('flattened strokes are in units of the pad, with the first point of each stroke', () => {
  const { points, starts } = flatten([
    [0, GRID, GRID / 2, 0],
    [GRID / 4, GRID],
  ]);
  expect([...points]).toEqual([0, 1, 0.5, 0, 0.25, 1]);
  expect([...starts]).toEqual([0, 2]);
});
