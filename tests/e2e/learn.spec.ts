/** The view that explains: its small networks by themselves, and what the page says of them. */
import type { Page } from '@playwright/test';
import { FIRST, readLesson, writeLesson, type Lesson } from '../../www/src/codec/lesson.ts';
import { letters } from '../../www/src/views/learn/letters.ts';
import { NORMS, norm, outline, range, slopes, steepest } from '../../www/src/views/learn/neuron.ts';
import {
  LABELS,
  LEVELS,
  TIE,
  box,
  distanceAtlas,
  ordinaryAtlas,
  type Image,
} from '../../www/src/views/learn/two-pixels.ts';
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

test('of an ordinary network the same proves nothing', () => {
  for (const seed of SEEDS) {
    const atlas = ordinaryAtlas(seed);
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
  for (const make of [distanceAtlas, ordinaryAtlas]) {
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

test('a letter stands in the middle of a square of its label, and each label has one', () => {
  for (const atlas of [distanceAtlas(FIRST.seed), ordinaryAtlas(FIRST.seed)]) {
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
  expect(slopes([0, 0], Infinity)).toEqual([1, 1]);
  expect(slopes([7, 7], Infinity)).toEqual([1, 1]);
});

test('a lesson comes back from a link, and what makes no sense is as at first', () => {
  expect(writeLesson(FIRST)).toBeNull();
  expect(readLesson(null)).toEqual(FIRST);
  for (const p of NORMS) {
    const lesson: Lesson = { seed: 2 ** 32 - 1, image: [0, 255], p, shown: 'theirs' };
    expect(readLesson(writeLesson(lesson))).toEqual(lesson);
  }
  for (const text of [
    ...['', '1~2', '1~2~3~8', '1~2~3~8~ours~4', '-1~0~0~8~ours', '1~256~0~8~ours'],
    ...['1~0~256~8~ours', '4294967296~0~0~8~ours', '1~0~0~9~ours', '1~0~0~8~his'],
  ]) {
    expect(readLesson(text)).toEqual(FIRST);
  }
});

/** The address of a lesson. */
const address = (lesson: Partial<Lesson> = {}) => {
  const learn = writeLesson({ ...FIRST, ...lesson });
  return `./#v=1&view=learn${learn ? `&learn=${learn}` : ''}`;
};

/** The page says of an image what its network does. */
async function isSaid(page: Page, seed: number, image: Image) {
  const atlas = distanceAtlas(seed);
  const [label, radius] = [LABELS[atlas.label(image)], atlas.intervals(image) ?? 0];
  const levels = radius === 1 ? 'level' : 'levels';
  const said = !label
    ? 'no label: the highest scores are equal.'
    : radius > 0
      ? `${label} – no change of up to ${radius} ${levels} per pixel can flip it.`
      : `${label} – not proved for any change.`;
  await expect(page.getByTestId('toy-claim')).toHaveText(said);
  const check = page.getByTestId('toy-check');
  if (label && radius > 0) await expect(check).toContainText(', 0 do not have that label.');
  else await expect(check).toHaveCount(0);
}

test('the image is moved by pointer and by keyboard, and what is proved of it moves along', async ({
  page,
}) => {
  await page.goto(address());
  await isSaid(page, FIRST.seed, FIRST.image);

  const plane = page.getByRole('img', { name: /The labels that the ℓ∞-dist net gives/ });
  const across = page.locator('#map-0');
  const up = page.locator('#map-1');
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
  await expect(up).toHaveValue(/^19[0-3]$/);
  const moved: Image = [Number(await across.inputValue()), Number(await up.inputValue())];
  await isSaid(page, FIRST.seed, moved);
  // Nothing moves without the first button.
  await page.mouse.move(x + 0.8 * width, y + 0.8 * height);
  await page.mouse.click(x + 0.7 * width, y + 0.7 * height, { button: 'right' });
  await expect(across).toHaveValue(String(moved[0]));

  await across.focus();
  await page.keyboard.press('ArrowRight');
  await isSaid(page, FIRST.seed, [moved[0] + 1, moved[1]]);
  await expect(page.getByTestId('spoken')).toContainText(/^[ABC], (no change|not proved)|^Tie, /);

  const chart = page.getByRole('img', { name: /The scores of the ℓ∞-dist net/ });
  await chart.scrollIntoViewIfNeeded();
  const line = (await chart.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  await page.mouse.click(line.x + line.width / 2, line.y + line.height / 2);
  await expect(across).toHaveValue(/^1[23]\d$/);
  await isSaid(page, FIRST.seed, [Number(await across.inputValue()), moved[1]]);
});

test('other weights get a proof of their own, and a link brings them back', async ({ page }) => {
  await page.goto(address());
  await isSaid(page, FIRST.seed, FIRST.image);
  await page.getByRole('button', { name: 'ordinary net' }).click();
  await page.getByRole('button', { name: 'Other weights' }).click();
  const lesson = () =>
    readLesson(new URLSearchParams(new URL(page.url()).hash.slice(1)).get('learn'));
  await expect.poll(() => lesson().seed).not.toBe(FIRST.seed);
  const { seed, image } = lesson();
  await test.step(`seed ${seed}`, () => isSaid(page, seed, image));
  await page.reload();
  await isSaid(page, seed, image);
  await expect(page.getByRole('button', { name: 'ordinary net' })).toHaveAttribute(
    'aria-pressed',
    'true',
  );
});

test('a tie has no label, and a lead of a level or two proves nothing', async ({ page }) => {
  const atlas = distanceAtlas(FIRST.seed);
  const find = (wanted: (image: Image) => boolean) => {
    for (let y = 0; y < LEVELS; y += 1) {
      for (let x = 0; x < LEVELS; x += 1) if (wanted([x, y])) return [x, y] as const;
    }
    throw new Error('there is no such image');
  };
  for (const image of [
    find((image) => atlas.label(image) === TIE),
    find((image) => atlas.intervals(image) === 0),
    find((image) => atlas.intervals(image) === 1),
  ]) {
    await page.goto(address({ image }));
    await isSaid(page, FIRST.seed, image);
  }
});

test('p is turned down, and the distance can move by more than the pixels', async ({ page }) => {
  await page.goto(address());
  await expect(page.getByTestId('distance')).toHaveText('64');
  await expect(page.getByText('cannot move by more than 20')).toBeVisible();
  await page.locator('#norm').focus();
  await page.keyboard.press('Home');
  await expect(page.getByTestId('distance')).toHaveText('77.7');
  await expect(page.getByText('At p = 2 it could move by up to 28.3')).toBeVisible();
  await page.goto(address({ p: 8 }));
  await expect(page.getByTestId('distance')).toHaveText('64.4');
});

test('without a place the charts wait, and are drawn when there is one', async ({ page }) => {
  await page.goto(address());
  const chart = page.getByRole('img', { name: 'The scores of the', includeHidden: true });
  await expect(chart).toBeVisible();
  const views = page.locator('main');
  await views.evaluate((element) => (element.style.display = 'none'));
  await expect(chart).toHaveAttribute('viewBox', /^0 0 160 /);
  await views.evaluate((element) => (element.style.display = ''));
  await expect(chart).not.toHaveAttribute('viewBox', /^0 0 160 /);
  await expect(chart).toBeVisible();
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
