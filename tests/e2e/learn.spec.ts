/** The view that explains: its small networks by themselves, and what the page says of them. */
import type { Page } from '@playwright/test';
import { FIRST, formatLesson, parseLesson, type Lesson } from '../../www/src/codec/lesson.ts';
import {
  LABELS,
  LEVELS,
  TIE,
  distanceAtlas,
  type Image,
} from '../../www/src/views/learn/two-pixels.ts';
import { violations } from './axe.ts';
import { expect, test } from './page.ts';

/** The address of a lesson. */
const address = (lesson: Partial<Lesson> = {}) => {
  const learn = formatLesson({ ...FIRST, ...lesson });
  return `./#v=1&view=learn${learn ? `&learn=${learn}` : ''}`;
};

/** The page says of an image what its network does. */
async function isSaid(page: Page, seed: number, image: Image) {
  const atlas = distanceAtlas(seed);
  const [label, radius] = [LABELS[atlas.label(image)], atlas.intervals(image) ?? 0];
  const claim = page.getByTestId('toy-claim');
  if (label) {
    await expect(claim).toHaveAttribute('data-label', label);
    await expect(claim).toHaveAttribute('data-radius', String(radius));
    await expect(claim).toContainText(label);
    if (radius > 0) await expect(claim).toContainText(new RegExp(`\\b${radius} levels?\\b`));
    else await expect(claim).not.toContainText(/\d/);
  } else {
    await expect(claim).not.toHaveAttribute('data-label');
  }
  const check = page.getByTestId('toy-check');
  if (label && radius > 0) await expect(check).toHaveAttribute('data-others', '0');
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
  await expect(page.getByTestId('spoken')).toContainText(/^([ABC]|Tie), /);

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
  await page.getByRole('button', { name: 'baseline net' }).click();
  await page.getByRole('button', { name: 'Other weights' }).click();
  const lesson = () =>
    parseLesson(new URLSearchParams(new URL(page.url()).hash.slice(1)).get('learn') ?? '') ?? FIRST;
  await expect.poll(() => lesson().seed).not.toBe(FIRST.seed);
  const { seed, image } = lesson();
  await test.step(`seed ${seed}`, () => isSaid(page, seed, image));
  await page.reload();
  await isSaid(page, seed, image);
  await expect(page.getByRole('button', { name: 'baseline net' })).toHaveAttribute(
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
  await expect(page.getByTestId('moves')).toContainText(/\b20\b/);
  await page.locator('#norm').focus();
  await page.keyboard.press('Home');
  await expect(page.getByTestId('distance')).toHaveText('77.7');
  await expect(page.getByTestId('moves')).toContainText('28.3');
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
        await page.getByRole('button', { name: 'baseline net' }).click();
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
