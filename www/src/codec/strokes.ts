/**
 * Pen strokes as whole numbers on a fine grid.
 *
 * The grid is what makes a link exact: the strokes that a colleague opens are the very strokes
 * that were drawn, and so are the image, the label and the radius.
 */

import { fromText, toText } from './packing.ts';

/** Steps of the grid across the pad, in both directions. */
export const GRID = 1024;

/** `x0, y0, x1, y1, …` in grid steps, 0 to `GRID`, y downwards. */
export type Stroke = readonly number[];

/** A position on the pad, 0 to 1, as a point of the grid. */
export function toGrid(position: number): number {
  return Math.round(Math.min(1, Math.max(0, position)) * GRID);
}

/** The strokes as the preprocessor takes them: canvas units and the first point of each stroke. */
export function flatten(strokes: readonly Stroke[]): {
  points: Float32Array;
  starts: Uint32Array;
} {
  const points = new Float32Array(strokes.reduce((sum, stroke) => sum + stroke.length, 0));
  const starts = new Uint32Array(strokes.length);
  let at = 0;
  strokes.forEach((stroke, index) => {
    starts[index] = at / 2;
    for (const coordinate of stroke) {
      points[at] = coordinate / GRID;
      at += 1;
    }
  });
  return { points, starts };
}

function pushVarint(bytes: number[], value: number) {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

/** Differences of either sign as non-negative numbers: 0, −1, 1, −2, … become 0, 1, 2, 3, … */
const zigzag = (value: number) => (value < 0 ? -2 * value - 1 : 2 * value);
const unzigzag = (value: number) => (value % 2 === 1 ? -(value + 1) / 2 : value / 2);

/** Strokes in few characters that a link can carry. */
export function encodeStrokes(strokes: readonly Stroke[]): string {
  const bytes: number[] = [];
  for (const stroke of strokes) {
    pushVarint(bytes, stroke.length / 2);
    for (let at = 0; at < stroke.length; at += 1) {
      pushVarint(bytes, zigzag((stroke[at] ?? 0) - (at >= 2 ? (stroke[at - 2] ?? 0) : 0)));
    }
  }
  return toText(Uint8Array.from(bytes));
}

/** The strokes of a link, or `null` if it is not one that `encodeStrokes` wrote. */
export function decodeStrokes(text: string): Stroke[] | null {
  const bytes = fromText(text);
  if (!bytes) return null;
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; factor < 2 ** 28; factor *= 128) {
      const byte = bytes[at];
      at += 1;
      if (byte === undefined) return NaN;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
    return NaN;
  };
  const strokes: Stroke[] = [];
  while (at < bytes.length) {
    const points = varint();
    // Each coordinate takes a byte or more, so a longer promise is a broken link.
    if (!(points >= 1) || 2 * points > bytes.length - at) return null;
    const stroke: number[] = [];
    for (let index = 0; index < 2 * points; index += 1) {
      const value = unzigzag(varint()) + (index >= 2 ? (stroke[index - 2] ?? 0) : 0);
      if (!(value >= 0 && value <= GRID)) return null;
      stroke.push(value);
    }
    strokes.push(stroke);
  }
  return strokes;
}
