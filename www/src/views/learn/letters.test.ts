import { expect, test } from 'vitest';
import { FIRST } from '../../codec/lesson.ts';
import { letters } from './letters.ts';
import { LABELS, baselineAtlas, distanceAtlas, type Image } from './two-pixels.ts';

test('a letter stands in the middle of a square of its label, and each label has one', () => {
  for (const atlas of [distanceAtlas(FIRST.seed), baselineAtlas(FIRST.seed)]) {
    const found = letters(atlas);
    expect(new Set(found.map(({ label }) => label)).size).toBe(LABELS.length);
    for (const { label, side, x, y } of found) {
      const radius = Math.floor((side - 1) / 2);
      const middle: Image = [Math.floor(x), Math.floor(y)];
      expect(atlas.label(middle)).toBe(label);
      expect(atlas.around(middle, radius).others).toBe(0);
    }
  }
});
