/** Where the regions of a map are named. */
import { LEVELS, TIE, type Atlas } from './two-pixels.ts';

/** Regions without a square of this side get no letter. */
const LEAST_SIDE = 14;

/** The largest square in a connected region of one label. */
export interface Letter {
  label: number;
  /** In levels. */
  side: number;
  /** Its middle. */
  x: number;
  y: number;
}

/** A letter for each region of an atlas that has room for one. */
export function letters(atlas: Atlas): Letter[] {
  const regions = connected(atlas);
  /** The side of the largest square of one region whose upper right corner is an image. */
  const sides = new Uint16Array(LEVELS * LEVELS);
  const found = new Map<number, Letter>();
  for (let y = 0; y < LEVELS; y += 1) {
    for (let x = 0; x < LEVELS; x += 1) {
      const at = y * LEVELS + x;
      const region = regions[at] ?? 0;
      const label = atlas.label([x, y]);
      if (label === TIE) continue;
      const of = (there: number) => (regions[there] === region ? (sides[there] ?? 0) : 0);
      const smaller =
        x > 0 && y > 0 ? Math.min(of(at - 1), of(at - LEVELS), of(at - LEVELS - 1)) : 0;
      const side = smaller + 1;
      sides[at] = side;
      if (side >= Math.max(LEAST_SIDE, 1 + (found.get(region)?.side ?? 0))) {
        found.set(region, { label, side, x: x - (side - 1) / 2, y: y - (side - 1) / 2 });
      }
    }
  }
  return [...found.values()];
}

/** For each image, row by row of the second pixel, the number of its region, from 1. */
function connected(atlas: Atlas): Uint32Array {
  const regions = new Uint32Array(LEVELS * LEVELS);
  let count = 0;
  for (let start = 0; start < regions.length; start += 1) {
    if (regions[start] !== 0) continue;
    count += 1;
    const label = atlas.label([start % LEVELS, Math.floor(start / LEVELS)]);
    const open = [start];
    regions[start] = count;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const [x, y] = [at % LEVELS, Math.floor(at / LEVELS)];
      for (const [v, w] of [
        [x - 1, y],
        [x + 1, y],
        [x, y - 1],
        [x, y + 1],
      ] as const) {
        // prettier-ignore
        const there = w * LEVELS + v;
        if (v < 0 || v >= LEVELS || w < 0 || w >= LEVELS || regions[there] !== 0) continue;
        if (atlas.label([v, w]) !== label) continue;
        regions[there] = count;
        open.push(there);
      }
    }
  }
  return regions;
}
