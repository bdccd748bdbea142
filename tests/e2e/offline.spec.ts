/** After one visit the page opens without a network. */
import { SEVEN, draw, expect, open, test } from './page.ts';

test.use({ serviceWorkers: 'allow', expectedErrors: [/Failed to load resource/] });

test('the page opens offline after one visit, and Draw works', async ({ page, context }) => {
  await open(page);
  // The page waits for its first answer before it is kept.
  await expect
    .poll(
      () =>
        page.evaluate(async () => {
          const kept = await (await caches.open('linf-dist-net')).keys();
          return kept.some(({ url }) => url.endsWith('.gz')) && kept.length >= 5;
        }),
      { timeout: 30_000 },
    )
    .toBe(true);
  await context.setOffline(true);
  await page.reload();
  await draw(page, SEVEN);
  await expect(page.getByTestId('claim').locator('.label')).toHaveText('7');
});
