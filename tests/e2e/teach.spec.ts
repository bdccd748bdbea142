/** Correcting a label, teaching the network, keeping or undoing it, and the networks of this browser. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { zipSync, type Zippable } from 'fflate';
import { violations } from './axe.ts';
import { claim, draw, expect, goTo, open, test, type Path } from './page.ts';
import { modelOfBias } from './tiny-model.ts';

const ROOT = join(import.meta.dirname, '../..');
const DRAWINGS = join(ROOT, 'examples/drawings');
const ARTIFACTS = join(ROOT, 'tests/e2e/artifacts');
/** What the command line makes of the same drawings; `tests/cli/teach.rs` compares with the same file. */
const TAUGHT = JSON.parse(readFileSync(join(ROOT, 'tests/taught.json'), 'utf8')) as Record<
  'images_sha256' | 'model_sha256',
  string
>;
/** Images that the page takes; see `www/src/state/my-images.svelte.ts`. */
const MOST_IMAGES = 1_000;
/** 76.5 levels are ε = 0.3. */
const EPSILON_LEVELS = 76;
/** Teaching takes seconds on a machine of its own. */
const TAUGHT_WITHIN = { timeout: 300_000 };

/** A seven, far too wide, with a bar through its middle. */
const WIDE_SEVEN: Path[] = [
  [
    [0.06, 0.33],
    [0.88, 0.33],
    [0.39, 0.78],
  ],
  [
    [0.17, 0.55],
    [0.88, 0.53],
  ],
];

const chooser = (page: Page) => page.getByRole('combobox', { name: 'network' });
const teaching = (page: Page) => page.getByTestId('teaching');
const listed = (page: Page) => page.getByTestId('networks').locator('li');
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const itIs = (page: Page, label: string) =>
  page.getByRole('group', { name: 'It is …' }).getByRole('button', { name: label, exact: true });

/** The drawings of the examples, zipped. */
function zipOfDrawings(): Buffer {
  const files: Zippable = {};
  for (const label of readdirSync(DRAWINGS)) {
    for (const name of readdirSync(join(DRAWINGS, label))) {
      files[`${label}/${name}`] = readFileSync(join(DRAWINGS, label, name));
    }
  }
  return Buffer.from(zipSync(files));
}

async function teach(page: Page) {
  await page.getByTestId('teach').click();
  await expect(teaching(page)).toHaveAttribute('data-stage', 'taught', TAUGHT_WITHIN);
}

async function download(page: Page, press: () => Promise<void>): Promise<Buffer> {
  const wanted = page.waitForEvent('download');
  await press();
  return readFile(await (await wanted).path());
}

const model = (bias: readonly number[], name: string, metadata: Record<string, string> = {}) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: modelOfBias(bias, 0, metadata),
});

/** A network of somebody's own images, which takes everything for a boot. */
const SHOES = model([0, 32], 'shoes.safetensors', {
  dataset: 'own-shoes',
  classes: JSON.stringify(['boot', 'sneaker']),
});

test('a wrong drawing is corrected, taught, right and certified afterwards, and undone', async ({
  page,
}) => {
  test.setTimeout(600_000);
  await open(page);
  await draw(page, WIDE_SEVEN);
  const wrong = await claim(page);
  expect(wrong.label).not.toBeNull();
  expect(wrong.label).not.toBe(7);
  await itIs(page, '7').click();
  await expect(itIs(page, '7')).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByTestId('my-count')).toHaveAttribute('data-count', '1');

  await teach(page);
  const right = await claim(page);
  expect(right.label).toBe(7);
  expect(right.radius).toBeGreaterThanOrEqual(EPSILON_LEVELS);
  const row = page.getByTestId('learned');
  await expect(row).toHaveAttribute('data-before', String(wrong.label));
  await expect(row).toHaveAttribute('data-after', '7');
  // What the table says of now, the headline says too.
  expect(Math.floor(Number(await row.getAttribute('data-radius')))).toBe(right.radius);
  const counts = async (when: string) =>
    JSON.parse((await page.getByTestId('forgotten').getAttribute(when)) ?? '') as {
      clean: number;
      certified: number;
    };
  const [before, after] = [await counts('data-before'), await counts('data-after')];
  expect(before.clean).toBeGreaterThan(4_900);
  expect(after.clean).toBeGreaterThan(before.clean - 25);
  expect(after.certified).toBeGreaterThan(before.certified - 150);
  expect(await violations(page)).toEqual([]);
  await page.screenshot({ path: join(ARTIFACTS, 'taught-1280.png'), fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: join(ARTIFACTS, 'taught-390.png'), fullPage: true });
  await page.setViewportSize({ width: 1280, height: 800 });

  await page.getByRole('button', { name: 'Undo', exact: true }).last().click();
  await expect(teaching(page)).toHaveCount(0);
  await expect(page.getByTestId('teach')).toBeFocused();
  await expect.poll(() => claim(page)).toEqual(wrong);
  await page.getByRole('button', { name: 'Manage' }).click();
  await expect(listed(page)).toHaveCount(0);
  // The image is still the visitor's, also after another visit.
  await page.reload();
  await expect(page.getByTestId('my-count')).toHaveAttribute('data-count', '1');
});

test('a zip of drawings teaches the very network of the command line, which is kept and used', async ({
  page,
}) => {
  test.setTimeout(600_000);
  await open(page);
  await page.getByRole('button', { name: 'My images' }).click();
  await page.getByLabel('Files of images').setInputFiles({
    name: 'drawings.zip',
    mimeType: 'application/zip',
    buffer: zipOfDrawings(),
  });
  await expect(page.getByTestId('my-count')).toHaveAttribute('data-count', '5');
  await teach(page);
  for (const row of await page.getByTestId('learned').all()) {
    expect(await row.getAttribute('data-after')).toBe(await row.getAttribute('data-label'));
  }
  await expect(teaching(page)).toHaveAttribute('data-kept', 'false');
  await page.getByLabel('Name of the taught network').fill('five drawings');
  await page.getByRole('button', { name: 'Keep', exact: true }).last().click();
  await expect(chooser(page).locator('option', { hasText: 'five drawings' })).toBeAttached();
  // The address says which network is in use, a moment later.
  await expect.poll(() => page.url()).toMatch(/model=own-[0-9a-f]{16}/);

  await page.reload();
  await expect(chooser(page).locator('option:checked')).toHaveText('five drawings');
  await expect.poll(() => page.url()).toMatch(/model=own-[0-9a-f]{16}/);
  await page.getByRole('button', { name: 'Manage' }).click();
  await expect(listed(page)).toHaveAttribute('data-kept', 'true');
  const file = await download(page, () =>
    page.getByRole('button', { name: 'Download five drawings' }).click(),
  );
  expect(digest(file)).toBe(TAUGHT.model_sha256);
  // What is exported is what was imported, exactly: importing it again adds nothing.
  const zip = await download(page, () => page.getByRole('button', { name: 'Save as zip' }).click());
  await page.getByLabel('Files of images').setInputFiles({
    name: 'again.zip',
    mimeType: 'application/zip',
    buffer: zip,
  });
  await expect(page.getByTestId('my-note')).not.toBeEmpty();
  await expect(page.getByTestId('my-count')).toHaveAttribute('data-count', '5');
  // Nothing is claimed of it that was not measured.
  await expect(page.getByTestId('accuracies')).toHaveCount(0);
});

test('what cannot be read of a zip is named, and the rest is taken', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: 'My images' }).click();
  const folder = readdirSync(DRAWINGS)[0] ?? '';
  const good = readFileSync(join(DRAWINGS, folder, readdirSync(join(DRAWINGS, folder))[0] ?? ''));
  const load = (name: string, files: Zippable) =>
    page.getByLabel('Files of images').setInputFiles({
      name,
      mimeType: 'application/zip',
      buffer: Buffer.from(zipSync(files)),
    });
  const note = page.getByTestId('my-note');
  const count = page.getByTestId('my-count');
  await load('mine.zip', {
    '3/good.png': good,
    'shoe/other.png': good,
    '4/cut.png': good.subarray(0, 60),
  });
  await expect(count).toHaveAttribute('data-count', '1');
  await expect(note).toContainText('shoe');
  await expect(note).toContainText('cut.png');
  await load('nothing.zip', { 'shoe/other.png': good });
  await expect(note).not.toContainText('cut.png');
  await expect(note).toContainText('shoe');
  await expect(count).toHaveAttribute('data-count', '1');
  await load('broken.zip', {});
  await expect(note).not.toBeEmpty();
  await expect(count).toHaveAttribute('data-count', '1');
});

test('networks are loaded by picker and by drop, renamed, deleted and brought back', async ({
  page,
}) => {
  await open(page);
  await page.getByRole('button', { name: 'Manage' }).click();
  const panel = page.getByTestId('networks');
  await panel.getByLabel('Model file').setInputFiles(model([0, 32], 'two classes.safetensors'));
  await expect(listed(page)).toHaveCount(1);
  await expect(chooser(page).locator('option:checked')).toHaveText('two classes');

  // Another one falls on the page itself.
  const bytes = [...modelOfBias([32, 0, 64], 0)];
  const transfer = await page.evaluateHandle((data) => {
    const files = new DataTransfer();
    files.items.add(new File([Uint8Array.from(data)], 'dropped.safetensors'));
    return files;
  }, bytes);
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
  await expect(listed(page)).toHaveCount(2);
  await expect(chooser(page).locator('option:checked')).toHaveText('dropped');
  expect(await violations(page)).toEqual([]);

  await panel.getByLabel('Name of two classes').fill('mine');
  await panel.getByLabel('Name of two classes').press('Enter');
  await expect(chooser(page).locator('option', { hasText: 'mine' })).toBeAttached();
  await page.reload();
  await page.getByRole('button', { name: 'Manage' }).click();
  await expect(listed(page)).toHaveCount(2);
  await panel.getByRole('button', { name: 'Delete mine' }).click();
  await expect(listed(page)).toHaveCount(1);
  await panel.getByRole('button', { name: 'Bring it back' }).click();
  await expect(listed(page)).toHaveCount(2);

  // What is no network changes nothing, and is named.
  await panel.getByLabel('Model file').setInputFiles({
    name: 'broken.safetensors',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from('no network at all'),
  });
  await expect(page.getByTestId('networks-note')).toContainText('broken.safetensors');
  await expect(listed(page)).toHaveCount(2);
});

test('of several files that are dropped each that is bad is named, and the others are taken', async ({
  page,
}) => {
  await open(page);
  const files = [
    ['broken.safetensors', [...Buffer.from('no network at all')]],
    ['two classes.safetensors', [...modelOfBias([0, 32], 0)]],
    ['notes.txt', [1, 2, 3]],
    ['cut.zip', [...zipOfDrawings().subarray(0, 100)]],
    ['three classes.safetensors', [...modelOfBias([32, 0, 64], 0)]],
  ] as const;
  const transfer = await page.evaluateHandle((all) => {
    const files = new DataTransfer();
    for (const [name, data] of all) files.items.add(new File([Uint8Array.from(data)], name));
    return files;
  }, files);
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
  const notice = page.getByTestId('notice');
  for (const name of ['broken.safetensors', 'notes.txt', 'cut.zip', 'two classes']) {
    await expect(notice).toContainText(name);
  }
  await page.getByRole('button', { name: 'Manage' }).click();
  await expect(listed(page)).toHaveCount(2);
});

test('Ctrl+Z in a text field takes back what was typed there, and the drawing stays', async ({
  page,
}) => {
  await open(page);
  await page.getByRole('button', { name: 'Manage' }).click();
  const panel = page.getByTestId('networks');
  await panel.getByLabel('Model file').setInputFiles(model([0, 32], 'two classes.safetensors'));
  await expect(listed(page)).toHaveCount(1);
  await draw(page, WIDE_SEVEN);
  const undo = page.getByRole('button', { name: 'Undo', exact: true }).first();
  await expect(undo).toHaveAttribute('aria-disabled', 'false');
  const name = panel.getByLabel('Name of two classes');
  await name.press('End');
  await name.press('x');
  await expect(name).toHaveValue('two classesx');
  await name.press('Control+z');
  await expect(name).toHaveValue('two classes');
  await expect(undo).toHaveAttribute('aria-disabled', 'false');
  for (let strokes = WIDE_SEVEN.length; strokes > 0; strokes -= 1) {
    await page.getByTestId('pad').press('Control+z');
  }
  await expect(undo).toHaveAttribute('aria-disabled', 'true');
});

test('a network that is deleted while it is in use keeps its own words everywhere', async ({
  page,
}) => {
  await open(page);
  await page.getByRole('button', { name: 'Manage' }).click();
  const panel = page.getByTestId('networks');
  await panel.getByLabel('Model file').setInputFiles(SHOES);
  await expect(chooser(page).locator('option:checked')).toHaveText('shoes');
  await draw(page, WIDE_SEVEN);
  const label = page.getByTestId('claim').locator('.label');
  await expect(label).toHaveText('boot');
  await panel.getByRole('button', { name: 'Delete shoes' }).click();
  await expect(listed(page)).toHaveCount(0);
  await expect(label).toHaveText('boot');
  await expect(itIs(page, 'sneaker')).toBeVisible();
  await expect(chooser(page).locator('option:checked')).toHaveText(/^shoes/);

  await goTo(page, 'Measure');
  await expect(page.getByRole('checkbox', { name: /shoes/ })).toBeChecked();

  // Whoever leaves it finds it nowhere any more.
  await chooser(page).selectOption('mnist-eps0.3');
  await expect(chooser(page).locator('option', { hasText: 'shoes' })).toHaveCount(0);
  await expect(page.getByRole('checkbox', { name: /shoes/ })).toHaveCount(0);
  await goTo(page, 'Draw');
  await expect(label).toHaveText(/^\d$|^=$/);
});

test('the focus goes on when the control under it is gone', async ({ page }) => {
  await open(page);
  const manage = page.getByRole('button', { name: 'Manage' });
  await manage.press('Enter');
  const panel = page.getByTestId('networks');
  await panel.getByLabel('Model file').setInputFiles(model([0, 32], 'two.safetensors'));
  await expect(listed(page)).toHaveCount(1);
  await panel.getByRole('button', { name: 'Delete two' }).press('Enter');
  await expect(panel.getByRole('button', { name: 'Bring it back' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(panel.getByRole('button', { name: 'In use' })).toBeFocused();
  await panel.getByRole('button', { name: 'Close' }).press('Enter');
  await expect(manage).toBeFocused();

  await chooser(page).selectOption('mnist-eps0.3');
  await draw(page, WIDE_SEVEN);
  await itIs(page, '7').click();
  await page.getByRole('button', { name: 'Remove all' }).press('Enter');
  await expect(page.getByRole('button', { name: 'Bring back' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'My images' })).toBeFocused();
});

test('an image of mine on the pad follows its label, its removal and another data set', async ({
  page,
}) => {
  await open(page);
  await draw(page, WIDE_SEVEN);
  await itIs(page, '7').click();
  await page.getByTestId('my-images').getByRole('button').first().click();
  const picked = page.getByTestId('picked');
  await expect(picked).toContainText('labelled 7');
  await itIs(page, '2').click();
  await expect(picked).toContainText('labelled 2');
  const remove = page.getByRole('button', { name: 'Remove', exact: true });
  await remove.click();
  await expect(picked).not.toContainText('labelled');
  await page.getByRole('button', { name: 'Bring back' }).click();
  await expect(picked).toContainText('labelled 2');
  // Of clothes there is no 2.
  await page.getByRole('button', { name: 'Manage' }).click();
  await page.getByTestId('networks').getByLabel('Model file').setInputFiles(SHOES);
  await expect(chooser(page).locator('option:checked')).toHaveText('shoes');
  await expect(picked).not.toContainText('labelled');
  // The drawing that it lay over is nobody's, and stays.
  await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^(boot|sneaker)$/);
});

test('Stop stops while the program that teaches is still to come', async ({ page }) => {
  let send = () => {};
  const held = new Promise<void>((resolve) => (send = resolve));
  await page.route('**/teach_bg*.wasm', async (route) => {
    await held;
    await route.continue();
  });
  await open(page);
  await draw(page, WIDE_SEVEN);
  await itIs(page, '7').click();
  await page.getByTestId('teach').click();
  await expect(teaching(page)).toHaveAttribute('data-stage', 'loading');
  await page.getByTestId('teach').click();
  await expect(teaching(page)).toHaveAttribute('data-stage', 'failed');
  send();
  // It stays as it is when the program has come.
  await page.waitForTimeout(500);
  await expect(teaching(page)).toHaveAttribute('data-stage', 'failed');
  await expect(page.getByTestId('teach')).toBeFocused();
});

/** Milliseconds from a movement of the pen to the frame that answers it: the median of a stroke. */
async function answerMs(page: Page): Promise<number> {
  await draw(page, [WIDE_SEVEN[0] ?? []]);
  await page.evaluate(() => {
    const times: number[] = [];
    Object.assign(window, { times });
    const pad = document.querySelector('[data-testid=pad]');
    pad?.addEventListener('pointermove', () => {
      const began = performance.now();
      requestAnimationFrame(() => setTimeout(() => times.push(performance.now() - began)));
    });
  });
  await draw(page, [WIDE_SEVEN[1] ?? []]);
  const read = () => page.evaluate(() => (window as unknown as { times: number[] }).times);
  await expect.poll(async () => (await read()).length).toBeGreaterThan(5);
  const times = await read();
  return times.sort((a, b) => a - b)[times.length >> 1] ?? NaN;
}

test('a stroke is answered as fast with a full collection as without one', async ({ page }) => {
  await open(page);
  const without = await answerMs(page);
  await page.evaluate(async (most) => {
    const opened = indexedDB.open('linf-dist-net');
    const database = await new Promise<IDBDatabase>((resolve) => {
      opened.onupgradeneeded = () => opened.result.createObjectStore('records');
      opened.onsuccess = () => resolve(opened.result);
    });
    const transaction = database.transaction('records', 'readwrite');
    for (let at = 0; at < most; at += 1) {
      const id = `image-${String(at).padStart(5, '0')}`;
      // They differ in their last levels alone: whoever compares them reads them to their ends.
      const pixels = new Uint8Array(784);
      pixels.set([1, at & 255, at >> 8], 781);
      const record = { id, pixels, label: at % 10, dataset: 'mnist' };
      transaction.objectStore('records').put(record, `image:${id}`);
    }
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
  }, MOST_IMAGES);
  await page.goto('about:blank');
  await open(page);
  await expect(page.getByTestId('my-count')).toHaveAttribute('data-count', String(MOST_IMAGES));
  // Other work may share the machine: it slows both.
  expect(await answerMs(page)).toBeLessThan(3 * without + 30);
});

test('where the browser keeps nothing it says so, and nothing is lost while the tab is open', async ({
  page,
}) => {
  await page.addInitScript(() => {
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('no room', 'QuotaExceededError');
    };
  });
  await open(page);
  await draw(page, WIDE_SEVEN);
  await itIs(page, '7').click();
  await expect(page.getByTestId('my-warning')).not.toBeEmpty();
  await expect(page.getByTestId('my-count')).toHaveAttribute('data-count', '1');
  await page.getByRole('button', { name: 'Manage' }).click();
  await page
    .getByTestId('networks')
    .getByLabel('Model file')
    .setInputFiles(model([0, 32], 'two.safetensors'));
  await expect(listed(page)).toHaveAttribute('data-kept', 'false');
  await expect(chooser(page).locator('option:checked')).toHaveText('two');
});

test('the network of an earlier build of the page is taken over, and its link opens', async ({
  page,
}) => {
  const bytes = modelOfBias([0, 32], 0);
  const hash = digest(bytes).slice(0, 16);
  await open(page);
  await page.evaluate(
    async ({ data, hash }) => {
      const opened = indexedDB.open('linf-dist-net');
      const database = await new Promise<IDBDatabase>((resolve) => {
        opened.onupgradeneeded = () => opened.result.createObjectStore('records');
        opened.onsuccess = () => resolve(opened.result);
      });
      const model = Uint8Array.from(data);
      const record = { model, hash, dataset: 'mnist', epsilon: '0.3', savedAt: 1 };
      const store = database.transaction('records', 'readwrite').objectStore('records');
      const put = store.put(record, 'network');
      await new Promise((resolve) => (put.onsuccess = resolve));
      database.close();
    },
    { data: [...bytes], hash },
  );
  const copy = await page.context().newPage();
  await open(copy, `#v=2&model=own-${hash}`);
  await expect(copy.getByTestId('notice')).toBeEmpty();
  await copy.getByRole('button', { name: 'Manage' }).click();
  await expect(listed(copy)).toHaveAttribute('data-hash', hash);
  await expect(chooser(copy)).toHaveValue(`own-${hash}`);
});
