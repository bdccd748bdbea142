/** What a browser and a computer do to a page behind its back: sleep, another time, a cleared storage. */
import { execFileSync } from 'node:child_process';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { SEVEN, claim, draw, expect, test } from './page.ts';

/** A small network at a fixed p, long enough to be interrupted. */
const LONG =
  'tiny~images:320~batch:32~hidden:64~epochs_start:900~epochs_growth:0~epochs_inf:0~p_end:8' +
  '~epsilon_train:0.05~learning_rate:0.1';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const state = (page: Page) => page.getByTestId('state');
const stepOf = async (page: Page) => Number((await state(page).getAttribute('data-step')) ?? NaN);

async function train(page: Page, hyperparameters = LONG) {
  await page.goto(`./?device=cpu#v=1&view=train&train=${hyperparameters}`);
  await expect(button(page, 'Train')).toBeEnabled({ timeout: 45_000 });
  await button(page, 'Train').click();
  await expect(state(page)).toHaveAttribute('data-phase', 'running', { timeout: 60_000 });
  await expect.poll(() => stepOf(page)).toBeGreaterThan(5);
}

/** The step of the run that this tab has kept, once it has kept one beyond `after`. */
async function keptAfter(page: Page, after: number) {
  const kept = page.getByTestId('kept');
  const step = async () => Number((await kept.getAttribute('data-step')) ?? NaN);
  await expect.poll(step, { timeout: 60_000 }).toBeGreaterThan(after);
  return step();
}

async function send(context: BrowserContext, page: Page, lifecycle: 'frozen' | 'active') {
  const devtools = await context.newCDPSession(page);
  await devtools.send('Page.setWebLifecycleState', { state: lifecycle });
  await devtools.detach();
}

test('a tab that is frozen and thawed goes on training, and answers a pen', async ({
  page,
  context,
}) => {
  test.setTimeout(180_000);
  await train(page);
  await send(context, page, 'frozen');
  await new Promise((done) => setTimeout(done, 8_000));
  await send(context, page, 'active');
  const thawed = await stepOf(page);
  await expect.poll(() => stepOf(page), { timeout: 30_000 }).toBeGreaterThan(thawed);
  await expect(state(page)).toHaveAttribute('data-phase', 'running');
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.getByRole('link', { name: 'Draw', exact: true }).click();
  await draw(page, SEVEN);
  expect((await claim(page)).label).toBe(7);
});

test('a clock that is set a year back, or on, ends no run, and what is kept is offered', async ({
  page,
}) => {
  test.setTimeout(180_000);
  for (const years of [-1, 1]) {
    await train(page);
    await page.evaluate((years) => {
      const now = Date.now.bind(Date);
      Date.now = () => now() + years * 365 * 24 * 3_600_000;
    }, years);
    const before = await stepOf(page);
    await expect.poll(() => stepOf(page)).toBeGreaterThan(before);
    await button(page, 'Pause').click();
    await expect(state(page)).toHaveAttribute('data-phase', 'paused');
    const kept = await keptAfter(page, before);
    await page.reload();
    await expect(page.getByTestId('offer')).toHaveAttribute('data-step', String(kept));
    await button(page, 'Go on with it').click();
    await expect(state(page)).toHaveAttribute('data-phase', 'paused', { timeout: 30_000 });
    expect(await stepOf(page)).toBe(kept);
    await button(page, 'Reset').click();
  }
});

test('a storage that is cleared in the middle of a run is filled again', async ({
  page,
  context,
}) => {
  test.setTimeout(180_000);
  await train(page);
  await button(page, 'Pause').click();
  const kept = await keptAfter(page, 0);
  const devtools = await context.newCDPSession(page);
  const origin = new URL(page.url()).origin;
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  // On a busy machine it has not ended when that is answered.
  await page.waitForTimeout(3_000);
  await button(page, 'Resume').click();
  await expect.poll(() => stepOf(page)).toBeGreaterThan(kept);
  await button(page, 'Pause').click();
  const again = await keptAfter(page, kept);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.reload();
  await expect(page.getByTestId('offer')).toHaveAttribute('data-step', String(again));
});

/** Bytes of memory that the processes of the pages hold. */
async function resident(browser: Browser): Promise<number> {
  const devtools = await browser.newBrowserCDPSession();
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
  await devtools.detach();
  const ids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => String(id));
  const listed = execFileSync('ps', ['-o', 'rss=', '-p', ids.join(',')], { encoding: 'utf8' });
  const kilobytes = listed.trim().split(/\s+/).map(Number);
  return 1024 * kilobytes.reduce((sum, one) => sum + one, 0);
}

/** The least of some seconds: what is left when rubbish was collected. */
async function least(page: Page, browser: Browser): Promise<number> {
  const seen: number[] = [];
  for (let sample = 0; sample < 10; sample += 1) {
    await page.waitForTimeout(1_000);
    seen.push(await resident(browser));
  }
  return Math.min(...seen);
}

/** Seconds between the two looks; an hour is 3600. */
const SECONDS = Number(process.env['LINF_MEMORY_SECONDS'] ?? 20);

/** Expects that what goes on in the page holds hardly more memory later than at first. */
async function expectNoGrowth(page: Page, browser: Browser, what: string) {
  await page.waitForTimeout(10_000);
  const first = await least(page, browser);
  await page.waitForTimeout(1_000 * SECONDS);
  const last = await least(page, browser);
  const megabytes = [first, last].map((bytes) => Math.round(bytes / 2 ** 20));
  console.warn(`    ${what}: ${megabytes.join(' MB, then ')} MB ${SECONDS} seconds later`);
  expect(last).toBeLessThan(1.1 * first + 16 * 2 ** 20);
}

test('attacks without end take no more memory', async ({ page, browser }) => {
  test.setTimeout(1_000 * SECONDS + 180_000);
  await page.goto('./#v=1&view=attack&digit=0&eps=50');
  const random = page.locator('button[data-attack=random]');
  await expect(random).toBeEnabled({ timeout: 60_000 });
  await random.click();
  const verdict = page.getByTestId('ours').getByTestId('verdict');
  const queries = async () => Number(await verdict.getAttribute('data-queries'));
  await expect.poll(queries, { timeout: 60_000 }).toBeGreaterThan(1_000);
  const before = await queries();
  await expectNoGrowth(page, browser, 'random images');
  expect(await queries()).toBeGreaterThan(before);
});

test('training without end takes no more memory', async ({ page, browser }) => {
  test.setTimeout(1_000 * SECONDS + 180_000);
  // Enough for hours.
  const longer = { 'images:320': 'images:32000', 'hidden:64': 'hidden:256', '900': '1000' };
  const replaced = Object.entries(longer).reduce(
    (text, [from, to]) => text.replace(from, to),
    LONG,
  );
  await train(page, replaced);
  const before = await stepOf(page);
  await expectNoGrowth(page, browser, 'a run');
  expect(await stepOf(page)).toBeGreaterThan(before);
});
