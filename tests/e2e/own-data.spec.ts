/** A network of the visitor's own images: from a zip to the labels of new drawings. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Page } from '@playwright/test';
import { unzipSync } from 'fflate';
import { violations } from './axe.ts';
import { draw, expect, goTo, test, type Path } from './page.ts';

/** Circles, crosses and triangles, made by `examples/shapes.py`. */
const SHAPES = join(import.meta.dirname, '../../examples/shapes.zip');

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const panel = (page: Page) => page.getByTestId('own-images');

async function openTraining(page: Page, hyperparameters = 'look') {
  await page.goto(`./?device=cpu#v=1&view=train&train=${hyperparameters}`);
  await expect(button(page, 'Train')).toBeEnabled({ timeout: 45_000 });
}

interface Given {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

const file = (name: string, contents: Buffer | string): Given => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(contents),
});

const give = (page: Page, files: Given[]) =>
  page.getByLabel('Files of images').setInputFiles(files);

/** A circle, a cross and a triangle, as nobody has drawn them for the zip. */
const DRAWINGS: Record<string, Path[]> = {
  circle: [
    Array.from({ length: 25 }, (_, at) => {
      const turn = (2 * Math.PI * at) / 24;
      return [0.5 + 0.3 * Math.sin(turn), 0.48 - 0.27 * Math.cos(turn)] as const;
    }),
  ],
  cross: [
    [
      [0.24, 0.2],
      [0.77, 0.78],
    ],
    [
      [0.79, 0.24],
      [0.22, 0.8],
    ],
  ],
  triangle: [
    [
      [0.52, 0.2],
      [0.8, 0.76],
      [0.2, 0.74],
      [0.52, 0.2],
    ],
  ],
};

test('a zip of three classes trains to a network that labels new drawings of them', async ({
  page,
}) => {
  test.setTimeout(300_000);
  await openTraining(page);
  await give(page, [file('shapes.zip', readFileSync(SHAPES))]);
  await expect(panel(page)).toHaveAttribute('data-images', '240', { timeout: 20_000 });
  const names = panel(page).getByRole('textbox');
  await expect(names).toHaveCount(3);
  await expect(names.nth(1)).toHaveValue('cross');
  await expect(page.getByRole('img', { name: 'Images of class cross' })).toHaveAttribute(
    'data-images',
    '20',
  );
  expect(await violations(page)).toEqual([]);

  // A name is the visitor's; two classes cannot have the same.
  await names.nth(1).fill('circle');
  await names.nth(1).press('Enter');
  await expect(names.nth(1)).toHaveValue('cross');
  await names.nth(1).fill('times');
  await names.nth(1).press('Enter');
  await expect(names.nth(1)).toHaveValue('times');

  // The presets are fitted to so few images.
  await expect(page.getByTestId('time-look')).toHaveAttribute('data-seconds', /^\d/);
  await button(page, 'Train').click();
  await expect(page.getByTestId('state')).toHaveAttribute('data-phase', 'done', {
    timeout: 120_000,
  });
  const title = page.getByTestId('train-title');
  await expect(title).toHaveAttribute('data-images', '39');
  expect(Number(await title.getAttribute('data-clean'))).toBeGreaterThan(0.9);

  await button(page, 'Use this network').click();
  await page.getByRole('link', { name: 'Draw on it' }).click();
  for (const [name, strokes] of Object.entries(DRAWINGS)) {
    await draw(page, strokes);
    const called = name === 'cross' ? 'times' : name;
    await expect(page.getByTestId('claim').locator('.label')).toHaveText(called);
    await button(page, 'Clear').click();
  }
  // The names are kept with the network.
  await page.reload();
  await draw(page, DRAWINGS['triangle'] ?? []);
  await expect(page.getByTestId('claim').locator('.label')).toHaveText('triangle');
});

test('a folder of class folders is picked, and a file of names beside an IDX pair', async ({
  page,
}, info) => {
  const folder = info.outputPath('shapes');
  for (const [name, bytes] of Object.entries(unzipSync(readFileSync(SHAPES)))) {
    if (name.endsWith('/')) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  await openTraining(page);
  await page.getByLabel('Folder of images').setInputFiles(folder);
  await expect(panel(page)).toHaveAttribute('data-images', '240', { timeout: 20_000 });
  const names = panel(page).getByRole('textbox');
  await expect(names).toHaveCount(3);
  await expect(names.nth(2)).toHaveValue('triangle');

  // As EMNIST's letters are shipped: labels from 1, whose characters another file names.
  const count = 40;
  const sizes = [count, 28, 28].flatMap((size) => [0, 0, 0, size]);
  const pixels = Array.from({ length: count * 784 }, (_, at) => (at * (1 + (at >> 10))) % 251);
  const labels = Array.from({ length: count }, (_, at) => 1 + (at % 2));
  await give(page, [
    file('emnist-letters-mapping.txt', '1 65 97\n2 66 98\n'),
    file('images-idx3-ubyte', Buffer.from([0, 0, 8, 3, ...sizes, ...pixels])),
    file('labels-idx1-ubyte', Buffer.from([0, 0, 8, 1, ...sizes.slice(0, 4), ...labels])),
  ]);
  await expect(panel(page)).toHaveAttribute('data-images', '40', { timeout: 20_000 });
  await expect(names).toHaveCount(2);
  await expect(names.first()).toHaveValue('Aa');
  await expect(page.getByTestId('problems')).toHaveCount(0);
});

test('a run on own images goes on after a reload', async ({ page }) => {
  test.setTimeout(120_000);
  await openTraining(page, 'look~epochs_growth:900');
  await give(page, [file('shapes.zip', readFileSync(SHAPES))]);
  await expect(panel(page)).toHaveAttribute('data-images', '240', { timeout: 20_000 });
  await button(page, 'Train').click();
  await expect
    .poll(async () => Number(await page.getByTestId('state').getAttribute('data-step')))
    .toBeGreaterThan(3);
  await button(page, 'Pause').click();
  await expect(page.getByTestId('kept')).toBeVisible();
  await page.reload();
  await button(page, 'Go on with it').click();
  await expect(page.getByTestId('state')).toHaveAttribute('data-phase', 'paused', {
    timeout: 30_000,
  });
  // The next one learns from MNIST again, and what is forgotten is gone with its images.
  const records = () =>
    page.evaluate(async () => {
      const opened = indexedDB.open('linf-dist-net');
      await new Promise((resolve) => (opened.onsuccess = resolve));
      const asked = opened.result.transaction('records').objectStore('records').getAllKeys();
      await new Promise((resolve) => (asked.onsuccess = resolve));
      opened.result.close();
      return asked.result.map((key) => String(key).replace(/:.*/, ''));
    });
  expect(await records()).toEqual(['images', 'run']);
  await button(page, 'Reset').click();
  await page.getByTestId('hyperparameters').click();
  await expect(page.getByLabel('Data set')).toHaveValue('mnist');
  await button(page, 'Forget it').click();
  await expect.poll(records).toEqual([]);
});

test('what cannot be used is named, and the rest is understood', async ({ page }) => {
  await openTraining(page);
  const row = (label: string, level: number) => `${label},${`${level},`.repeat(783)}${level}`;
  const rows = Array.from({ length: 40 }, (_, at) => row(at % 2 ? 'dog' : 'cat', at));
  const bad = ['cat,1,2,3', row('dog', 300)];
  await give(page, [file('pets.csv', [...rows, ...bad].join('\n'))]);
  const problems = page.getByTestId('problems');
  await expect(problems).toHaveAttribute('data-count', '2', { timeout: 20_000 });
  await expect(problems.getByRole('listitem').first()).toContainText('pets.csv, row 41,');
  await expect(panel(page)).toHaveAttribute('data-images', '40');
  expect(await violations(page)).toEqual([]);

  // What is no data set at all is said, and MNIST can be trained on as before.
  await give(page, [file('notes.txt', 'remember the milk')]);
  await expect(problems).toHaveAttribute('data-count', '1');
  await expect(panel(page)).not.toHaveAttribute('data-images');
  await expect(page.getByTestId('own-status')).not.toBeEmpty();
  await button(page, 'Leave them out').click();
  await expect(problems).toHaveCount(0);
  await expect(button(page, 'Train')).toBeEnabled();
  await goTo(page, 'Draw');
});

test('Train waits for images that are being read, and says so', async ({ page }) => {
  await openTraining(page);
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/import_bg*.wasm', async (route) => {
    await released;
    await route.continue();
  });
  await give(page, [file('shapes.zip', readFileSync(SHAPES))]);
  const state = page.getByTestId('state');
  await expect(state).toHaveAttribute('data-waits', 'true');
  for (const name of ['Train', 'One step']) {
    await expect(button(page, name)).toHaveAttribute('aria-disabled', 'true');
    await button(page, name).click({ force: true });
  }
  await expect(state).toHaveAttribute('data-phase', 'empty');
  expect(await violations(page)).toEqual([]);
  await page.screenshot({ path: 'tests/e2e/artifacts/screenshots/own-data-waits-1280.png' });
  release();
  await expect(panel(page)).toHaveAttribute('data-images', '240', { timeout: 20_000 });
  await expect(state).not.toHaveAttribute('data-waits');
  // What it learns from now are they, of which 39 are held out.
  await button(page, 'One step').click();
  await expect(page.getByTestId('train-title')).toHaveAttribute('data-images', '39', {
    timeout: 45_000,
  });
});

test('a drop on the panel is for the trainer alone, and is read once', async ({ page }) => {
  await openTraining(page);
  const transfer = await page.evaluateHandle(
    (data) => {
      const files = new DataTransfer();
      files.items.add(new File([Uint8Array.from(data)], 'shapes.zip'));
      return files;
    },
    [...readFileSync(SHAPES)],
  );
  await page.dispatchEvent('[data-testid=own-images]', 'drop', { dataTransfer: transfer });
  await expect(panel(page)).toHaveAttribute('data-images', '240', { timeout: 20_000 });
  await expect(page.getByTestId('notice')).toBeEmpty();
  // Beside the panel it is for the page: the images join those that are taught, the panel's stay.
  await page.dispatchEvent('[data-testid=train-title]', 'drop', { dataTransfer: transfer });
  await expect(page.getByTestId('notice')).not.toBeEmpty();
  await expect(panel(page)).toHaveAttribute('data-images', '240');
});
