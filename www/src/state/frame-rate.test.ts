import { expect, test } from 'vitest';
import { FrameRate } from './frame-rate.ts';

/** What is said after each of these moments, in milliseconds. */
function said(moments: readonly number[]): (number | null)[] {
  const rate = new FrameRate();
  return moments.map((now) => rate.count(now));
}

const every = (apart: number, frames: number) =>
  Array.from({ length: frames }, (_, at) => at * apart);

test('the rate is that of the last second, from the second frame on', () => {
  expect(said([5])).toEqual([null]);
  expect(said(every(20, 60)).slice(1)).toEqual(Array(59).fill(50));
  expect(said([...every(20, 60), ...every(100, 30).map((at) => 1_280 + at)]).at(-1)).toBe(10);
});

test('frames that are seconds apart have a rate too', () => {
  expect(said([0, 2_000, 6_000])).toEqual([null, 0.5, 0.25]);
});

test('a number stays long enough to be read', () => {
  const rates = said([0, 20, 40, 100, 160, 220, 280, 340, 400, 460, 519, 520]);
  expect(new Set(rates.slice(1, -1))).toEqual(new Set([50]));
  expect(rates.at(-1)).not.toBe(50);
});
