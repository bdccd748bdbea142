/** The view Measure: the whole test set certified in the tab, its curve, its images, its files. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { SEVEN, claim, draw, expect, expectLabel, goTo, test } from './page.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Digests of what `linf curve` and `linf eval --per-image` write; `tests/cli/curve.rs` holds them to it. */
const WRITTEN = JSON.parse(await readFile(join(ROOT, 'tests/measured.json'), 'utf8')) as Record<
  string,
  string
>;

// One after the other: each of them wants all cores.
test.describe.configure({ mode: 'default' });

const certify = (page: Page) => page.getByTestId('certify');
const done = async (page: Page) =>
  Number(await page.getByTestId('progress').getAttribute('data-done'));
const figure = (page: Page, network: string, name: string) =>
  page.locator(`tr[data-network="${network}"][data-split=test] [data-figure=${name}]`);
const digest = (file: Buffer) => createHash('sha256').update(file).digest('hex');

async function openMeasure(page: Page, measure = '') {
  const wanted = measure === '' ? '' : `&measure=${encodeURIComponent(measure)}`;
  await page.goto(`./#v=2&view=measure${wanted}`);
  await expect(certify(page)).toBeVisible();
}

/** Waits until so many images of the set on show are certified. */
async function waitFor(page: Page, images: number) {
  await expect.poll(() => done(page), { timeout: 240_000 }).toBeGreaterThanOrEqual(images);
}

/** The bytes of the file that a button saves. */
async function saved(page: Page, group: string, name: string): Promise<Buffer> {
  const wanted = page.waitForEvent('download');
  const buttons = page.getByRole('group', { name: group });
  await buttons.getByRole('button', { name, exact: true }).click();
  return readFile(await (await wanted).path());
}

test('the whole test set of MNIST is certified in the tab, with the figures and the files of the command line', async ({
  page,
}) => {
  test.setTimeout(300_000);
  await openMeasure(page);
  await certify(page).click();

  // Progress is seen.
  await waitFor(page, 100);
  await expect(page.getByTestId('progress').getByRole('progressbar')).toBeVisible();
  await expect(page.getByTestId('progress')).toContainText(/\d per second, .* left/);

  // A pause holds: the batches under way end, and no other begins.
  await certify(page).click();
  await expect
    .poll(async () => {
      const before = await done(page);
      await page.waitForTimeout(600);
      return (await done(page)) - before;
    })
    .toBe(0);
  const held = await done(page);
  expect(held).toBeLessThan(10_000);
  await page.waitForTimeout(2_000);
  expect(await done(page)).toBe(held);
  await certify(page).click();
  await expect.poll(() => done(page)).toBeGreaterThan(held);

  // The page answers a stroke meanwhile: from the event to the frame that shows the answer.
  await goTo(page, 'Draw');
  await expect(page.getByTestId('pad')).toBeVisible();
  await page.evaluate(() => {
    const times: number[] = [];
    Object.assign(window, { times });
    document.addEventListener(
      'pointermove',
      (event) => {
        if (event.buttons === 0) return;
        requestAnimationFrame(() => {
          const channel = new MessageChannel();
          channel.port1.onmessage = () => times.push(performance.now() - event.timeStamp);
          channel.port2.postMessage(null);
        });
      },
      true,
    );
  });
  await draw(page, SEVEN);
  await expectLabel(page, '7');
  expect((await claim(page)).radius).toBeGreaterThan(0);
  const times = await page.evaluate(() => (window as unknown as { times: number[] }).times);
  const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
  console.warn(
    `    a stroke while ${held} … images are measured: ${median.toFixed(1)} ms (median)`,
  );
  expect(times.length).toBeGreaterThan(5);
  expect(median).toBeLessThan(50);

  await page.goBack();
  await expect(certify(page)).toBeVisible();
  await waitFor(page, 10_000);
  await expect(figure(page, 'mnist-eps0.3', 'clean')).toHaveText('98.63 %');
  await expect(figure(page, 'mnist-eps0.3', 'ibp')).toHaveText('92.73 %');
  const title = page.getByTestId('measure-title');
  await expect(title).toHaveAttribute('data-images', '10000');
  await expect(title).toHaveAttribute('data-clean', '9863');
  await expect(title).toHaveAttribute('data-certified', '9273');

  // What is saved is what the command line writes, to the byte.
  for (const [group, name, written] of [
    ['Save the curve', 'CSV', 'curve_csv'],
    ['Save the curve', 'JSON', 'curve_json'],
    ['Save the curve', 'SVG', 'curve_svg'],
    ['Save every image', 'CSV', 'images_csv'],
  ] as const) {
    expect(digest(await saved(page, group, name)), written).toBe(WRITTEN[written]);
  }
  const png = await saved(page, 'Save the curve', 'PNG');
  expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
  const images = JSON.parse((await saved(page, 'Save every image', 'JSON')).toString()) as {
    images: { label: number; predicted: number | null; ibp_radius_levels: number | null }[];
  };
  const certified = images.images.filter(
    ({ label, predicted, ibp_radius_levels: radius }) =>
      label === predicted && (radius ?? -1) >= 76.5,
  );
  expect(certified).toHaveLength(9273);

  // The slider asks for no image again.
  const slider = page.getByRole('slider', { name: 'ε' });
  await slider.fill('0');
  await expect(figure(page, 'mnist-eps0.3', 'ibp')).toHaveText('98.63 %');
  await slider.fill('255');
  await expect(figure(page, 'mnist-eps0.3', 'ibp')).toHaveText('0.00 %');
  await expect.poll(() => new URL(page.url()).hash).toContain('measure=');
});

test('images that stand out open in Draw and Attack, and the browser’s button comes back', async ({
  page,
}) => {
  test.setTimeout(180_000);
  await openMeasure(page);
  await certify(page).click();
  await waitFor(page, 500);
  await certify(page).click();
  const wrong = page.locator('section[data-kind=wrong]');
  await expect(wrong).toHaveAttribute('data-count', /^[1-9]/);
  const first = wrong.locator('li').first();
  const index = await first.getAttribute('data-index');
  await first.getByRole('button', { name: /in Draw/ }).click();
  await expect(page.getByTestId('picked')).toContainText(`number ${index},`);
  await expect(page.getByTestId('claim')).toHaveAttribute('data-radius');
  await expect.poll(() => new URL(page.url()).hash).toContain(`digit=${index}`);
  // A link to it works, though it is none of those that the page offers.
  const link = page.url();
  await page.goBack();
  await expect(wrong).toHaveAttribute('data-count', /^[1-9]/);
  await page
    .locator('section[data-kind=robust] li')
    .first()
    .getByRole('button', { name: /in Attack/ })
    .click();
  await expect(page.locator('button[data-attack=pgd]')).toBeVisible();
  await page.goBack();
  await expect(page.getByTestId('detail')).toBeVisible();

  await page.goto('about:blank');
  await page.goto(link);
  await expect(page.getByTestId('picked')).toContainText(`number ${index},`);
});

test('networks of both kinds stand side by side, and a sample is attacked', async ({ page }) => {
  test.setTimeout(300_000);
  await openMeasure(page, 'mnist-eps0.3 ibp~test~153~');
  await expect(page.getByRole('checkbox', { checked: true })).toHaveCount(3);
  await page.getByTestId('attack').click();
  for (const network of ['mnist-eps0.3', 'ibp']) {
    await expect(figure(page, network, 'tried')).toHaveAttribute('data-images', /^[1-9]/, {
      timeout: 280_000,
    });
    await expect(figure(page, network, 'tried')).toContainText('95 % interval');
  }
  // An ordinary network has no Lipschitz certificate.
  await expect(figure(page, 'ibp', 'lipschitz')).not.toContainText('%');
  // What is not flipped is at least what is proved, within the interval.
  const number = async (network: string, name: string) =>
    parseFloat((await figure(page, network, name).textContent()) ?? '');
  expect(await number('mnist-eps0.3', 'ibp')).toBe(92.73);
  await page.getByTestId('attack').click();
  await expect(certify(page)).toHaveAttribute('aria-disabled', 'true');
});

test('a link carries the view, and says what it cannot show', async ({ page }) => {
  await openMeasure(page, 'mnist-eps0.1 own nothing~training~51~');
  await expect(page.getByRole('slider', { name: 'ε' })).toHaveValue('25.5');
  await expect(page.locator('tr[data-split=training]')).toHaveCount(1);
  await expect(page.getByText('“nothing”')).toBeVisible();
  await page.goto('about:blank');
  await page.goto('./#v=2&view=measure&measure=a~b');
  await expect(page.getByTestId('notice')).toContainText('what is measured');
});

test.describe('with a damaged file', () => {
  test('images that are not those of the build are refused, and can be asked for again', async ({
    page,
  }) => {
    const shards = '**/testing/*';
    await page.route(shards, async (route) => {
      const response = await route.fetch();
      const body = await response.body();
      await route.fulfill({
        response,
        body: Buffer.concat([body.subarray(0, 0), Buffer.alloc(1_962_500)]),
      });
    });
    await openMeasure(page);
    await certify(page).click();
    await expect(page.getByTestId('measure-note')).not.toBeEmpty();
    await page.unroute(shards);
    await certify(page).click();
    await waitFor(page, 10);
  });
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height: 800 } });

      test(`axe finds no violation in Measure, ${colorScheme}, ${width} px`, async ({ page }) => {
        test.setTimeout(120_000);
        const shot = (name: string) =>
          page.screenshot({
            path: `tests/e2e/artifacts/screenshots/${width}-${colorScheme}-measure-${name}.png`,
            fullPage: true,
          });
        await openMeasure(page, 'mnist-eps0.3 mnist-eps0.1~test~~');
        expect(await violations(page)).toEqual([]);
        await shot('empty');
        await certify(page).click();
        await waitFor(page, 400);
        await certify(page).click();
        await expect(page.getByTestId('detail')).toBeVisible();
        expect(await violations(page)).toEqual([]);
        await shot('full');
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      });
    });
  }
}
