/** The view that explains: its small networks by themselves, and what the page says of them. */
import { FIRST, readLesson, writeLesson } from '../../www/src/learn/link.ts';
import { NORMS, norm, outline, range, slopes, steepest } from '../../www/src/learn/neuron.ts';
import {
  LABELS,
  LEVELS,
  TIE,
  box,
  distanceAtlas,
  ordinaryAtlas,
  type Image,
} from '../../www/src/learn/two-pixels.ts';
import { violations } from './axe.ts';
import { expect, test } from './page.ts';

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
      const { all, others } = atlas.around(image, intervals);
      const [across, up] = box(image, intervals);
      return (
        2 * half >= lead ||
        2 * (half + 1) < lead ||
        intervals < half ||
        all !== (across[1] - across[0] + 1) * (up[1] - up[0] + 1) ||
        others > 0
      );
    });
    expect(wrong).toEqual([]);
    expect(SOME.filter((image) => (atlas.intervals(image) ?? 0) > 0)).not.toEqual([]);
  }
});

test('of an ordinary network the same proves nothing', () => {
  for (const seed of SEEDS) {
    const atlas = ordinaryAtlas(seed);
    expect(atlas.steepest).toBeGreaterThan(1);
    const flipped = SOME.filter(
      (image) => atlas.around(image, atlas.halfLead(image) ?? 0).others > 0,
    );
    expect(flipped).not.toEqual([]);
  }
});

test('the drawn networks give every label, and the same seed the same network', () => {
  for (const make of [distanceAtlas, ordinaryAtlas]) {
    for (const seed of SEEDS) {
      const atlas = make(seed);
      const scores = SOME.map((image) => atlas.scores(image));
      const again = make(seed);
      expect(SOME.map((image) => again.scores(image))).toEqual(scores);
      const labels = new Set<number>();
      for (let y = 0; y < LEVELS; y += 1) {
        for (let x = 0; x < LEVELS; x += 1) labels.add(atlas.label([x, y]));
      }
      labels.delete(TIE);
      expect(labels.size).toBe(LABELS.length);
    }
  }
});

test('the distance, its slopes and its range are those of the p-norm', () => {
  const weights: Image = [104, 152];
  for (const p of NORMS) {
    const [x, y]: Image = [168, 108];
    const differences = [Math.abs(x - weights[0]), Math.abs(y - weights[1])];
    const distance = norm(differences, p);
    const sum = differences.reduce((sum, difference) => sum + difference ** p, 0);
    expect(distance).toBeCloseTo(p === Infinity ? 64 : sum ** (1 / p), 6);
    const step = 1e-5;
    const moved = differences.map(
      (_, at) =>
      norm(differences.map((d, other) => d + (other === at ? step : 0)), p), // prettier-ignore
    );
    slopes(differences, p).forEach((slope, at) => {
      expect(((moved[at] ?? 0) - distance) / step).toBeCloseTo(slope, 3);
    });

    const [across, up] = box([x, y], 20);
    const reached: number[] = [];
    for (let v = across[0]; v <= across[1]; v += 1) {
      for (let w = up[0]; w <= up[1]; w += 1) {
        reached.push(norm([Math.abs(v - weights[0]), Math.abs(w - weights[1])], p));
      }
    }
    const [low, high] = range([across, up], weights, p);
    expect(low).toBeCloseTo(Math.min(...reached), 6);
    expect(high).toBeCloseTo(Math.max(...reached), 6);
    expect(high - distance).toBeLessThanOrEqual(20 * steepest(2, p) + 1e-9);
    expect(distance - low).toBeLessThanOrEqual(20 * steepest(2, p) + 1e-9);

    if (p === Infinity) continue;
    const points = outline(weights, distance, p).slice(1, -1).split('L');
    for (const point of points) {
      const [v = NaN, w = NaN] = point.split(' ').map(Number);
      expect(norm([Math.abs(v - weights[0]), Math.abs(w - weights[1])], p)).toBeCloseTo(
        distance,
        1,
      );
    }
  }
  expect(norm([0, 0], 8)).toBe(0);
  expect(slopes([0, 0], Infinity)).toEqual([0, 0]);
});

test('a lesson comes back from a link, and what makes no sense is as at first', () => {
  expect(writeLesson(FIRST)).toBeNull();
  expect(readLesson(null)).toEqual(FIRST);
  const lesson = { seed: 2 ** 32 - 1, image: [0, 255] as const };
  expect(readLesson(writeLesson(lesson))).toEqual(lesson);
  for (const text of ['', '1~2', '1~256~0', '1~0~256', '4294967296~0~0', '-1~0~0', '1~2~3~4']) {
    expect(readLesson(text)).toEqual(FIRST);
  }
});

test('the image is moved by pointer and by keyboard, and what is proved of it moves along', async ({
  page,
}) => {
  await page.goto('./#v=1&view=learn');
  const claim = page.getByTestId('toy-claim');
  const expected = async (seed: number, image: Image) => {
    const atlas = distanceAtlas(seed);
    const label = LABELS[atlas.label(image)];
    await expect(claim).toHaveText(
      label
        ? new RegExp(`^${label} – no change of up to ${atlas.intervals(image)} levels? per pixel`)
        : /^No label/,
    );
    if (label) await expect(page.getByTestId('toy-check')).toContainText(', 0 have another label.');
  };
  await expected(FIRST.seed, FIRST.image);

  const plane = page.getByRole('img', { name: /The labels that the ℓ∞-dist net gives/ });
  const across = page.getByRole('slider', { name: 'pixel 1' }).last();
  await plane.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await plane.boundingBox()) ?? {
    x: 0,
    y: 0,
    width: 0,
    height: 0,
  };
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + 0.25 * width, y + 0.25 * height, { steps: 5 });
  await page.mouse.up();
  await expect(across).toHaveValue(/^6[345]$/);
  const moved: Image = [
    Number(await across.inputValue()),
    Number(await page.getByRole('slider', { name: 'pixel 2' }).last().inputValue()),
  ];
  expect(moved[1]).toBeGreaterThan(188);
  await expected(FIRST.seed, moved);
  // Nothing moves without a button.
  await page.mouse.move(x + 0.8 * width, y + 0.8 * height);
  await expect(across).toHaveValue(String(moved[0]));

  await across.focus();
  await page.keyboard.press('ArrowRight');
  await expected(FIRST.seed, [moved[0] + 1, moved[1]]);

  await page.getByRole('button', { name: 'Other weights' }).click();
  await expect.poll(() => page.url()).toMatch(/learn=\d+%7E|learn=\d+~/);
  const lesson = readLesson(new URLSearchParams(new URL(page.url()).hash.slice(1)).get('learn'));
  expect(lesson.seed).not.toBe(FIRST.seed);
  await expected(lesson.seed, lesson.image);
  // A link brings it all back.
  await page.reload();
  await expected(lesson.seed, lesson.image);
});

test('p is turned down, and the distance can move by more than the pixels', async ({ page }) => {
  await page.goto('./#v=1&view=learn');
  await expect(page.getByTestId('distance')).toHaveText('64');
  await expect(page.getByText('cannot move by more than 20')).toBeVisible();
  await page.getByRole('slider', { name: 'p = ∞' }).focus();
  await page.keyboard.press('Home');
  await expect(page.getByTestId('distance')).toHaveText('77.7');
  await expect(page.getByText('At p = 2 it could move by up to 28.3')).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 360]) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height: 800 } });

      test(`axe finds no violation in Learn, ${colorScheme}, ${width} px`, async ({ page }) => {
        await page.goto('./#v=1&view=learn');
        await expect(page.getByTestId('toy-claim')).toBeVisible();
        expect(await violations(page)).toEqual([]);
        await page.getByRole('button', { name: 'ordinary net' }).click();
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
        await page.screenshot({
          path: `tests/e2e/artifacts/screenshots/${width}-${colorScheme}-learn.png`,
          fullPage: true,
        });
      });
    });
  }
}
