import { expect, test } from 'vitest';
import { FIRST } from '../../codec/lesson.ts';
import { LABELS, LEVELS, TIE, baselineAtlas, distanceAtlas, type Image } from './two-pixels.ts';

const SEEDS = [0, 1, 2, 3, FIRST.seed, 2 ** 32 - 1];
/** Images in rows and columns, those at the edges too. */
const SOME: Image[] = [0, 51, 102, 153, 204, 255].flatMap((x) =>
  [0, 37, 74, 111, 148, 185, 222, 255].map((y) => [x, y] as const),
);

test('what is proved of a network of distances holds for every image there is', () => {
  for (const seed of SEEDS) {
    const atlas = distanceAtlas(seed);
    expect(atlas.steepest).toBe(1);
    const wrong = SOME.filter((image) => {
      const [half, intervals] = [atlas.halfLead(image), atlas.intervals(image)];
      if (half === null || intervals === null) return atlas.label(image) !== TIE;
      const lead = atlas.lead(image);
      return (
        2 * half >= lead ||
        2 * (half + 1) < lead ||
        atlas.byLead(image) !== half ||
        intervals < half ||
        atlas.around(image, intervals).others > 0
      );
    });
    expect(wrong).toEqual([]);
    const farther = SOME.filter((image) => atlas.intervals(image) !== atlas.halfLead(image));
    expect(farther.length).toBeGreaterThan(0);
  }
});

test('of a baseline network the same proves nothing', () => {
  for (const seed of SEEDS) {
    const atlas = baselineAtlas(seed);
    expect(atlas.steepest).toBeGreaterThan(1);
    const flipped = SOME.filter(
      (image) => atlas.around(image, atlas.halfLead(image) ?? 0).others > 0,
    );
    expect(flipped).not.toEqual([]);
    // Divided by what a level may do, it does.
    expect(SOME.filter((image) => atlas.around(image, atlas.byLead(image) ?? 0).others > 0 && atlas.label(image) !== TIE)).toEqual([]); // prettier-ignore
  }
});

test('the drawn networks give every label, and the same seed the same network', () => {
  for (const make of [distanceAtlas, baselineAtlas]) {
    for (const seed of SEEDS) {
      const atlas = make(seed);
      const scores = SOME.map((image) => atlas.scores(image));
      const again = make(seed);
      expect(SOME.map((image) => again.scores(image))).toEqual(scores);
      const best = scores.map((all) =>
        all.flatMap((s, at) => (s === Math.max(...all) ? [at] : [])),
      );
      expect(SOME.map((image) => atlas.label(image))).toEqual(
        best.map(([first = TIE, ...others]) => (others.length > 0 ? TIE : first)),
      );
      const labels = new Set<number>();
      for (let y = 0; y < LEVELS; y += 1) {
        for (let x = 0; x < LEVELS; x += 1) labels.add(atlas.label([x, y]));
      }
      labels.delete(TIE);
      expect(labels.size).toBe(LABELS.length);
    }
  }
});
