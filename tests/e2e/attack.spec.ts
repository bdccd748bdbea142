/** The duel: the same attack on both networks, by buttons and by hand, and links to what came of it. */
import type { Locator, Page } from '@playwright/test';
import { DEFAULTS, writeLink } from '../../www/src/codec/link.ts';
import { packResult } from '../../www/src/codec/result.ts';
import { SEVEN, claim, draw, expect, open, setEpsilon, test } from './page.ts';

/** What the networks say takes long where many tests share a machine. */
const PATIENCE = { timeout: 60_000 };

const SIDE = 28;

const verdicts = (page: Page) => ({
  ours: page.getByTestId('ours').getByTestId('verdict'),
  theirs: page.getByTestId('theirs').getByTestId('verdict'),
});

/** Opens the view and waits until both networks have answered. */
async function attack(page: Page, fields: string) {
  await page.goto(`./#v=1&view=attack&${fields}`);
  await expect(page.getByRole('button', { name: 'PGD' })).toBeEnabled(PATIENCE);
}

/** The grey levels of a picture. */
async function pixels(picture: Locator): Promise<number[]> {
  return picture.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
    const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
    return Array.from(data ?? []).filter((_, index) => index % 4 === 0);
  });
}

/** Paints straight from one point of the board to another, in parts of its side. */
async function paint(page: Page, from: [number, number], to: [number, number]) {
  const box = await page.getByTestId('paint-board').boundingBox();
  if (!box) throw new Error('the board is not on the page');
  await page.mouse.move(box.x + from[0] * box.width, box.y + from[1] * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + to[0] * box.width, box.y + to[1] * box.height, { steps: 8 });
  await page.mouse.up();
}

test.describe.configure({ timeout: 180_000 });

test('within the radius of a drawn digit ours holds and its bars stay within their whiskers, while the ordinary network flips', async ({
  page,
}) => {
  await open(page);
  await draw(page, SEVEN);
  const { label, radius } = await claim(page);
  expect(radius).toBeGreaterThan(50);
  await page.getByRole('link', { name: 'Attack' }).click();
  await setEpsilon(page, 50);
  await expect(page.getByRole('button', { name: 'PGD' })).toBeEnabled(PATIENCE);
  await page.getByRole('button', { name: 'PGD' }).click();
  const { ours, theirs } = verdicts(page);
  await expect(theirs).toContainText(
    /Flipped to \d at \d+ levels, after [\d,]+ (try|tries|steps?)/,
    PATIENCE,
  );
  await expect(ours).toContainText(
    /[\d,]{4,} perturbations tried within 50 levels: 0 flips\.\s+Proved: there is none\./,
    PATIENCE,
  );
  await expect(ours).toContainText(String(label));

  const column = page.getByTestId('ours');
  for (let row = 0; row < 10; row += 1) {
    const [bar, whisker] = await Promise.all(
      ['bar', 'dark'].map((part) => column.getByTestId(`${part}-${row}`).boundingBox()),
    );
    const end = (bar?.x ?? NaN) + (bar?.width ?? NaN);
    // Half a pixel for rounding, and the three of the bar's own edge.
    expect(end).toBeGreaterThanOrEqual((whisker?.x ?? NaN) - 0.5);
    expect(end).toBeLessThanOrEqual((whisker?.x ?? NaN) + (whisker?.width ?? NaN) + 3.5);
  }

  // The way back leads to the same drawing.
  await page.goBack();
  expect((await claim(page)).radius).toBe(radius);
});

test('beyond the radius the search for the smallest flip shows what is proved and what is broken', async ({
  page,
}) => {
  await attack(page, 'digit=0');
  await page.getByRole('button', { name: 'Smallest flip' }).click();
  await expect(page.getByTestId('broken')).toHaveCount(2, PATIENCE);
  await page.getByRole('button', { name: 'Stop' }).click();
  const words = await page.getByTestId('sandwich').allInnerTexts();
  for (const text of words) {
    const [, proved, broken] = /proved up to ([\d.]+), broken at (\d+)/.exec(text) ?? [];
    expect(Number(broken)).toBeGreaterThan(Number(proved));
  }
  const { ours } = verdicts(page);
  await expect(ours).toContainText(/(Flipped to \d|Lost to a tie) at \d+ levels/);
});

test('what is painted by mouse stays within ε and in the range of pixels', async ({ page }) => {
  await attack(page, 'digit=0&eps=20');
  await page.getByRole('button', { name: 'Paint' }).click();
  const board = page.getByTestId('paint-board');
  const before = await pixels(board);
  await paint(page, [0.1, 0.5], [0.9, 0.5]);
  await page.getByRole('button', { name: 'Darker' }).click();
  await paint(page, [0.5, 0.1], [0.5, 0.9]);
  const differences = (after: number[]) => after.map((level, at) => level - (before[at] ?? 0));
  const changes = differences(await pixels(board));
  expect(before).toHaveLength(SIDE * SIDE);
  expect(Math.max(...changes)).toBe(20);
  expect(Math.min(...changes)).toBe(-20);
  // What the networks were asked about is what was painted.
  const shown = page.getByTestId('ours').locator('figure').last();
  await expect.poll(async () => differences(await pixels(shown))).toEqual(changes);

  // A smaller ε takes back what goes beyond it.
  await setEpsilon(page, 7);
  expect(Math.max(...differences(await pixels(board)))).toBe(7);
  await page.getByRole('button', { name: 'Eraser' }).click();
  await paint(page, [0.5, 0.1], [0.5, 0.9]);
  expect(Math.min(...differences(await pixels(board)))).toBe(0);
  await page.getByRole('button', { name: 'Reset' }).click();
  expect(await pixels(board)).toEqual(before);
});

test('the scores name the ε of the slider before there is an image', async ({ page }) => {
  await page.goto('./#v=1&view=attack');
  const scores = page.getByRole('heading', { name: /^Scores.* at ε =/ });
  await expect(scores).toHaveCount(2);
  await setEpsilon(page, 33);
  for (const heading of await scores.all()) await expect(heading).toHaveText(/at ε = 33$/);
});

test('the keyboard paints too', async ({ page }) => {
  await attack(page, 'digit=0&eps=20');
  await page.getByRole('button', { name: 'Paint' }).click();
  const board = page.getByTestId('paint-board');
  const before = await pixels(board);
  await board.focus();
  await page.keyboard.press('ArrowDown');
  expect(await pixels(board)).toEqual(before);
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  expect(await pixels(board)).not.toEqual(before);
});

test('a shared link reproduces the verdicts', async ({ page }) => {
  await open(page);
  await draw(page, SEVEN);
  await setEpsilon(page, 40);
  await page.getByRole('link', { name: 'Attack' }).click();
  await expect(page.getByRole('button', { name: 'PGD' })).toBeEnabled(PATIENCE);
  await page.getByRole('button', { name: 'PGD' }).click();
  const { ours, theirs } = verdicts(page);
  await expect(theirs).toContainText('Flipped to', PATIENCE);
  await expect(ours).toContainText('Proved: there is none.', PATIENCE);
  await expect(page.getByRole('button', { name: 'Stop' })).toBeDisabled(PATIENCE);
  await page.getByRole('button', { name: 'Share' }).click();
  await expect.poll(() => page.url()).toMatch(/result=/);
  const said = await Promise.all([ours.innerText(), theirs.innerText()]);

  const copy = await page.context().newPage();
  await copy.goto(page.url());
  await expect(copy.getByText('A shared result.')).toBeVisible(PATIENCE);
  const again = verdicts(copy);
  await expect(again.ours).toContainText('0 flips');
  await expect(again.theirs).toContainText('Flipped to');
  expect(await Promise.all([again.ours.innerText(), again.theirs.innerText()])).toEqual(said);
});

test('a result is gone once something else is looked at, and a step back brings it again', async ({
  page,
}) => {
  await attack(page, 'digit=0&eps=20');
  await page.getByRole('button', { name: 'FGSM' }).click();
  await expect(verdicts(page).theirs).toContainText('Flipped to', PATIENCE);
  await page.getByRole('button', { name: 'Share' }).click();
  await expect.poll(() => page.url()).toMatch(/result=/);
  await page.getByRole('link', { name: 'Draw' }).click();
  await page.getByRole('button', { name: /^Test image 1,/ }).click();
  await expect.poll(() => page.url()).not.toMatch(/result=/);
  await page.getByRole('link', { name: 'Attack' }).click();
  await expect(page.getByRole('button', { name: 'FGSM' })).toBeEnabled(PATIENCE);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.goBack();
  await page.goBack();
  await expect(page.getByText('A shared result.')).toBeVisible(PATIENCE);
});

test('what was painted on one image is not judged on another', async ({ page }) => {
  await attack(page, 'digit=0&eps=200');
  await page.getByRole('button', { name: 'Paint' }).click();
  await paint(page, [0.1, 0.5], [0.9, 0.5]);
  const ours = page.getByTestId('ours');
  const change = ours.getByTestId('perturbation');
  await expect(change).toContainText('≤ 200 levels', PATIENCE);
  // The other network is on its way for ever, so nothing new is painted meanwhile.
  await page.route('**/ordinary/ibp*', () => {});
  await page.getByLabel('Which ordinary network').selectOption('ibp');
  await page.getByRole('button', { name: /^Test image 1,/ }).click();
  await expect(page.getByTestId('picked')).toContainText('Test image number 1');
  await expect(change).toContainText('no change yet', PATIENCE);
});

test('a result of an unknown network, or a damaged one, gets a message, and the image stays', async ({
  page,
}) => {
  await attack(page, 'digit=0');
  const image = Uint8Array.from(await pixels(page.getByTestId('ours').locator('figure').first()));
  const result = await packResult(
    {
      models: ['0123456789abcdef', 'fedcba9876543210'],
      epsilon: 60,
      attack: 'pgd',
      seed: 1,
      found: [{ attack: 'pgd', tries: 9, steps: 1, perturbed: image }, null],
    },
    image,
  );
  const link = await writeLink({ ...DEFAULTS, view: 'attack', digit: 0, result });
  await attack(page, link.replace('v=1&view=attack&', ''));
  await expect(page.getByRole('alert')).toContainText(
    'of a network that this page does not have (0123456789abcdef)',
  );
  await attack(page, link.replace('v=1&view=attack&', '').slice(0, -20));
  await expect(page.getByRole('alert')).toContainText('The result in this link is damaged');
  await expect(page.getByTestId('picked')).toContainText('Test image number 0');
});

test.describe('when the ordinary network does not load', () => {
  test.use({ expectedErrors: [/Failed to load resource/] });

  test('the page says so, ours goes on, and a retry works', async ({ page }) => {
    await page.route('**/ordinary_bg*', (route) => route.abort());
    await page.goto('./#v=1&view=attack&digit=0');
    const column = page.getByTestId('theirs');
    await expect(column.getByRole('alert')).toContainText('could not be reached', PATIENCE);
    await expect(verdicts(page).ours).toContainText('Proved', PATIENCE);
    await page.getByRole('button', { name: 'FGSM' }).click();
    await expect(verdicts(page).ours).toContainText(/\d+ perturbations tried .*0 flips/, PATIENCE);
    await page.unroute('**/ordinary_bg*');
    await column.getByRole('button', { name: 'Try again' }).click();
    await expect(column.getByTestId('verdict')).toContainText(/Proved|proved/, PATIENCE);
  });
});

test.describe('when another network does not load', () => {
  test.use({ expectedErrors: [/Failed to load resource/] });

  test('nothing is said of the one before, and a retry works', async ({ page }) => {
    await attack(page, 'digit=0');
    const { ours } = verdicts(page);
    await expect(ours).toContainText('Proved', PATIENCE);
    await page.route('**/models/mnist-eps0.1*', (route) => route.abort());
    await page.getByLabel('network', { exact: false }).first().selectOption('mnist-eps0.1');
    const corner = page.getByTestId('ours');
    await expect(corner.getByRole('alert')).toContainText('could not be reached', PATIENCE);
    await expect(ours).toHaveCount(0);
    await expect(page.getByTestId('sandwich').first()).toHaveText('not asked yet');
    await expect(page.getByRole('button', { name: 'PGD' })).toBeDisabled();
    await page.unroute('**/models/mnist-eps0.1*');
    await corner.getByRole('button', { name: 'Try again' }).click();
    await expect(ours).toContainText('Proved', PATIENCE);
    await expect(page.getByRole('button', { name: 'PGD' })).toBeEnabled(PATIENCE);
    await expect(page.getByText('for ε = 0.3, not the one in use')).toBeVisible();
  });
});

test('a verdict is told to those who hear it', async ({ page }) => {
  await attack(page, 'digit=0');
  const heard = page.getByTestId('ours').getByTestId('heard');
  await expect(heard).toHaveText(/^ℓ∞-dist net: .*Proved/, PATIENCE);
});

test.describe('when a Worker dies', () => {
  test('the page says so, starts another, and the next attack runs', async ({ page }) => {
    // The first order, which goes to the ℓ∞-dist net, is one that its Worker breaks at.
    await page.addInitScript(() => {
      const { postMessage } = Worker.prototype;
      let attacks = 0;
      Worker.prototype.postMessage = function (message: { type: string }) {
        if (message.type === 'start') attacks += 1;
        const broken = message.type === 'start' && attacks === 1;
        postMessage.call(this, broken ? { ...message, order: null } : message);
      };
    });
    await attack(page, 'digit=0&eps=40');
    const { ours } = verdicts(page);
    await page.getByRole('button', { name: 'FGSM' }).click();
    const notice = page.getByTestId('ours').getByRole('alert');
    await expect(notice).toContainText('its program was started anew', PATIENCE);
    await expect(page.getByRole('button', { name: 'FGSM' })).toBeEnabled(PATIENCE);
    await page.getByRole('button', { name: 'FGSM' }).click();
    await expect(ours).toContainText('Proved: there is none.', PATIENCE);
    await expect(notice).toHaveCount(0);
  });
});
