/** The choice among the networks that the page was built with. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { SEVEN, claim, draw, expect, expectLabel, open, test } from './page.ts';

const FOLDER = join(import.meta.dirname, '../../www/public/models');
const ENDING = '.safetensors';
const DEFAULT = 'mnist-eps0.3';

/** The shipped networks with what their files say of themselves. */
const NETWORKS = readdirSync(FOLDER)
  .filter((file) => file.endsWith(ENDING))
  .map((file) => {
    const raw = readFileSync(join(FOLDER, file));
    const header = raw.subarray(8, 8 + Number(raw.readBigUInt64LE(0))).toString();
    const { __metadata__: metadata } = JSON.parse(header) as {
      __metadata__: { dataset: string; epsilon: string };
    };
    return { name: file.slice(0, -ENDING.length), ...metadata };
  });
const FASHION = NETWORKS.find(({ dataset }) => dataset === 'fashion-mnist');

const chooser = (page: Page) => page.getByRole('combobox', { name: 'network' });
const hash = (page: Page) => new URL(page.url()).hash;

test('every shipped network can be chosen, answers, and stands in the link', async ({ page }) => {
  await open(page);
  await expect(chooser(page).locator('option')).toHaveCount(NETWORKS.length);
  await draw(page, SEVEN);
  for (const { name, epsilon } of NETWORKS) {
    await chooser(page).selectOption(name);
    await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^(\w.*|=)$/);
    await expect(page.getByRole('slider')).toHaveValue(String(Math.round(200 * Number(epsilon))));
    const model = name === DEFAULT ? '' : `model=${name}&`;
    await expect.poll(() => hash(page)).toMatch(new RegExp(`^#v=2&${model}ink=`));
    const said = await page.getByTestId('claim').innerText();
    await page.reload();
    await expect(chooser(page)).toHaveValue(name);
    await expect.poll(() => page.getByTestId('claim').innerText(), { timeout: 20_000 }).toBe(said);
  }
});

test('a link to a network that is not here says so, and the default answers', async ({ page }) => {
  await open(page, '#v=1&model=nothing&digit=0');
  await expect(page.getByTestId('notice')).toContainText('“nothing”');
  await expect(page.getByTestId('claim').locator('.label')).toHaveText('7');

  const copy = await page.context().newPage();
  await open(copy, '#v=1&model=own&digit=0');
  await expect(copy.getByTestId('notice')).not.toBeEmpty();
  await expect(copy.getByTestId('claim').locator('.label')).toHaveText('7');
  expect((await claim(copy)).radius).toBeGreaterThan(0);

  // What is said of a link is not said of what is chosen afterwards.
  await chooser(copy).selectOption('mnist-eps0.1');
  await expect(copy.getByTestId('notice')).toBeEmpty();
});

if (FASHION) {
  test('a network for Fashion-MNIST names clothes, offers its own test images, and is attacked alone', async ({
    page,
  }) => {
    test.slow();
    await open(page, '#v=1&digit=0');
    await expect(page.getByTestId('claim').locator('.label')).toHaveText('7');
    await chooser(page).selectOption(FASHION.name);
    // Number 0 of the other test set is another image.
    await expectLabel(page, null);
    const boot = page.getByRole('button', { name: 'Test image 0, labelled Ankle boot' });
    await boot.click();
    await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[A-Z][a-z-]+/);
    await expect(page.getByTestId('row-9')).toContainText('Ankle boot');
    expect(await violations(page)).toEqual([]);

    await page.getByRole('link', { name: 'Attack' }).click();
    await expect(page.getByTestId('alone')).toBeVisible();
    await expect(page.getByTestId('theirs')).toHaveCount(0);
    const attack = page.locator('button[data-attack=fgsm]');
    await expect(attack).toBeEnabled({ timeout: 60_000 });
    await attack.click();
    const verdict = page.getByTestId('ours').getByTestId('verdict');
    await expect(verdict).toHaveAttribute('data-queries', /^[1-9]/, { timeout: 60_000 });
    expect(await violations(page)).toEqual([]);
  });
}
