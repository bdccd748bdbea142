/** The way out of the page: what it is, and how to check it without it. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { violations } from './axe.ts';
import { expect, goTo, open, test } from './page.ts';

const ROOT = join(import.meta.dirname, '../..');

test('About has the version, the source, the licences and the model in use', async ({ page }) => {
  await open(page);
  await goTo(page, 'About');
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  await expect(page.getByTestId('version')).toHaveText(version);
  const wanted = page.waitForEvent('download');
  await page.getByRole('button', { name: /Download the model/ }).click();
  const download = await wanted;
  expect(download.suggestedFilename()).toBe('mnist-eps0.3.safetensors');
  const digest = (file: Buffer) => createHash('sha256').update(file).digest('hex');
  const shipped = await readFile(join(ROOT, 'www/public/models/mnist-eps0.3.safetensors'));
  expect(digest(await readFile(await download.path()))).toBe(digest(shipped));
  await expect(page.locator('main')).toContainText(digest(shipped).slice(0, 16));
  // What it tells to run is there.
  for (const command of await page.locator('code').allInnerTexts()) {
    const [script] = /(scripts|tools)\/[\w.]+/.exec(command) ?? [];
    if (script) expect(existsSync(join(ROOT, script)), script).toBe(true);
  }
});

test('a link to the page is previewed with title, description and picture', async ({ page }) => {
  await open(page);
  const meta = (property: string) =>
    page.locator(`meta[property="${property}"]`).getAttribute('content');
  expect(await meta('og:title')).toBeTruthy();
  expect(await meta('og:description')).toBeTruthy();
  const picture = await page.request.get((await meta('og:image')) ?? '');
  expect(picture.headers()['content-type']).toBe('image/png');
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 360]) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height: 800 } });

      test(`axe finds no violation in About, ${colorScheme}, ${width} px`, async ({ page }) => {
        await page.goto('./#v=2&view=about');
        await expect(page.getByRole('button', { name: /Download the model/ })).toBeVisible();
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      });
    });
  }
}
