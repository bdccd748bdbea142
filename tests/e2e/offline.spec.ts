/** After one visit the page opens without a network, and trains on the images it has fetched. */
import type { Page } from '@playwright/test';
import { SEVEN, draw, expect, open, test } from './page.ts';

test.use({ serviceWorkers: 'allow', expectedErrors: [/Failed to load resource/] });

/** Waits until files that match each pattern are kept; the page gives its first answer before. */
async function kept(page: Page, patterns: readonly RegExp[]) {
  await expect
    .poll(
      async () => {
        const urls = await page.evaluate(async () => {
          const requests = await (await caches.open('linf-dist-net')).keys();
          return requests.map(({ url }) => url);
        });
        return patterns.filter((pattern) => !urls.some((url) => pattern.test(url))).map(String);
      },
      { timeout: 30_000 },
    )
    .toEqual([]);
}

test('the page opens offline after one visit, and Draw works', async ({ page, context }) => {
  await open(page);
  await kept(page, [/\/$/, /index-.*\.js$/, /index-.*\.css$/, /certify_bg.*\.wasm$/, /\.gz$/]);
  await context.setOffline(true);
  await page.reload();
  await draw(page, SEVEN);
  await expect(page.getByTestId('claim').locator('.label')).toHaveText('7');
});

test('so does Train, on the shards that were fetched', async ({ page, context }) => {
  test.slow();
  await page.goto('./?device=cpu#v=1&view=train&train=tiny~images:64~batch:32~hidden:16');
  await page.getByRole('button', { name: 'One step' }).click({ timeout: 45_000 });
  const state = page.getByTestId('state');
  await expect(state).toHaveAttribute('data-phase', 'paused', { timeout: 45_000 });
  await page.getByRole('button', { name: 'Reset' }).click();
  await kept(page, [/\/$/, /Train-.*\.js$/, /worker-.*\.js$/, /train_bg.*\.wasm$/, /training\//]);
  await context.setOffline(true);
  await page.reload();
  await page.getByRole('button', { name: 'One step' }).click({ timeout: 45_000 });
  await expect(state).toHaveAttribute('data-phase', 'paused', { timeout: 45_000 });
  await expect(state).toContainText('Step 1 of');
});
