/** axe finds nothing wrong, in either colour scheme, empty or full, wide or narrow. */
import { violations } from './axe.ts';
import { SEVEN, draw, expect, open, setEpsilon, test } from './page.ts';

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 360]) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height: 800 } });

      test(`axe finds no violation, ${colorScheme}, ${width} px`, async ({ page }) => {
        await open(page);
        expect(await violations(page)).toEqual([]);
        await draw(page, SEVEN);
        await page.getByText('Why?').click();
        expect(await violations(page)).toEqual([]);
        await setEpsilon(page, 255);
        await page.getByTestId('pad').focus();
        await page.keyboard.press('ArrowDown');
        expect(await violations(page)).toEqual([]);
      });

      test(`axe finds no violation in Attack, ${colorScheme}, ${width} px`, async ({ page }) => {
        test.setTimeout(120_000);
        await page.goto('./#v=1&view=attack');
        await expect(page.locator('button[data-attack=pgd]')).toBeVisible();
        expect(await violations(page)).toEqual([]);
        await page.getByRole('button', { name: 'Test image 0, labelled 7' }).click();
        const attack = page.locator('button[data-attack=fgsm]');
        await expect(attack).toBeEnabled({ timeout: 60_000 });
        await attack.click();
        await expect(page.getByTestId('theirs').getByTestId('verdict')).toHaveAttribute(
          'data-outcome',
          'flipped',
          { timeout: 60_000 },
        );
        expect(await violations(page)).toEqual([]);
        await page.getByRole('button', { name: 'Paint' }).click();
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      });
    });
  }
}

test.describe('without a network', () => {
  test.use({ expectedErrors: [/Failed to load resource/] });

  test('axe finds no violation in the message of a failed download', async ({ page }) => {
    await page.route('**/models/**', (route) => route.abort());
    await page.goto('./');
    await expect(page.getByRole('alert')).toBeVisible();
    expect(await violations(page)).toEqual([]);
  });
});
