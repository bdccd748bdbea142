/** Images of the visitor's own in Measure and in Train: the same figures as the command line's, nothing stale. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { zipSync, type Zippable } from 'fflate';
import { violations } from './axe.ts';
import { expect, goTo, open, test } from './page.ts';
import { modelOfBias } from './tiny-model.ts';

const ROOT = join(import.meta.dirname, '../..');
const DRAWINGS = join(ROOT, 'examples/drawings');
/** Circles, crosses and triangles, made by `examples/shapes.py`. */
const SHAPES = join(ROOT, 'examples/shapes.zip');
/** A small network that has learned them. */
const LEARNED_SHAPES = join(ROOT, 'tests/shapes.safetensors');
/** What `linf eval --data` makes of them; `tests/cli/own_data.rs` compares with the same file. */
interface Figures {
  images: number;
  clean: number;
  certified_lipschitz: number;
  certified_ibp: number;
  images_csv: string;
}
const WRITTEN = JSON.parse(readFileSync(join(ROOT, 'tests/measured-own.json'), 'utf8')) as Record<
  'drawings' | 'held_out',
  Figures
>;

// One after the other: each of them wants all cores.
test.describe.configure({ mode: 'default' });

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const certify = (page: Page) => page.getByTestId('certify');
const row = (page: Page, set: string) => page.locator(`tr[data-split="${set}"]`);
const choice = (page: Page, set: string) => page.locator(`input[data-set="${set}"]`);
const file = (name: string, buffer: Buffer) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer,
});

/** The drawings of the examples, zipped in the order of their names. */
function zipOfDrawings(): Buffer {
  const files: Zippable = {};
  for (const label of readdirSync(DRAWINGS).sort()) {
    for (const name of readdirSync(join(DRAWINGS, label)).sort()) {
      files[`${label}/${name}`] = readFileSync(join(DRAWINGS, label, name));
    }
  }
  return Buffer.from(zipSync(files));
}

async function giveMine(page: Page, name: string, zip: Buffer, images: number) {
  await page.getByRole('button', { name: 'My images' }).click();
  await page.getByLabel('Files of images').setInputFiles(file(name, zip));
  await expect(page.getByTestId('my-count')).toHaveAttribute('data-count', String(images), {
    timeout: 20_000,
  });
}

async function measureMine(page: Page) {
  await goTo(page, 'Measure');
  await choice(page, 'mine').check();
  await choice(page, 'test').uncheck();
  await certify(page).click();
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

/** Expects what the command line measured at ε = 0.3, and its file of every image. */
async function expectFigures(page: Page, set: string, figures: Figures) {
  await expect(row(page, set)).toHaveAttribute('data-images', String(figures.images), {
    timeout: 60_000,
  });
  await page.getByRole('slider', { name: 'ε' }).fill('76.5');
  for (const [figure, share] of [
    ['clean', figures.clean],
    ['lipschitz', figures.certified_lipschitz],
    ['ibp', figures.certified_ibp],
  ] as const) {
    await expect(row(page, set).locator(`[data-figure=${figure}]`)).toHaveText(percent(share));
  }
  const wanted = page.waitForEvent('download');
  const exports = page.getByRole('group', { name: 'Save every image' });
  await exports.getByRole('button', { name: 'CSV' }).click();
  const csv = await readFile(await (await wanted).path());
  expect(createHash('sha256').update(csv).digest('hex')).toBe(figures.images_csv);
}

test('My images are measured to the figures and the file of the command line', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page);
  const { drawings } = WRITTEN;
  await giveMine(page, 'drawings.zip', zipOfDrawings(), drawings.images);
  await measureMine(page);
  await expectFigures(page, 'mine', drawings);
  // A handful of images is not the test set, and is not called so.
  await expect(row(page, 'test')).toHaveCount(0);
  await expect(page.getByTestId('measure-title')).not.toContainText('test');
  expect(await violations(page)).toEqual([]);

  // One of them opens in Draw as what it is, and the browser's button comes back.
  const first = page.locator('section[data-kind] li').first();
  await first.getByRole('button', { name: /in Draw/ }).click();
  await expect(page.getByTestId('picked')).toContainText('One of your images');
  await page.goBack();
  await expect(row(page, 'mine')).toHaveAttribute('data-images', String(drawings.images));
  await expect(page.getByTestId('set-changed')).toHaveCount(0);

  // An attacked sample of so few has an interval, which is wide.
  await page.getByTestId('attack').click();
  await expect(row(page, 'mine').locator('[data-figure=tried]')).toHaveAttribute(
    'data-images',
    String(drawings.images),
    { timeout: 90_000 },
  );
  await expect(row(page, 'mine').locator('[data-figure=tried]')).toContainText('95 % interval');
});

test('what was held out of the images of Train is measured to the same figures and file', async ({
  page,
}) => {
  test.setTimeout(120_000);
  await open(page);
  await button(page, 'Manage').click();
  await page.getByTestId('networks').getByLabel('Model file').setInputFiles(LEARNED_SHAPES);
  await expect(
    page.getByRole('combobox', { name: 'network' }).locator('option:checked'),
  ).toHaveText('shapes');
  // Before its images are open, nothing is held out of them.
  await goTo(page, 'Measure');
  await expect(choice(page, 'held-out')).toBeChecked();
  await expect(page.getByTestId('set-missing')).toBeVisible();
  await goTo(page, 'Train');
  const panel = page.getByTestId('own-images');
  await panel.getByLabel('Files of images').setInputFiles(SHAPES);
  await expect(panel).toHaveAttribute('data-images', '240', { timeout: 20_000 });
  await goTo(page, 'Measure');
  await expect(page.getByTestId('set-missing')).toHaveCount(0);
  await certify(page).click();
  await expectFigures(page, 'held-out', WRITTEN.held_out);

  // Split by another seed, some of them were learned.
  await goTo(page, 'Train');
  await panel.getByRole('spinbutton').fill('1');
  await panel.getByRole('spinbutton').press('Enter');
  await expect(panel.getByRole('spinbutton')).toBeEnabled();
  await goTo(page, 'Measure');
  await expect(page.getByTestId('set-missing')).toBeVisible();
  await expect(row(page, 'held-out')).toHaveCount(0);
});

test('a set that changes is measured anew, and says so', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page);
  await giveMine(page, 'drawings.zip', zipOfDrawings(), 5);
  await measureMine(page);
  await expect(row(page, 'mine')).toHaveAttribute('data-images', '5', { timeout: 60_000 });
  await goTo(page, 'Draw');
  const mine = page.getByTestId('my-images');
  await mine.getByRole('button').first().click();
  await button(page, 'Remove').click();
  await expect(page.getByTestId('my-count')).toHaveAttribute('data-count', '4');
  await goTo(page, 'Measure');
  await expect(page.getByTestId('set-changed')).toBeVisible();
  await expect(row(page, 'mine')).toHaveAttribute('data-images', '0');
  await certify(page).click();
  await expect(row(page, 'mine')).toHaveAttribute('data-images', '4', { timeout: 60_000 });
  await expect(page.getByTestId('set-changed')).toHaveCount(0);

  // Another label is another set, also of one image.
  await goTo(page, 'Draw');
  for (let left = 3; left > 0; left -= 1) {
    await mine.getByRole('button').first().click();
    await button(page, 'Remove').click();
    await expect(page.getByTestId('my-count')).toHaveAttribute('data-count', String(left));
  }
  await goTo(page, 'Measure');
  await certify(page).click();
  await expect(row(page, 'mine')).toHaveAttribute('data-images', '1', { timeout: 60_000 });
  const clean = await row(page, 'mine').locator('[data-figure=clean]').textContent();
  expect(['0.00 %', '100.00 %']).toContain(clean);
  await goTo(page, 'Draw');
  await mine.getByRole('button').first().click();
  const group = page.getByRole('group', { name: 'It is …' });
  await group.locator('button[aria-pressed=false]').first().click();
  await goTo(page, 'Measure');
  await expect(page.getByTestId('set-changed')).toBeVisible();
  await expect(row(page, 'mine')).toHaveAttribute('data-images', '0');
});

test('a link that names images that are not here says so', async ({ page }) => {
  for (const sets of ['mine', 'held-out', 'held-out mine']) {
    await page.goto('about:blank');
    await page.goto(`./#v=2&view=measure&measure=${encodeURIComponent(`mnist-eps0.3~${sets}~~`)}`);
    await expect(page.getByTestId('set-missing')).toHaveCount(sets.split(' ').length);
    for (const set of sets.split(' ')) await expect(choice(page, set)).toBeChecked();
    await expect(page.getByTestId('accuracies').locator('tbody tr')).toHaveCount(0);
  }
  expect(await violations(page)).toEqual([]);
});

test('My images train a network, which is measured on what was held out of them', async ({
  page,
}) => {
  test.setTimeout(300_000);
  await open(page);
  await button(page, 'Manage').click();
  const classes = ['circle', 'cross', 'triangle'];
  const shapes = modelOfBias([0, 32, 64], 0, {
    dataset: 'own-shapes',
    classes: JSON.stringify(classes),
  });
  await page
    .getByTestId('networks')
    .getByLabel('Model file')
    .setInputFiles(file('shapes.safetensors', shapes));
  await expect(
    page.getByRole('combobox', { name: 'network' }).locator('option:checked'),
  ).toHaveText('shapes');
  await giveMine(page, 'shapes.zip', readFileSync(SHAPES), 240);

  await page.goto('./?device=cpu#v=1&view=train&train=look');
  // Of the data set of the network in use.
  await page.getByRole('combobox', { name: 'network' }).selectOption({ label: 'shapes' });
  const panel = page.getByTestId('own-images');
  await page.getByTestId('take-mine').click();
  await expect(panel).toHaveAttribute('data-images', '240', { timeout: 20_000 });
  const names = panel.getByRole('textbox');
  await expect(names).toHaveCount(3);
  for (const [at, name] of classes.entries()) await expect(names.nth(at)).toHaveValue(name);
  expect(await violations(page)).toEqual([]);
  await expect(page.getByTestId('time-look')).toHaveAttribute('data-seconds', /^\d/);
  await button(page, 'Train').click();
  await expect(page.getByTestId('state')).toHaveAttribute('data-phase', 'done', {
    timeout: 120_000,
  });
  const title = page.getByTestId('train-title');
  await expect(title).toHaveAttribute('data-images', /^\d+$/);
  const images = (await title.getAttribute('data-images')) ?? '';
  await button(page, 'Use this network').click();
  await expect(page.getByRole('link', { name: 'Draw on it' })).toBeVisible();

  // What was held out is what is measured first.
  await goTo(page, 'Measure');
  await expect(choice(page, 'held-out')).toBeChecked();
  await choice(page, 'training').check();
  await certify(page).click();
  await expect(row(page, 'held-out')).toHaveAttribute('data-images', images, { timeout: 60_000 });
  const learned = String(240 - Number(images));
  await expect(row(page, 'training')).toHaveAttribute('data-images', learned, { timeout: 60_000 });
  const clean = await row(page, 'held-out').locator('[data-figure=clean]').textContent();
  expect(parseFloat(clean ?? '')).toBeGreaterThan(90);
  await expect(page.getByTestId('by-class')).toContainText('triangle');
  // The set of a series is chosen apart from its network.
  await page.getByRole('combobox', { name: 'Whose images' }).selectOption({ index: 1 });
  await expect(page.getByTestId('measure-title')).toHaveAttribute('data-images', learned);

  // Without the files nothing can be measured, and it is said.
  await expect.poll(() => decodeURIComponent(new URL(page.url()).hash)).toContain('~held-out');
  await page.reload();
  await expect(page.getByTestId('set-missing')).toHaveCount(1);
  for (const set of ['held-out', 'training']) await expect(choice(page, set)).toBeChecked();
});

test('without images of one’s own Train says where they come from', async ({ page }) => {
  await page.goto('./?device=cpu#v=1&view=train&train=look');
  await page.getByTestId('take-mine').click();
  await expect(page.getByTestId('own-status')).toContainText('Draw');
  await expect(page.getByTestId('own-images')).not.toHaveAttribute('data-images');
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height: 800 } });

      test(`My images in Measure and Train, ${colorScheme}, ${width} px`, async ({ page }) => {
        test.setTimeout(120_000);
        const shot = (name: string) =>
          page.screenshot({
            path: `tests/e2e/artifacts/screenshots/${width}-${colorScheme}-mine-${name}.png`,
            fullPage: true,
          });
        await open(page);
        await giveMine(page, 'drawings.zip', zipOfDrawings(), 5);
        await measureMine(page);
        await expect(row(page, 'mine')).toHaveAttribute('data-images', '5', { timeout: 60_000 });
        expect(await violations(page)).toEqual([]);
        await shot('measure');
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
        await goTo(page, 'Train');
        await page.getByTestId('take-mine').click();
        // Five images are too few to be trained on, and that is said.
        await expect(page.getByTestId('own-status')).toContainText('8', { timeout: 20_000 });
        expect(await violations(page)).toEqual([]);
        await shot('train');
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      });
    });
  }
}
