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

test('clearing the pad is taken back, and so is a drawing in the place of an image', () => {
  const drawing = new Drawing();
  drawing.begin(1, 1);
  drawing.begin(2, 2);
  drawing.clear();
  drawing.clear();
  expect(drawing.isEmpty).toBe(true);
  expect(drawing.canUndo).toBe(true);
  drawing.undo();
  expect(drawing.strokes).toEqual([
    [1, 1],
    [2, 2],
  ]);

  drawing.pick(image);
  drawing.begin(3, 3);
  expect(drawing.strokes).toEqual([[3, 3]]);
  drawing.undo();
  expect(drawing.picked).toBe(image);
  drawing.clear();
  drawing.undo();
  expect(drawing.picked).toBe(image);
  drawing.undo();
  expect(drawing.strokes).toHaveLength(2);
  drawing.undo();
  drawing.undo();
  expect(drawing.isEmpty).toBe(true);
  expect(drawing.canUndo).toBe(false);
});

test('of what a link brought the strokes are taken back one by one, and nothing from before', () => {
  const drawing = new Drawing();
  drawing.begin(9, 9);
  drawing.replace(
    [
      [1, 1],
      [2, 2],
    ],
    null,
  );
  drawing.undo();
  expect(drawing.strokes).toEqual([[1, 1]]);
  drawing.undo();
  expect(drawing.canUndo).toBe(false);
});

test('an image that is labelled in another data set is not brought back', () => {
  const drawing = new Drawing();
  const { pixels } = image;
  drawing.pick(image);
  drawing.pick({ ...image, index: 4 });
  drawing.pick({ index: null, pixels, training: { index: 4, label: 7 } });
  drawing.pick({ index: null, pixels, mine: 'its id' });
  drawing.clear();
  drawing.begin(1, 1);
  drawing.forgetLabelled();
  while (drawing.canUndo) {
    drawing.undo();
    expect(drawing.picked).toBeNull();
  }
  expect(drawing.isEmpty).toBe(true);
});

test('an image without a label stays, whatever the data set', () => {
  const drawing = new Drawing();
  const linked = { index: null, pixels: image.pixels };
  drawing.pick(linked);
  drawing.forgetLabelled();
  expect(drawing.picked).toBe(linked);
  drawing.pick({ ...linked, mine: 'its id' });
  drawing.forgetLabelled();
  expect(drawing.picked).toBeNull();
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
