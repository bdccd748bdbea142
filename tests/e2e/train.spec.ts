/** Training in the tab, on the processor: a run is watched, interrupted, kept, and drawn on. */
import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { SEVEN, claim, draw, expect, test } from './page.ts';
import { violations } from './axe.ts';

/** A small network at a fixed p: its loss falls within seconds. */
const FIXED =
  'tiny~images:1920~batch:32~hidden:64x32~epochs_start:4~epochs_growth:0~epochs_inf:0~p_end:8';
const STEPS = 240;

async function openTraining(page: Page, knobs: string) {
  await page.goto(`./?device=cpu#v=1&view=train&train=${knobs}`);
  await expect(page.getByRole('button', { name: 'Train', exact: true })).toBeEnabled({
    timeout: 30_000,
  });
}

const state = (page: Page) => page.getByTestId('state');

async function reach(page: Page, phase: string, timeout = 60_000) {
  await expect(state(page)).toHaveAttribute('data-phase', phase, { timeout });
}

/** The step that the page says it has reached. */
async function stepOf(page: Page): Promise<number> {
  const text = /Step ([\d,]+) of/.exec(await state(page).innerText())?.[1] ?? '';
  return Number(text.replaceAll(',', ''));
}

test('a run learns, is paused, survives a reload, and ends', async ({ page }) => {
  test.slow();
  await openTraining(page, FIXED);
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await reach(page, 'running');
  await expect.poll(() => stepOf(page)).toBeGreaterThan(10);
  await page.getByRole('button', { name: 'Pause' }).click();
  await reach(page, 'paused');
  const paused = await stepOf(page);
  expect(paused).toBeLessThan(STEPS);
  await page.getByRole('button', { name: 'One step' }).click();
  await expect.poll(() => stepOf(page)).toBe(paused + 1);
  const kept = paused + 1;
  await expect(page.getByText(`Kept in this browser at step ${kept}.`)).toBeVisible();

  await page.reload();
  await expect(page.getByTestId('offer')).toContainText(`stopped at step ${kept}`);
  await page.getByRole('button', { name: 'Go on with it' }).click();
  await reach(page, 'paused');
  expect(await stepOf(page)).toBe(kept);
  await page.getByText('Knobs', { exact: true }).click();
  await page.getByLabel('ε measured').fill('0.05');
  await page.getByLabel('ε measured').press('Enter');
  await page.getByRole('button', { name: 'Resume' }).click();
  await reach(page, 'done');
  expect(await stepOf(page)).toBe(STEPS);

  const said = await page.getByText(/mean of the first 20 steps/).innerText();
  const [first, last] = [...said.matchAll(/\d\.\d+/g)].map(Number);
  expect(last).toBeLessThan(0.7 * (first ?? NaN));
  await expect(page.getByText(/proved at ε = 0\.05: .* of 5,000 images/)).toBeVisible();
});

test('a run is saved to a file, loaded again, and drawn on', async ({ page }) => {
  test.slow();
  await openTraining(page, FIXED);
  await page.getByRole('button', { name: 'One step' }).click();
  await reach(page, 'paused');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save to a file' }).click();
  const path = await (await download).path();
  expect((await readFile(path)).toString('latin1')).toContain('linf-dist-net checkpoint');

  await page.getByRole('button', { name: 'Reset' }).click();
  await reach(page, 'empty');
  await page.getByLabel('Checkpoint file').setInputFiles(path);
  await reach(page, 'paused');
  expect(await stepOf(page)).toBe(1);

  await page.getByRole('button', { name: 'Use this network' }).click();
  await expect(page.getByTestId('note')).toContainText('runs on this network');
  await page.getByRole('link', { name: 'Draw' }).click();
  await draw(page, SEVEN);
  await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[\d=]$/);
  const own = await claim(page);
  await page.getByRole('button', { name: /shipped network/ }).click();
  await expect.poll(() => claim(page)).not.toEqual(own);
  expect((await claim(page)).label).toBe(7);
});

test.describe('when something breaks', () => {
  test.use({ expectedErrors: [/Failed to load resource/] });

  test('a damaged checkpoint is refused in a sentence', async ({ page }) => {
    await openTraining(page, FIXED);
    await page.getByLabel('Checkpoint file').setInputFiles({
      name: 'checkpoint.safetensors',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from('this is a text'),
    });
    await expect(page.getByRole('alert')).toContainText('not a complete checkpoint file');
    await reach(page, 'empty');
  });

  test('images that do not come are named, and a second try works', async ({ page }) => {
    await page.route('**/training/**', (route) => route.abort());
    await openTraining(page, FIXED);
    await page.getByRole('button', { name: 'One step' }).click();
    await expect(page.getByRole('alert')).toContainText('to load the training images');
    await page.unroute('**/training/**');
    await page.getByRole('button', { name: 'One step' }).click();
    await reach(page, 'paused');
  });

  test('a program that does not load is named, and a second try works', async ({ page }) => {
    await page.route('**/train_bg*.wasm', (route) => route.abort());
    await page.goto(`./?device=cpu#v=1&view=train&train=${FIXED}`);
    await expect(page.getByRole('alert')).toContainText('training program did not load');
    await page.unroute('**/train_bg*.wasm');
    await page.getByRole('button', { name: 'Start the program again' }).click();
    await reach(page, 'empty');
  });
});

test('a link brings the knobs that differ, and keeps those that are turned', async ({ page }) => {
  await openTraining(page, 'look~seed:5~hidden:20x30');
  await page.getByText('Knobs', { exact: true }).click();
  await expect(page.getByLabel('Seed')).toHaveValue('5');
  await expect(page.getByLabel('Hidden layers')).toHaveValue('20, 30');
  await page.getByLabel('Batch').fill('100');
  await page.getByLabel('Batch').press('Enter');
  await expect(page).toHaveURL(/train=look%7Ehidden%3A20x30%7Ebatch%3A100%7Eseed%3A5/);
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 360]) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height: 800 } });

      test(`axe finds no violation in Train, ${colorScheme}, ${width} px`, async ({ page }) => {
        test.slow();
        await openTraining(page, FIXED);
        await page.getByText('Knobs', { exact: true }).click();
        expect(await violations(page)).toEqual([]);
        const shot = (name: string) =>
          page.screenshot({
            path: `tests/e2e/artifacts/screenshots/${width}-${colorScheme}-train-${name}.png`,
            fullPage: true,
          });
        await shot('empty');
        await page.getByText('Knobs', { exact: true }).click();
        await page.getByRole('button', { name: 'Train', exact: true }).click();
        await reach(page, 'done');
        await expect(page.getByText(/of 5,000 images/)).toBeVisible();
        expect(await violations(page)).toEqual([]);
        await shot('done');
      });
    });
  }
}
