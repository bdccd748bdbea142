/** Attacks on our network on the GPU, for which Chromium has a program here. */
import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { expect, test } from './page.ts';

/** A program in the place of a GPU is slow where many tests share a machine. */
const PATIENCE = { timeout: 90_000 };

test.describe.configure({ timeout: 240_000 });

const ours = (page: Page) => page.getByTestId('ours');
const processor = (page: Page) => ours(page).getByTestId('processor');
const button = (page: Page, attack: string) => page.locator(`button[data-attack=${attack}]`);
const queries = async (page: Page) =>
  Number(await ours(page).getByTestId('verdict').getAttribute('data-queries'));

/** Opens the view and waits until both networks have answered and the adapter is known. */
async function open(page: Page, fields: string) {
  await page.goto(`./#v=2&view=attack&${fields}`);
  await expect(button(page, 'pgd')).toBeEnabled(PATIENCE);
  await expect(page.getByTestId('compute')).toHaveAttribute('data-adapter', 'software');
}

test('a software adapter is not taken unasked; asked for, it has the bits of the CPU', async ({
  page,
}) => {
  await open(page, 'digit=0&eps=50');
  await button(page, 'random').click();
  await expect(processor(page)).toHaveAttribute('data-kind', 'cpu', PATIENCE);
  await page.getByRole('button', { name: 'Stop' }).click();

  await page.getByTestId('compute').selectOption('gpu');
  await button(page, 'random').click();
  await expect(processor(page)).toHaveAttribute('data-kind', 'gpu', PATIENCE);
  // The first queries were made by both: the same count, smallest margin and image.
  const comparison = ours(page).getByTestId('comparison');
  await expect(comparison).toHaveAttribute('data-same', 'true');
  await expect.poll(() => queries(page), PATIENCE).toBeGreaterThan(2 * 1024);
  await expect(ours(page).getByTestId('verdict')).toHaveAttribute('data-outcome', 'proved');
  expect(await violations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(ours(page).getByTestId('verdict')).toHaveAttribute('aria-busy', 'false');
});

test('beyond the radius an attack on the GPU flips the label, and the CPU confirms it', async ({
  page,
}) => {
  await open(page, 'digit=0&eps=160&on=gpu');
  await expect(page.getByTestId('compute')).toHaveValue('gpu');
  await button(page, 'pgd').click();
  await expect(ours(page).getByTestId('verdict')).toHaveAttribute(
    'data-outcome',
    'flipped',
    PATIENCE,
  );
  await expect(processor(page)).toHaveAttribute('data-kind', 'gpu');
  await expect(ours(page).getByTestId('comparison')).toHaveAttribute('data-same', 'true');
  // The page that opens the link evaluates the image on the CPU.
  await page.getByRole('button', { name: 'Share' }).click();
  await expect(page).toHaveURL(/result=/);
  await page.reload();
  const verdict = ours(page).getByTestId('verdict');
  await expect(verdict).toHaveAttribute('data-outcome', 'flipped', PATIENCE);
  await expect(verdict).toHaveAttribute('data-queries', /^[1-9]/);
});

test('the same seed gives the same queries on the GPU', async ({ page }) => {
  await open(page, 'digit=0&eps=160&on=gpu');
  const found = async () => {
    await button(page, 'fgsm').click();
    await expect(processor(page)).toHaveAttribute('data-kind', 'gpu', PATIENCE);
    const verdict = ours(page).getByTestId('verdict');
    await expect(verdict).toHaveAttribute('aria-busy', 'false', PATIENCE);
    return [await verdict.textContent(), await queries(page)];
  };
  const first = await found();
  expect(await found()).toEqual(first);
});

test('an attack that goes step by step stays on the CPU, and the page says so', async ({
  page,
}) => {
  await open(page, 'digit=0&eps=50&on=gpu');
  await button(page, 'argmax_path').click();
  await expect(processor(page)).toHaveAttribute('data-kind', 'cpu', PATIENCE);
  await expect(processor(page)).not.toHaveText(/^\s*On the CPU\.\s*$/);
});

test.describe('without the program for the GPU', () => {
  test.use({ expectedErrors: [/Failed to load resource/] });
  test('the CPU makes the attack', async ({ page }) => {
    await page.route(/gpu_bg.*\.wasm/, (route) => route.abort());
    await open(page, 'digit=0&eps=50&on=gpu');
    await button(page, 'random').click();
    await expect(processor(page)).toHaveAttribute('data-kind', 'cpu', PATIENCE);
    await expect(ours(page).getByRole('alert')).toBeVisible();
    await expect.poll(() => queries(page), PATIENCE).toBeGreaterThan(0);
  });
});
