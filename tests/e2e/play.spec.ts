/** *Play*: two networks learn in the tab, what they prove is looked up, and a link brings a game back. */
import type { Page } from '@playwright/test';
import { violations } from './axe.ts';
import { expect, test } from './page.ts';

const address = (play = '') => `./#v=2&view=learn${play && `&play=${play}`}`;
const link = (page: Page) => new URLSearchParams(new URL(page.url()).hash.slice(1)).get('play');
const main = (page: Page) => page.getByTestId('play-main');
const state = (page: Page) => page.getByTestId('play-state');
const number = async (page: Page, id: string, name: string) =>
  Number(await page.getByTestId(id).getAttribute(`data-${name}`));

async function reach(page: Page, phase: string, timeout = 30_000) {
  await expect(state(page)).toHaveAttribute('data-phase', phase, { timeout });
}

/** The share of the points that a network certifies at ε. */
async function certified(page: Page, which: 'ours' | 'relu'): Promise<number> {
  const id = `play-${which}`;
  return (await number(page, id, 'certified')) / (await number(page, id, 'points'));
}

/** Nothing that was looked up contradicts a proof, and all of it is of what is shown. */
async function isConsistent(page: Page) {
  for (const which of ['ours', 'relu'] as const) {
    const [shown, truth] = [`play-${which}`, `play-${which}-truth`];
    for (const name of ['step', 'epsilon']) {
      await expect.poll(() => number(page, truth, name)).toBe(await number(page, shown, name));
    }
    expect(await number(page, truth, 'robust')).toBeGreaterThanOrEqual(
      await number(page, shown, 'certified'),
    );
  }
  await expect(page.locator('[data-claim=withdrawn]')).toHaveCount(0);
  expect(await number(page, 'play-state', 'contradictions')).toBe(0);
  for (const which of ['ours', 'relu']) {
    expect(await number(page, `play-${which}-truth`, 'others')).toBe(0);
  }
}

test('circles: nearly all points are certified, more than of the ReLU net, and the look-up agrees', async ({
  page,
}) => {
  test.setTimeout(120_000);
  await page.goto(address());
  await main(page).click();
  await reach(page, 'running', 45_000);
  const began = Date.now();
  const frames = new Set<number>();
  while ((await state(page).getAttribute('data-phase')) === 'running') {
    frames.add(Math.round(await number(page, 'play-state', 'fps')));
    expect(await number(page, 'play-state', 'contradictions')).toBe(0);
    await page.waitForTimeout(250);
  }
  const seconds = (Date.now() - began) / 1000;
  await reach(page, 'done');
  await isConsistent(page);
  // A game that rests draws nothing.
  await expect(state(page)).not.toHaveAttribute('data-fps');
  const [ours, relu] = [await certified(page, 'ours'), await certified(page, 'relu')];
  test.info().annotations.push({
    type: 'play',
    description: `${seconds.toFixed(1)} s, ${ours} and ${relu} certified; frames a second: ${[...frames].join(' ')}`,
  });
  expect(ours).toBeGreaterThanOrEqual(0.95);
  expect(relu).toBeLessThan(ours);
  // What was looked up is more than nothing.
  expect(await number(page, 'play-state', 'lookups')).toBeGreaterThan(1_000_000);
});

test('a link restores a game, and only what differs from a preset is in it', async ({ page }) => {
  await page.goto(address('low-p~seed:7~epsilon:9'));
  await expect(page.locator('#play-pEnd')).toHaveValue('2');
  await page.getByText('Change the points').click();
  await expect(page.locator('#play-seed')).toHaveValue('7');
  await expect(page.locator('#play-epsilon')).toHaveValue('9');
  await page.locator('#play-width').selectOption('16');
  await expect.poll(() => link(page)).toBe('low-p~seed:7~width:16~epsilon:9');
  await page.reload();
  await expect(page.locator('#play-width')).toHaveValue('16');
  await page.locator('[data-preset=circles]').click();
  await expect.poll(() => link(page)).toBe(null);
  await expect(page.locator('[data-preset=circles]')).toHaveAttribute('aria-pressed', 'true');
});

test('a figure names the step and the ε that it is of, and one of another ε is blank', async ({
  page,
}) => {
  test.setTimeout(90_000);
  await page.goto(address('circles~steps:4800'));
  await main(page).click();
  await reach(page, 'running', 45_000);
  const read = () =>
    page.evaluate(() => {
      const of = (id: string) => document.querySelector<HTMLElement>(`[data-testid=${id}]`);
      const [net, truth] = [of('play-ours'), of('play-ours-truth')];
      const head = truth?.querySelector('th')?.innerText ?? '';
      return {
        ...{ step: net?.dataset.step, looked: truth?.dataset.step },
        ...{ isOlder: truth?.classList.contains('older'), head: head.replace(/[^\d ]/g, '') },
      };
    });
  // While it trains, what was looked up is of an older step, which it says.
  let older = 0;
  await expect
    .poll(async () => {
      const { step, looked, isOlder, head } = await read();
      if (looked === undefined) return 0;
      expect(isOlder).toBe(step !== looked);
      expect(head.split(' ')).toContain(looked);
      return (older += Number(isOlder));
    })
    .toBeGreaterThan(2);
  await main(page).click();
  await reach(page, 'paused');
  await isConsistent(page);

  await page.getByText('Change the points').click();
  // The slider moves, and is read before the Worker can answer: it answers in another task.
  const moved = await page.locator('#play-epsilon').evaluate(async (slider: HTMLInputElement) => {
    const of = (id: string) => document.querySelector<HTMLElement>(`[data-testid=${id}]`);
    slider.value = '5';
    slider.dispatchEvent(new InputEvent('input', { bubbles: true }));
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    const [net, truth] = [of('play-ours'), of('play-ours-truth')];
    return {
      ...{ of: net?.dataset.epsilon, looked: truth?.dataset.epsilon },
      ...{ robust: truth?.dataset.robust, shown: truth?.querySelector('td')?.innerText },
    };
  });
  expect(moved).toEqual({ of: '5', looked: '16', shown: '–' });
  await expect(page.getByTestId('play-ours-truth')).toHaveAttribute('data-epsilon', '5');
  await isConsistent(page);

  // A link that is followed moves ε as the slider does.
  await page.evaluate(() => (location.hash = location.hash.replace('epsilon:5', 'epsilon:40')));
  await expect(page.getByTestId('play-ours-truth')).toHaveAttribute('data-epsilon', '40');
  await isConsistent(page);
});

test('the link of a game that rests leads to the same step and the same networks', async ({
  page,
}) => {
  test.setTimeout(120_000);
  await page.goto(address('circles~steps:2400'));
  await main(page).click();
  await reach(page, 'running', 45_000);
  await expect.poll(() => number(page, 'play-state', 'step')).toBeGreaterThan(5);
  await main(page).click();
  await reach(page, 'paused');
  const step = await number(page, 'play-state', 'step');
  const shown = () =>
    Promise.all(
      ['play-ours', 'play-relu'].map((id) =>
        page.getByTestId(id).getByRole('cell').allInnerTexts(),
      ),
    );
  await isConsistent(page);
  const before = await shown();
  await page.getByRole('button', { name: 'Colour by the pixel' }).click();
  await expect.poll(() => link(page)).toBe(`circles~steps:2400~colours:pixels~step:${step}`);
  await page.reload();
  await main(page).click();
  await reach(page, 'paused', 60_000);
  await expect(state(page)).toHaveAttribute('data-step', String(step));
  await expect(page.getByRole('button', { name: 'Colour by the pixel' })).toHaveAttribute(
    'aria-pressed',
    'true',
  );
  await isConsistent(page);
  const after = await shown();
  // Loss and accuracy are of the steps since the frame before, which depend on the clock.
  expect(after.map((cells) => cells.toSpliced(2, 2))).toEqual(
    before.map((cells) => cells.toSpliced(2, 2)),
  );
  // A game that was changed on its way cannot be sent, which is said.
  await page.getByText('Change the points').click();
  await page.locator('#play-learningRate').selectOption('0.05');
  await expect(page.getByTestId('play-changed')).toContainText(step.toLocaleString('en'));
  await expect.poll(() => link(page)).not.toContain(`step:${step}`);
});

test('a damaged link says so', async ({ page }) => {
  await page.goto(address('circles~data:own~points:3.0011100222'));
  await expect(page.getByTestId('notice')).toContainText('Play');
  await expect(page.locator('[data-preset=circles]')).toHaveAttribute('aria-pressed', 'true');
});

test('by keyboard: step, play, pause, change ε, reset', async ({ page }) => {
  test.setTimeout(90_000);
  await page.goto(address('circles~steps:4800'));
  const button = (name: string) =>
    page.getByRole('region', { name: /^Play/ }).getByRole('button', { name, exact: true });
  await button('One step').focus();
  await page.keyboard.press('Enter');
  await reach(page, 'paused', 45_000);
  await expect(state(page)).toHaveAttribute('data-step', '1');
  await expect(page.getByTestId('play-spoken')).toContainText('1');
  await page.keyboard.press('Enter');
  await expect(state(page)).toHaveAttribute('data-step', '2');
  await main(page).focus();
  await page.keyboard.press('Enter');
  await reach(page, 'running');
  await expect.poll(() => number(page, 'play-state', 'step')).toBeGreaterThan(5);
  await page.keyboard.press('Enter');
  await reach(page, 'paused');
  await page.getByText('Change the points').click();
  const before = await number(page, 'play-ours', 'certified');
  await page.locator('#play-epsilon').focus();
  await page.keyboard.press('Home');
  await expect.poll(() => number(page, 'play-ours', 'certified')).toBeGreaterThanOrEqual(before);
  // The same game goes on.
  await reach(page, 'paused');
  await isConsistent(page);
  const units = page.getByRole('group', { name: 'Neurons of the first layer' }).getByRole('button');
  await units.first().focus();
  await page.keyboard.press('Enter');
  await expect(units.first()).toHaveAttribute('aria-pressed', 'true');
  const step = await number(page, 'play-state', 'step');
  await main(page).focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => number(page, 'play-state', 'step')).toBeGreaterThan(step);
  await expect(units).toHaveCount(0);
  await button('Reset').click();
  await reach(page, 'empty');
});

test('points are set by hand and by pointer, and learned', async ({ page }) => {
  test.setTimeout(90_000);
  await page.goto(address('circles~data:own~classes:3~steps:300'));
  await expect(main(page)).toHaveAttribute('aria-disabled', 'true');
  const plane = page.getByRole('img', { name: /^The points to learn. The ℓ∞-dist net/ });
  const box = (await plane.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  await page.getByText('Change the points').click();
  for (const [at, name] of ['A disc', 'B triangle', 'C diamond'].entries()) {
    await page.getByRole('button', { name }).click();
    for (const shift of [0, 0.1]) {
      await plane.click({
        position: { x: (0.2 + 0.25 * at + shift) * box.width, y: (0.3 + 0.2 * at) * box.height },
      });
    }
  }
  await page.getByRole('spinbutton', { name: 'pixel 1' }).fill('5');
  await page.getByRole('button', { name: 'Add the point' }).click();
  await expect(state(page)).toContainText('7');
  await main(page).click();
  await reach(page, 'done', 60_000);
  expect(await number(page, 'play-ours', 'points')).toBe(7);
  await isConsistent(page);
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test.describe(() => {
      test.use({ colorScheme, viewport: { width, height: 800 } });

      test(`axe finds no violation in Play, ${colorScheme}, ${width} px`, async ({ page }) => {
        test.setTimeout(90_000);
        await page.goto(address('circles~data:blobs~classes:4~steps:600'));
        await main(page).click();
        await reach(page, 'done', 60_000);
        await page.getByText('Change the points').click();
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
        await page.getByRole('region', { name: /^Play/ }).screenshot({
          path: `tests/e2e/artifacts/screenshots/${width}-${colorScheme}-play.png`,
        });
      });
    });
  }
}
