/** The same attack on both networks, by buttons and by hand, and links to its result. */
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

const button = (page: Page, attack: string) => page.locator(`button[data-attack=${attack}]`);

/** Expects how an attack stands: what is proved, what was tried, and whether it flipped. */
const expectOutcome = (verdict: Locator, outcome: string) =>
  expect(verdict).toHaveAttribute('data-outcome', outcome, PATIENCE);

/** Queries that a network was asked. */
const queries = async (verdict: Locator) => Number(await verdict.getAttribute('data-queries'));

/** Opens the view and waits until both networks have answered. */
async function attack(page: Page, fields: string) {
  await page.goto(`./#v=1&view=attack&${fields}`);
  await expect(button(page, 'pgd')).toBeEnabled(PATIENCE);
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

test('within the radius of a drawn digit ours holds and its bars stay within their whiskers, while the baseline flips', async ({
  page,
}) => {
  await open(page);
  await draw(page, SEVEN);
  const { label, radius } = await claim(page);
  expect(radius).toBeGreaterThan(50);
  await page.getByRole('link', { name: 'Attack' }).click();
  await setEpsilon(page, 50);
  await expect(button(page, 'pgd')).toBeEnabled(PATIENCE);
  await button(page, 'pgd').click();
  const { ours, theirs } = verdicts(page);
  await expectOutcome(theirs, 'flipped');
  await expectOutcome(ours, 'proved');
  await expect.poll(() => queries(ours), PATIENCE).toBeGreaterThan(999);
  await expect(ours).toHaveAttribute('data-label', String(label));

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
  await button(page, 'min_norm').click();
  await expect(page.getByTestId('broken')).toHaveCount(2, PATIENCE);
  await page.getByRole('button', { name: 'Stop' }).click();
  for (const bracket of await page.getByTestId('bracket').all()) {
    const [proved, broken] = await Promise.all(
      ['data-proved', 'data-broken'].map((name) => bracket.getAttribute(name)),
    );
    expect(Number(broken)).toBeGreaterThan(Number(proved));
  }
  await expectOutcome(verdicts(page).ours, 'flipped');
});

test('what is painted by mouse stays within ε and in the range of pixels', async ({ page }) => {
  await attack(page, 'digit=0&eps=20');
  await button(page, 'paint').click();
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
  await button(page, 'paint').click();
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
  await expect(button(page, 'pgd')).toBeEnabled(PATIENCE);
  await button(page, 'pgd').click();
  const { ours, theirs } = verdicts(page);
  await expectOutcome(theirs, 'flipped');
  await expectOutcome(ours, 'proved');
  await expect(page.getByRole('button', { name: 'Stop' })).toBeDisabled(PATIENCE);
  await page.getByRole('button', { name: 'Share' }).click();
  await expect.poll(() => page.url()).toMatch(/result=/);
  const said = await Promise.all([ours.innerText(), theirs.innerText()]);

  const copy = await page.context().newPage();
  await copy.goto(page.url());
  const again = verdicts(copy);
  await expectOutcome(again.theirs, 'flipped');
  await expectOutcome(again.ours, 'proved');
  await expect(copy.getByTestId('link-note')).not.toBeEmpty();
  await expect(copy.getByTestId('link-note')).toHaveRole('status');
  expect(await Promise.all([again.ours.innerText(), again.theirs.innerText()])).toEqual(said);
});

test('a result is gone once something else is looked at, and a step back brings it again', async ({
  page,
}) => {
  await attack(page, 'digit=0&eps=20');
  await button(page, 'fgsm').click();
  await expectOutcome(verdicts(page).theirs, 'flipped');
  await page.getByRole('button', { name: 'Share' }).click();
  await expect.poll(() => page.url()).toMatch(/result=/);
  await page.getByRole('link', { name: 'Draw' }).click();
  await page.getByRole('button', { name: /^Test image 1,/ }).click();
  await expect.poll(() => page.url()).not.toMatch(/result=/);
  await page.getByRole('link', { name: 'Attack' }).click();
  await expect(button(page, 'fgsm')).toBeEnabled(PATIENCE);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.goBack();
  await page.goBack();
  await expectOutcome(verdicts(page).theirs, 'flipped');
  await expect(page.getByTestId('link-note')).not.toBeEmpty();
});

test('what was painted on one image is not judged on another', async ({ page }) => {
  await attack(page, 'digit=0&eps=200');
  await button(page, 'paint').click();
  await paint(page, [0.1, 0.5], [0.9, 0.5]);
  const ours = page.getByTestId('ours');
  const change = ours.getByTestId('perturbation');
  await expect(change).toContainText('≤ 200 levels', PATIENCE);
  // The other network is on its way for ever, so nothing new is painted meanwhile.
  await page.route('**/baseline/ibp*', () => {});
  await page.getByLabel('Which baseline').selectOption('ibp');
  await page.getByRole('button', { name: /^Test image 1,/ }).click();
  await expect(page.getByRole('button', { name: /^Test image 1,/ })).toHaveAttribute(
    'aria-pressed',
    'true',
  );
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
      found: [{ attack: 'pgd', queries: 9, steps: 1, perturbed: image }, null],
    },
    image,
  );
  const link = await writeLink({ ...DEFAULTS, view: 'attack', testImage: 0, result });
  await attack(page, link.replace('v=2&view=attack&', ''));
  await expect(page.getByRole('alert')).toContainText('0123456789abcdef');
  await attack(page, link.replace('v=2&view=attack&', '').slice(0, -20));
  await expect(page.getByRole('alert')).not.toContainText('0123456789abcdef');
  await expect(page.getByRole('alert')).toHaveAttribute('data-testid', 'link-note');
  await expect(page.getByRole('button', { name: /^Test image 0,/ })).toHaveAttribute(
    'aria-pressed',
    'true',
  );
});

test.describe('when the baseline does not load', () => {
  test.use({ expectedErrors: [/Failed to load resource/] });

  test('the page says so, ours goes on, and a retry works', async ({ page }) => {
    await page.route('**/baseline_bg*', (route) => route.abort());
    await page.goto('./#v=1&view=attack&digit=0');
    const column = page.getByTestId('theirs');
    await expect(column.getByRole('alert')).toBeVisible(PATIENCE);
    await expectOutcome(verdicts(page).ours, 'proved');
    await button(page, 'fgsm').click();
    await expect.poll(() => queries(verdicts(page).ours), PATIENCE).toBeGreaterThan(0);
    await expectOutcome(verdicts(page).ours, 'proved');
    await page.unroute('**/baseline_bg*');
    await column.getByRole('button', { name: 'Try again' }).click();
    await expectOutcome(column.getByTestId('verdict'), 'open');
  });
});

test.describe('when another network does not load', () => {
  test.use({ expectedErrors: [/Failed to load resource/] });

  test('nothing is said of the one before, and a retry works', async ({ page }) => {
    await attack(page, 'digit=0');
    const { ours } = verdicts(page);
    await expectOutcome(ours, 'proved');
    await page.route('**/models/mnist-eps0.1*', (route) => route.abort());
    await page.getByLabel('network', { exact: false }).first().selectOption('mnist-eps0.1');
    const panel = page.getByTestId('ours');
    await expect(panel.getByRole('alert')).toBeVisible(PATIENCE);
    await expect(ours).toHaveCount(0);
    await expect(page.getByTestId('bracket').first()).not.toHaveAttribute('data-proved');
    await expect(button(page, 'pgd')).toBeDisabled();
    await page.unroute('**/models/mnist-eps0.1*');
    await panel.getByRole('button', { name: 'Try again' }).click();
    await expect(ours).toHaveAttribute('data-outcome', /^(proved|open)$/, PATIENCE);
    await expect(button(page, 'pgd')).toBeEnabled(PATIENCE);
    await expect(page.locator('tr[data-in-use=false]')).toHaveCount(1);
  });
});

test('a verdict is told to those who hear it', async ({ page }) => {
  await attack(page, 'digit=0');
  const heard = page.getByTestId('ours').getByTestId('heard');
  await expect(heard).toHaveText(/^ℓ∞-dist net: .+/, PATIENCE);
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
    await button(page, 'fgsm').click();
    const notice = page.getByTestId('ours').getByRole('alert');
    await expect(notice).toBeVisible(PATIENCE);
    await expect(button(page, 'fgsm')).toBeEnabled(PATIENCE);
    await button(page, 'fgsm').click();
    await expect.poll(() => queries(ours), PATIENCE).toBeGreaterThan(0);
    await expectOutcome(ours, 'proved');
    await expect(notice).toHaveCount(0);
  });
});
