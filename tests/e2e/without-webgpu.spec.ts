/** Training in a browser that has no WebGPU. */
import { violations } from './axe.ts';
import { expect, test } from './page.ts';

// Without the flag that has a program imitate the GPU.
test.use({
  launchOptions: async ({ launchOptions }, use) => {
    const args = launchOptions.args?.filter((flag) => flag !== '--enable-unsafe-webgpu') ?? [];
    await use({ ...launchOptions, args });
  },
});

const train = (device: string) => `./?device=${device}#v=1&view=train&train=tiny`;

test('the CPU is taken, and the page says why', async ({ page }) => {
  await page.goto(train('auto'));
  await expect(page.getByTestId('device')).toHaveAttribute('data-kind', 'cpu');
  await expect(page.getByTestId('device')).toContainText('no GPU was found');
});

test('a GPU that is asked for in vain is explained, and the CPU offered', async ({ page }) => {
  await page.goto(train('webgpu'));
  await expect(page.getByRole('alert')).toContainText('no GPU was found');
  expect(await violations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Use the CPU' }).click();
  await expect(page.getByTestId('state')).toHaveAttribute('data-phase', 'empty');
  await expect(page.getByTestId('device')).toHaveAttribute('data-kind', 'cpu');
  await page.getByRole('button', { name: 'One step' }).click();
  await expect(page.getByTestId('state')).toHaveAttribute('data-phase', 'paused');
});

test('an insecure origin is named as the cause, for the GPU and for the clipboard', async ({
  page,
}) => {
  await page.addInitScript(() => {
    // What browsers withhold there.
    Object.defineProperty(window, 'isSecureContext', { get: () => false });
    Reflect.deleteProperty(Navigator.prototype, 'clipboard');
  });
  await page.goto(train('auto'));
  const device = page.getByTestId('device');
  await expect(device).toContainText('HTTPS');
  await expect(device).not.toContainText('no GPU was found');
  await page.getByRole('button', { name: 'Share these hyperparameters' }).click();
  await expect(page.getByTestId('note')).toContainText('HTTPS');
});
