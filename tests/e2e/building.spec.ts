/** The page as it is served while its later programs are still being built. */
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { violations } from './axe.ts';
import { DistServer } from './dist-server.ts';
import { SEVEN, draw, expect, expectLabel, goTo, test } from './page.ts';

const ROOT = join(import.meta.dirname, '../..');
test.use({ expectedErrors: [/Failed to load resource/] });

test('a part whose program is missing says so, and appears when it is there', async ({ page }) => {
  test.setTimeout(300_000);
  // A copy of the clone in which only the first module has been built.
  const clone = await mkdtemp(join(tmpdir(), 'linf-page-'));
  const files = ['www', 'index.html', 'vite.config.ts', 'svelte.config.js', 'package.json', 'docs'];
  for (const file of files) await cp(join(ROOT, file), join(clone, file), { recursive: true });
  for (const file of ['node_modules', 'data', 'src']) {
    await symlink(join(ROOT, file), join(clone, file));
  }
  await cp(join(ROOT, 'pkg/certify'), join(clone, 'pkg/certify'), { recursive: true });
  const buildPage = async () => {
    const before = process.cwd();
    process.chdir(clone);
    try {
      await build({ root: clone, logLevel: 'error', build: { emptyOutDir: false } });
    } finally {
      process.chdir(before);
    }
  };
  const give = async (...names: string[]) => {
    for (const name of names) {
      await cp(join(ROOT, 'pkg', name), join(clone, 'pkg', name), { recursive: true });
    }
    await buildPage();
  };
  const building = (program: string) =>
    page.locator(`[data-testid=building][data-program=${program}]`);
  const server = new DistServer(join(clone, 'dist'));
  try {
    await buildPage();
    const address = await server.start();
    await page.goto(`${address}#v=2&digit=0`);
    await expectLabel(page, '7');

    await page.getByRole('button', { name: 'My images' }).click();
    await expect(building('teach')).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await goTo(page, 'Train');
    await expect(building('train')).toBeVisible();
    await goTo(page, 'Learn');
    await expect(building('train')).toBeVisible();
    await expect(page.getByTestId('toy-claim')).toBeVisible();
    await goTo(page, 'Attack');
    await expect(building('baseline')).toBeVisible();
    await expect(building('gpu')).toBeVisible();
    // The network of the page is attacked by itself meanwhile.
    const attack = page.locator('button[data-attack=fgsm]');
    await expect(attack).toBeEnabled({ timeout: 60_000 });
    await attack.click();
    const ours = page.getByTestId('ours').getByTestId('verdict');
    await expect(ours).toHaveAttribute('data-queries', /^[1-9]/, { timeout: 60_000 });

    await give('baseline', 'gpu', 'train');
    // The page loads itself anew, with the same image.
    await expect(page.getByTestId('theirs')).toBeVisible({ timeout: 30_000 });
    await expect(page.getByTestId('building')).toHaveCount(0);
    await expect(page.getByRole('button', { name: /^Test image 0,/ })).toHaveAttribute(
      'aria-pressed',
      'true',
    );
    await goTo(page, 'Train');
    await expect(page.getByRole('button', { name: 'Train', exact: true })).toBeEnabled({
      timeout: 45_000,
    });
    expect(existsSync(join(clone, 'dist/modules.json'))).toBe(true);
    expect((await readdir(join(clone, 'dist/assets'))).some((file) => /train_bg/.test(file))).toBe(
      true,
    );
    await expect(building('import')).toBeVisible();
    expect(await violations(page)).toEqual([]);
    const screenshot = join(ROOT, 'tests/e2e/artifacts/screenshots/building-import-1280.png');
    await page.screenshot({ path: screenshot });

    await give('import', 'teach');
    await expect(page.getByTestId('own-images')).toBeVisible({ timeout: 30_000 });
    await goTo(page, 'Draw');
    await page.getByRole('button', { name: 'My images' }).click();
    await expect(page.getByTestId('my-count')).toBeVisible();
    await expect(page.getByTestId('building')).toHaveCount(0);
    await page.getByRole('button', { name: 'Clear' }).click();
    await draw(page, SEVEN);
    await expectLabel(page, '7');
  } finally {
    server.stop();
    await rm(clone, { recursive: true, force: true });
  }
});
