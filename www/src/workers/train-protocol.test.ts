import { expect, test } from 'vitest';
import { isFixed, stepsToFixed } from './train-protocol.ts';

test('steps that are measured on every machine depend on the length of the run alone', () => {
  for (const iterations of [1, 7, 140, 1_560, 82_000]) {
    // However many steps one takes at a time, none of them is passed over.
    const reached = (turn: number) => {
      const fixed: number[] = [];
      for (let at = 0; at < iterations;) {
        at += Math.min(turn, stepsToFixed(at, iterations), iterations - at);
        if (isFixed(at, iterations)) fixed.push(at);
      }
      return fixed;
    };
    const slow = reached(1);
    expect(reached(50)).toEqual(slow);
    expect(reached(7)).toEqual(slow);
    expect(slow.length).toBeGreaterThan(0);
    expect(slow.length).toBeLessThanOrEqual(24);
  }
  expect(isFixed(0, 140)).toBe(false);
});
