import { expect, test, vi } from 'vitest';
import { Drawing } from './drawing.svelte.ts';

const image = { index: 3, label: 7, pixels: new Uint8Array(784) };

test('a stroke grows by points that are far enough from the last one', () => {
  const drawing = new Drawing();
  drawing.begin(10, 10);
  drawing.extend([11, 11, 20, 20, 21, 20]);
  drawing.end();
  drawing.extend([500, 500]);
  expect(drawing.strokes).toEqual([[10, 10, 20, 20]]);
});

test('undo takes back the last thing done: the picked image, then each stroke', () => {
  const drawing = new Drawing();
  drawing.begin(1, 1);
  drawing.begin(2, 2);
  drawing.pick(image);
  drawing.undo();
  expect(drawing.picked).toBeNull();
  expect(drawing.strokes).toHaveLength(2);
  drawing.undo();
  drawing.undo();
  expect(drawing.isEmpty).toBe(true);
});

test('whatever is put on the pad by hand is told, and what a link puts there is not', () => {
  const onMark = vi.fn();
  const drawing = new Drawing(onMark);
  drawing.replace([[1, 2]], null);
  expect(onMark).not.toHaveBeenCalled();
  drawing.begin(1, 1);
  drawing.pick(image);
  expect(onMark).toHaveBeenCalledTimes(2);
});
