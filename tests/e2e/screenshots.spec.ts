/** Pictures of the page for people to look at: two widths, light and dark. Nothing is compared. */
import { SEVEN, draw, open, test } from './page.ts';

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [width, height] of [
    [1280, 800],
    [360, 740],
  ] as const) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height } });

      test(`screenshots, ${colorScheme}, ${width} px`, async ({ page }) => {
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
      });
    });
  }
}
