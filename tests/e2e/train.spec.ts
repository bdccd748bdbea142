/** Training in the tab: a run is watched, interrupted, kept, broken, taken up again, and drawn on. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { SEVEN, claim, draw, expect, test } from './page.ts';

/** A small network at a fixed p: its loss falls within seconds. */
const FIXED =
  'tiny~images:320~batch:32~hidden:64~epochs_start:14~epochs_growth:0~epochs_inf:0~p_end:8' +
  '~epsilon_train:0.05~learning_rate:0.1';
/** The same, long enough to be interrupted. */
const LONG = FIXED.replace('epochs_start:14', 'epochs_start:900');

async function openTraining(page: Page, hyperparameters: string, device = 'cpu') {
  await page.goto(`./?device=${device}#v=1&view=train&train=${hyperparameters}`);
  await expect(button(page, 'Train')).toBeEnabled({ timeout: 45_000 });
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const state = (page: Page) => page.getByTestId('state');
const chooser = (page: Page) => page.getByRole('combobox', { name: 'network' });

async function reach(page: Page, phase: string, timeout = 60_000) {
  await expect(state(page)).toHaveAttribute('data-phase', phase, { timeout });
}

/** The step that the page says it has reached. */
async function stepOf(page: Page): Promise<number> {
  return Number((await state(page).getAttribute('data-step')) ?? NaN);
}

/** Waits until the network was measured on so many held-out images. */
async function expectMeasured(page: Page, images: number, options?: { timeout?: number }) {
  const title = page.getByTestId('train-title');
  await expect(title).toHaveAttribute('data-images', String(images), options);
}

async function openHyperparameters(page: Page) {
  await page.getByTestId('hyperparameters').click();
}

for (const device of ['cpu', 'webgpu']) {
  test(`on ${device}, a run learns, is paused, survives a reload, is saved, loaded, and drawn on`, async ({
    page,
  }) => {
    test.setTimeout(device === 'webgpu' ? 600_000 : 240_000);
    // Without a GPU a program imitates it, and takes half a minute to compile the kernels.
    const slowly = device === 'webgpu' ? { timeout: 180_000 } : {};
    // The CPU is done with so few steps before one can look.
    const epochs = device === 'webgpu' ? 14 : 200;
    const all = epochs * 10;
    await openTraining(page, FIXED.replace('epochs_start:14', `epochs_start:${epochs}`), device);
    await expect(page.getByTestId('device')).toHaveAttribute('data-kind', device);
    await button(page, 'Train').click();
    await reach(page, 'running', slowly.timeout);
    await expect.poll(() => stepOf(page), slowly).toBeGreaterThan(5);
    await button(page, 'Pause').click();
    await reach(page, 'paused', slowly.timeout);
    const paused = await stepOf(page);
    expect(paused).toBeLessThan(all);
    await button(page, 'One step').click();
    await expect.poll(() => stepOf(page), slowly).toBe(paused + 1);
    const kept = paused + 1;
    await expect(page.getByTestId('kept')).toHaveAttribute('data-step', String(kept), slowly);

    await page.reload();
    await expect(page.getByTestId('offer')).toHaveAttribute('data-step', String(kept));
    await button(page, 'Go on with it').click();
    await reach(page, 'paused', slowly.timeout);
    await expect(page.getByTestId('device')).toHaveAttribute('data-kind', device);
    expect(await stepOf(page)).toBe(kept);
    await openHyperparameters(page);
    await page.getByLabel('ε measured').fill('0.05');
    await page.getByLabel('ε measured').press('Enter');
    await button(page, 'Resume').click();
    await reach(page, 'done', slowly.timeout);
    expect(await stepOf(page)).toBe(all);
    const said = await page.getByText(/mean of the first 20 steps/).innerText();
    const [first, last] = [...said.matchAll(/\d\.\d+/g)].map(Number);
    expect(last).toBeLessThan(0.7 * (first ?? NaN));
    await expectMeasured(page, 5_000, slowly);
    await expect(page.getByTestId('train-title')).toHaveAttribute('data-epsilon', '0.05');

    const download = page.waitForEvent('download');
    await button(page, 'Save to a file').click();
    const path = await (await download).path();
    expect((await readFile(path)).toString('latin1')).toContain('linf-dist-net checkpoint');
    await button(page, 'Reset').click();
    await reach(page, 'empty', slowly.timeout);
    await expect(page.getByTestId('offer')).toHaveAttribute('data-state', 'done');
    await page.getByLabel('Checkpoint file').setInputFiles(path);
    // It was finished, and still is: no curves, but a measurement.
    await reach(page, 'done', slowly.timeout);
    expect(await stepOf(page)).toBe(all);
    await expect(page.getByTestId('no-curves')).toBeVisible();
    await expectMeasured(page, 5_000, slowly);

    await button(page, 'Use this network').click();
    await expect(page.getByTestId('note')).not.toBeEmpty();
    await page.getByRole('link', { name: 'Draw on it' }).click();
    await expect(chooser(page)).toHaveValue(/^own-[0-9a-f]{16}$/);
    await expect.poll(() => page.url()).toMatch(/model=own-[0-9a-f]{16}/);
    // A step back leads to Train again.
    await page.goBack();
    await expect(button(page, 'Use this network')).toBeVisible();
    await page.goForward();
    await draw(page, SEVEN);
    await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[\d=]$/);
    const own = await claim(page);
    await chooser(page).selectOption('mnist-eps0.3');
    await expect.poll(() => claim(page)).not.toEqual(own);
    expect((await claim(page)).label).toBe(7);
    // It is offered for as long as the browser keeps it.
    await page.reload();
    await expect(chooser(page).locator('option[value^=own-]')).toHaveText(/^Trained: MNIST/);
  });
}

test('the quick look needs one shard, and reads 87 % or more of the held-out images', async ({
  page,
}) => {
  test.setTimeout(900_000);
  const shards: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/training/')) shards.push(request.url());
  });
  await openTraining(page, 'look');
  await expect(page.getByTestId('time-look')).toHaveAttribute('data-seconds', /^\d/);
  const promised = await page.getByTestId('time-look').innerText();
  const start = performance.now();
  await button(page, 'Train').click();
  await reach(page, 'done', 840_000);
  const seconds = (performance.now() - start) / 1000;
  await expectMeasured(page, 5_000, { timeout: 60_000 });
  const title = page.getByTestId('train-title');
  const [clean = NaN, certified = NaN] = await Promise.all(
    ['data-clean', 'data-certified'].map(
      async (name) => Math.floor(1000 * Number(await title.getAttribute(name))) / 10,
    ),
  );
  console.warn(
    `    quick look on the CPU: ${Math.round(seconds)} s (${promised}); ` +
      `clean ${clean} %, certified ${certified} % at ε = 0.3`,
  );
  expect(clean).toBeGreaterThanOrEqual(87);
  expect(shards).toHaveLength(1);
  // Certified accuracy came off the ground while it was watched.
  await expect(page.getByTestId('lift-off')).toHaveAttribute('data-p', /^(\d\d|Infinity)/);
});

test('a link whose schedule has 82 million steps is refused at once, in a sentence', async ({
  page,
}) => {
  const phases = ['start', 'growth', 'inf'].map((phase) => `epochs_${phase}:1000`).join('~');
  await openTraining(page, `look~images:55000~batch:2~${phases}`);
  await expect(page.getByRole('alert')).toContainText('82,500,000', { timeout: 5_000 });
  await button(page, 'Train').click();
  await reach(page, 'empty');
  await openHyperparameters(page);
  await page.getByLabel('Batch').fill('512');
  await page.getByLabel('Batch').press('Enter');
  await expect(page.getByRole('alert')).toHaveCount(0);
});

/** A checkpoint in which the seed is another: a file of tensors begins with its own length and header. */
function withSeed(checkpoint: Buffer, seed: string): Buffer {
  const length = Number(checkpoint.readBigUInt64LE());
  const header = checkpoint.subarray(8, 8 + length).toString();
  const changed = header.replace(/(\\"seed\\":\s*)\d+/, `$1${seed}`);
  expect(changed).not.toBe(header);
  // The tensors begin where they may lie.
  const padded = changed.padEnd(8 * Math.ceil(changed.length / 8));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([size, Buffer.from(padded), checkpoint.subarray(8 + length)]);
}

test('a checkpoint with a seed above 2^53 is refused in a sentence, and the run stays', async ({
  page,
}) => {
  await openTraining(page, LONG);
  await button(page, 'One step').click();
  await expect(page.getByTestId('kept')).toBeVisible({ timeout: 30_000 });
  const download = page.waitForEvent('download');
  await button(page, 'Save to a file').click();
  const file = await readFile(await (await download).path());
  await page.getByLabel('Checkpoint file').setInputFiles({
    name: 'checkpoint.safetensors',
    mimeType: 'application/octet-stream',
    buffer: withSeed(file, '9007199254740993'),
  });
  await expect(page.getByRole('alert')).toContainText('9007199254740993');
  await reach(page, 'paused');
  expect(await stepOf(page)).toBe(1);
  await button(page, 'One step').click();
  await expect.poll(() => stepOf(page)).toBe(2);
});

test('in a browser whose language no number format knows, as WebKit’s “C”, Train has its charts', async ({
  page,
}) => {
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, 'language', { get: () => 'C', configurable: true });
  });
  await openTraining(page, FIXED);
  await button(page, 'One step').click();
  await reach(page, 'paused');
  await expect(page.locator('.uplot').first()).toBeAttached();
});

test('a link brings the hyperparameters that differ, and keeps those that are changed', async ({
  page,
}) => {
  await openTraining(page, 'look~seed:5~hidden:20x30');
  await openHyperparameters(page);
  await expect(page.getByLabel('Seed')).toHaveValue('5');
  await expect(page.getByLabel('Hidden layers')).toHaveValue('20, 30');
  // The preset's own, not that of the first preset for the data set.
  await expect(page.getByLabel('ε in training')).toHaveValue('0.36');
  await page.getByLabel('Batch').fill('100');
  await page.getByLabel('Batch').press('Enter');
  await expect(page).toHaveURL(/train=look%7Ehidden%3A20x30%7Ebatch%3A100%7Eseed%3A5/);
  // What makes no sense is not taken.
  await page.getByLabel('Batch').fill('1');
  await page.getByLabel('Batch').press('Enter');
  await expect(page.getByLabel('Batch')).toHaveValue('100');
});

test('a hyperparameter takes no number that makes no sense, nor does a link', async ({ page }) => {
  await openTraining(page, 'look~batch:2.5~epsilon:1.5~seed:20240101');
  await openHyperparameters(page);
  await expect(page.getByLabel('Batch')).toHaveValue('64');
  await expect(page.getByLabel('ε measured')).toHaveValue('0.3');
  await expect(page.getByLabel('Seed')).toHaveValue('20240101');
  await page.getByLabel('Batch').fill('2.5');
  await page.getByLabel('Batch').press('Enter');
  await expect(page.getByLabel('Batch')).toHaveValue('64');
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect.poll(() => decodeURIComponent(page.url())).toMatch(/train=look~.*seed:20240101$/);

  // What is wrong with the hyperparameters is not said any longer than it is.
  await page.getByLabel(/^First p/).fill('500');
  await page.getByLabel(/^First p/).press('Enter');
  await expect(page.getByRole('alert')).toContainText(/\bp\b/);
  await page.getByLabel(/^First p/).fill('10');
  await page.getByLabel(/^First p/).press('Enter');
  await expect(page.getByRole('alert')).toHaveCount(0);

  // Another address is followed.
  await page.evaluate(() => (location.hash = '#v=1&view=train&train=look~seed:9'));
  await expect(page.getByLabel('Seed')).toHaveValue('9');
});

test('the link to these hyperparameters has all of them, also those of a run', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await openTraining(page, LONG);
  await openHyperparameters(page);
  await page.getByLabel('Seed').fill('7');
  await page.getByLabel('Seed').press('Enter');
  const shared = async () => {
    await button(page, 'Share these hyperparameters').click();
    await expect(page.getByTestId('note')).not.toBeEmpty();
    return decodeURIComponent(await page.evaluate(() => navigator.clipboard.readText()));
  };
  expect(await shared()).toMatch(/view=train&train=tiny~.*~seed:7$/);
  await button(page, 'One step').click();
  await reach(page, 'paused');
  await page.getByLabel('Learning rate').fill('0.05');
  await page.getByLabel('Learning rate').press('Enter');
  expect(await shared()).toContain('~learning_rate:0.05');
  await button(page, 'Reset').click();
  await reach(page, 'empty');
  await expect.poll(() => decodeURIComponent(page.url())).toContain('~learning_rate:0.05');
});

test('a run in another tab is not offered, and neither writes over the other', async ({
  page,
  context,
}) => {
  await openTraining(page, LONG);
  await button(page, 'One step').click();
  await expect(page.getByTestId('kept')).toBeVisible({ timeout: 30_000 });
  const other = await context.newPage();
  await openTraining(other, LONG);
  await expect(other.getByTestId('elsewhere')).toBeVisible();
  await expect(other.getByTestId('offer')).toHaveCount(0);
  await button(other, 'One step').click();
  await reach(other, 'paused');
  await expect(other.getByTestId('kept')).toHaveCount(0);
  await button(other, 'Reset').click();
  await page.close();
  // A tab that is closed gives its lock back a moment later.
  const held = () => other.evaluate(async () => (await navigator.locks.query()).held?.length);
  await expect.poll(held).toBe(0);
  await other.reload();
  await expect(other.getByTestId('offer')).toHaveAttribute('data-step', '1');
});

test('the hinge loss, which needs all weights, keeps them', async ({ page }) => {
  await openTraining(page, 'look');
  await openHyperparameters(page);
  await expect(page.getByLabel('Prune from epoch')).toHaveValue('4');
  await page.getByRole('combobox', { name: /^Loss/ }).selectOption('hinge');
  await expect(page.getByLabel('Prune from epoch')).toHaveValue('0');
});

test('a run that dropped weights goes on on the CPU, and a new one on the GPU', async ({
  page,
}) => {
  test.setTimeout(600_000);
  // The program that imitates a GPU compiles its kernels first.
  const slowly = { timeout: 180_000 };
  const epochs = 3;
  await openTraining(page, `${LONG}~prune_from_epoch:${epochs}`);
  await button(page, 'Train').click();
  await expect.poll(() => stepOf(page)).toBeGreaterThan(epochs * 10);
  await button(page, 'Pause').click();
  await reach(page, 'paused');
  const paused = await stepOf(page);
  await expect(page.getByTestId('kept')).toHaveAttribute('data-step', String(paused));

  await openTraining(page, FIXED, 'webgpu');
  const device = page.getByTestId('device');
  await expect(device).toHaveAttribute('data-kind', 'webgpu');
  await button(page, 'Go on with it').click();
  await reach(page, 'paused', slowly.timeout);
  await expect(device).toHaveAttribute('data-kind', 'cpu');
  await button(page, 'One step').click();
  await expect.poll(() => stepOf(page), slowly).toBe(paused + 1);
  await button(page, 'Reset').click();
  await expect(device).toHaveAttribute('data-kind', 'webgpu', slowly);
});

test('a run is started, paused and forgotten by keyboard alone', async ({ page }) => {
  await openTraining(page, LONG);
  await page.getByRole('radio', { name: /Quick look/ }).focus();
  // Images of one's own lie between the presets and the button.
  for (const name of ['Choose files', 'Choose a folder', 'My images (0)']) {
    await page.keyboard.press('Tab');
    await expect(button(page, name)).toBeFocused();
  }
  await page.keyboard.press('Tab');
  await expect(button(page, 'Train')).toBeFocused();
  await page.keyboard.press('Enter');
  await reach(page, 'running');
  await page.keyboard.press('Enter');
  await reach(page, 'paused');
  await expect(page.getByTestId('kept')).toBeVisible();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await expect(button(page, 'Reset')).toBeFocused();
  await page.keyboard.press('Enter');
  await reach(page, 'empty');
  // What was trained is not gone with one key.
  await expect(page.getByTestId('offer')).toHaveAttribute('data-step', /^\d+$/);
  await button(page, 'Forget it').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('offer')).toHaveCount(0);
  await expect(button(page, 'Train')).toBeFocused();
  await page.reload();
  await expect(button(page, 'Train')).toBeEnabled({ timeout: 45_000 });
  await expect(page.getByTestId('offer')).toHaveCount(0);
});

test('training goes on while something else is looked at', async ({ page }) => {
  await openTraining(page, LONG);
  await button(page, 'Train').click();
  await reach(page, 'running');
  await expect.poll(() => stepOf(page)).toBeGreaterThan(5);
  const before = await stepOf(page);
  await page.getByRole('link', { name: 'Draw' }).click();
  await draw(page, SEVEN);
  await expect(page.getByTestId('claim').locator('.label')).toHaveText('7');
  await page.getByRole('link', { name: 'Train' }).click();
  await reach(page, 'running');
  await expect.poll(() => stepOf(page)).toBeGreaterThan(before);
});

if (existsSync(join(import.meta.dirname, '../../data/fashion-mnist/train-images-idx3-ubyte'))) {
  test('a network trained on Fashion-MNIST names clothes when it is used', async ({ page }) => {
    await openTraining(page, FIXED);
    await openHyperparameters(page);
    await page.getByLabel('Data set').selectOption('fashion-mnist');
    await expect(page.getByLabel('ε measured')).toHaveValue('0.1');
    await button(page, 'One step').click();
    await reach(page, 'paused');
    await button(page, 'Use this network').click();
    await page.getByRole('link', { name: 'Draw on it' }).click();
    await page.getByRole('button', { name: 'Test image 0, labelled Ankle boot' }).click();
    await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^([A-Z][\w- ]+|=)$/);
    await expect(page.getByTestId('row-9')).toContainText('Ankle boot');
    await page.getByRole('link', { name: 'Attack' }).click();
    await expect(page.getByTestId('alone')).toBeVisible();
  });
}

test.describe('when something breaks', () => {
  test.use({ expectedErrors: [/Failed to load resource|broken on purpose/] });

  test('a damaged checkpoint is refused in a sentence', async ({ page }) => {
    await openTraining(page, FIXED);
    await page.getByLabel('Checkpoint file').setInputFiles({
      name: 'checkpoint.safetensors',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from('this is a text'),
    });
    await expect(page.getByRole('alert')).toContainText('not a complete checkpoint file');
    await reach(page, 'empty');
  });

  test('a run that is kept stays on offer where it cannot go on', async ({ page }) => {
    await openTraining(page, LONG);
    await button(page, 'One step').click();
    await expect(page.getByTestId('kept')).toBeVisible({ timeout: 30_000 });
    await page.reload();
    await page.route('**/training/**', (route) => route.abort());
    await button(page, 'Go on with it').click();
    await expect(page.getByRole('alert')).toContainText('could not be reached');
    await expect(page.getByTestId('offer')).toHaveAttribute('data-step', '1');
    await page
      .getByLabel('Checkpoint file')
      .setInputFiles({ name: 'x.safetensors', mimeType: '', buffer: Buffer.from('no checkpoint') });
    await expect(page.getByRole('alert')).toContainText('not a complete checkpoint');
    await expect(page.getByTestId('offer')).toHaveAttribute('data-step', '1');
    await page.unroute('**/training/**');
    await button(page, 'Go on with it').click();
    await reach(page, 'paused');
    expect(await stepOf(page)).toBe(1);
  });

  test('images that do not come are named, and a second try works', async ({ page }) => {
    await page.route('**/training/**', (route) => route.abort());
    await openTraining(page, FIXED);
    await button(page, 'One step').click();
    await expect(page.getByRole('alert')).toContainText('to load the training images');
    await page.unroute('**/training/**');
    await button(page, 'One step').click();
    await reach(page, 'paused');
  });

  test('images that are not those of the build are refused', async ({ page }) => {
    await page.route('**/training/**', async (route) => {
      const response = await route.fetch();
      const { gunzipSync, gzipSync } = await import('node:zlib');
      const raw = gunzipSync(await response.body());
      raw[400_000] = (raw[400_000] ?? 0) ^ 1;
      // As long as the true one, so that only its digest can tell.
      await route.fulfill({ body: gzipSync(raw, { level: 0 }) });
    });
    await openTraining(page, FIXED);
    await button(page, 'One step').click();
    await expect(page.getByRole('alert')).toContainText('is damaged');
    await reach(page, 'empty');
  });

  test('a Worker that does not load is named, and a second try works', async ({ page }) => {
    await page.route('**/train.worker*', (route) => route.abort());
    await page.goto(`./?device=cpu#v=1&view=train&train=${FIXED}`);
    await expect(page.getByRole('alert')).toContainText('The training program did not start');
    await page.unroute('**/train.worker*');
    await button(page, 'Start the program again').click();
    await expect(button(page, 'Train')).toBeEnabled({ timeout: 45_000 });
  });

  test('a program that does not load is named, and a second try works', async ({ page }) => {
    await page.route('**/train_bg*.wasm', (route) => route.abort());
    await page.goto(`./?device=cpu#v=1&view=train&train=${FIXED}`);
    await expect(page.getByRole('alert')).toContainText('to load the training program');
    await page.unroute('**/train_bg*.wasm');
    await button(page, 'Start the program again').click();
    await reach(page, 'empty');
  });

  test('a GPU that is lost is named, and the CPU goes on from the last checkpoint', async ({
    page,
  }) => {
    test.setTimeout(600_000);
    await openTraining(page, LONG, 'webgpu');
    await button(page, 'One step').click();
    await expect(page.getByTestId('kept')).toBeVisible({ timeout: 180_000 });
    // After a step the run is kept, then measured: only then does the GPU rest.
    await expectMeasured(page, 1_000, { timeout: 180_000 });
    const [worker] = page.workers();
    await worker?.evaluate(() => {
      const { createCommandEncoder } = GPUDevice.prototype;
      GPUDevice.prototype.createCommandEncoder = function (...all) {
        this.destroy();
        return createCommandEncoder.apply(this, all);
      };
    });
    await button(page, 'Resume').click();
    await reach(page, 'broken', 180_000);
    await expect(page.getByRole('alert')).toContainText(
      /the GPU .* reports an error \(it was lost: /,
    );
    expect(await violations(page)).toEqual([]);
    await button(page, 'Continue on the CPU').click();
    await reach(page, 'running');
    await expect(page.getByTestId('device')).toHaveAttribute('data-kind', 'cpu');
    await expect.poll(() => stepOf(page)).toBeGreaterThan(1);
  });

  /** Trains until a checkpoint is kept, at the step that is returned or later, and breaks the program. */
  async function trainAndBreak(page: Page): Promise<number> {
    await openTraining(page, LONG);
    await button(page, 'Train').click();
    await expect(page.getByTestId('kept')).toBeVisible({ timeout: 30_000 });
    const before = await stepOf(page);
    const [worker] = page.workers();
    await worker?.evaluate(() => {
      setTimeout(() => {
        throw new Error('broken on purpose');
      });
    });
    await reach(page, 'broken');
    return before;
  }

  test('whoever looks away from a run that broke is offered it, and not told of another tab', async ({
    page,
  }) => {
    await trainAndBreak(page);
    await page.getByRole('link', { name: 'Draw' }).click();
    await page.getByRole('link', { name: 'Train' }).click();
    await expect(page.getByTestId('offer')).toHaveAttribute('data-step', /^\d+$/, {
      timeout: 30_000,
    });
    await expect(page.getByTestId('elsewhere')).toHaveCount(0);
  });

  test('a program that breaks off says so, and goes on from the last checkpoint', async ({
    page,
  }) => {
    const before = await trainAndBreak(page);
    await expect(page.getByRole('alert')).toContainText('broken on purpose');
    await expect(page.getByRole('alert')).toHaveAttribute('data-kept', /^\d+$/);
    expect(await violations(page)).toEqual([]);
    await button(page, 'Continue from it').click();
    await reach(page, 'running');
    await expect.poll(() => stepOf(page)).toBeGreaterThan(before);
  });

  test('a Worker that was killed is missed', async ({ page }) => {
    await page.clock.install();
    await openTraining(page, LONG);
    await button(page, 'Train').click();
    await reach(page, 'running');
    const [worker] = page.workers();
    await worker?.evaluate(() => self.close()).catch(() => {});
    // A computer that slept for so long proves nothing of the Worker, which slept as well.
    await page.clock.fastForward(70_000);
    await page.clock.runFor(20_000);
    expect(await state(page).getAttribute('data-phase')).toBe('running');
    await page.clock.runFor(60_000);
    await reach(page, 'broken');
    await expect(page.getByRole('alert')).toContainText('has not answered');
  });
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height: 844 } });

      test(`axe finds no violation in Train, ${colorScheme}, ${width} px`, async ({ page }) => {
        test.slow();
        const clean = async (name: string) => {
          await page.screenshot({
            path: `tests/e2e/artifacts/screenshots/${width}-${colorScheme}-train-${name}.png`,
            fullPage: true,
          });
          expect(await violations(page)).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
        };
        await openTraining(page, FIXED);
        await clean('rest');
        await openHyperparameters(page);
        await clean('hyperparameters');
        await openHyperparameters(page);
        await button(page, 'Train').click();
        await reach(page, 'done');
        await expectMeasured(page, 5_000);
        await clean('done');
      });
    });
  }
}
