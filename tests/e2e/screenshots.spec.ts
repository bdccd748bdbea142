/** Pictures of the page for people to look at: two widths, light and dark. Nothing is compared. */
import { SEVEN, draw, expect, open, test } from './page.ts';

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [width, height] of [
    [1280, 800],
    [360, 740],
  ] as const) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height } });

      test(`screenshots, ${colorScheme}, ${width} px`, async ({ page }) => {
        test.setTimeout(180_000);
        const shot = (name: string, fullPage = false) =>
          page.screenshot({
            path: `tests/e2e/artifacts/screenshots/${width}-${colorScheme}-${name}.png`,
            fullPage,
          });
        await open(page);
        await shot('empty');
        await draw(page, SEVEN);
        await page.mouse.move(0, 0);
        await shot('drawn');
        await page.getByText('Why?').click();
        await shot('why', true);

        await page.getByRole('link', { name: 'Attack' }).click();
        const attack = page.locator('button[data-attack=pgd]');
        await expect(attack).toBeEnabled({ timeout: 60_000 });
        await attack.click();
        const outcome = (network: string) => page.getByTestId(network).getByTestId('verdict');
        await expect(outcome('theirs')).toHaveAttribute('data-outcome', 'flipped', {
          timeout: 60_000,
        });
        await expect(outcome('ours')).toHaveAttribute('data-outcome', 'proved', {
          timeout: 60_000,
        });
        await shot('attack', true);

        await page.getByRole('link', { name: 'About' }).click();
        await expect(page.getByTestId('version')).toBeVisible();
        await shot('about', true);
      });
    });
  }
}
