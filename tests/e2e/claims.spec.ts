/** What the page claims is what the state has, whoever else changes the document. */
import type { Page } from '@playwright/test';
import { SEVEN, draw, expect, expectLabel, goTo, open, test } from './page.ts';

/**
 * Replaces the text nodes of the page by others, as page translators do. One that is polite leaves
 * alone what is marked as not to be translated; one that lasts does it again after every change.
 */
async function translate(page: Page, manner: { isPolite: boolean; lasts: boolean }) {
  await page.evaluate(({ isPolite, lasts }) => {
    const translateAll = () => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const nodes: Text[] = [];
      while (walker.nextNode()) nodes.push(walker.currentNode as Text);
      for (const node of nodes) {
        const parent = node.parentElement;
        if (!parent || !node.data.trim() || parent.closest('font, script, style')) continue;
        if (isPolite && parent.closest('[translate=no]')) continue;
        const font = document.createElement('font');
        font.textContent = `«${node.data.trim()}»`;
        node.replaceWith(font);
      }
    };
    translateAll();
    if (lasts) {
      const changes = { childList: true, characterData: true, subtree: true };
      new MutationObserver(translateAll).observe(document.body, changes);
    }
  }, manner);
}

/** What the claims of the page say to those who see it; what is spoken follows a moment later. */
const claims = async (page: Page) => {
  await expect(page.locator('[data-claim=shown]').first()).toBeAttached();
  return page
    .locator('[data-claim=shown]')
    .evaluateAll((all) =>
      all
        .filter((one) => !one.closest('[role=status].unseen'))
        .map((one) => one.textContent?.replace(/\s+/g, ' ').trim()),
    );
};

/** The texts with a figure that a translator may replace. */
const unmarked = (page: Page) =>
  page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts: string[] = [];
    while (walker.nextNode()) {
      const { data, parentElement } = walker.currentNode as Text;
      const isMarked = parentElement?.closest('[translate=no], script, style, noscript') != null;
      if (!isMarked && /\d/.test(data)) texts.push(data.replace(/\s+/g, ' ').trim());
    }
    return texts.toSorted();
  });

for (const isPolite of [true, false]) {
  test(`claims follow the drawing after a translator that ${isPolite ? 'keeps to' : 'ignores'} the marks`, async ({
    page,
    context,
  }) => {
    await open(page, '#v=2&digit=0');
    await expectLabel(page, '7');
    await page.getByText('Why?').click();
    await translate(page, { isPolite, lasts: false });
    expect((await claims(page)).join()).not.toContain('«');
    await page.getByRole('button', { name: 'Test image 1,' }).click();
    await expectLabel(page, '2');
    const said = await claims(page);
    expect(said.length).toBeGreaterThan(5);
    expect(said.join()).not.toContain('«');
    await expect(page.getByTestId('spoken')).toHaveText(/^Two, [^«]*$/);

    const fresh = await context.newPage();
    await open(fresh, '#v=2&digit=1');
    await expectLabel(fresh, '2');
    await fresh.getByText('Why?').click();
    await expect(fresh.getByTestId('proof')).toBeVisible();
    expect(await claims(fresh)).toEqual(said);
  });
}

test('claims of Attack, Learn and About follow the state as well', async ({ page, context }) => {
  test.slow();
  for (const [view, before, after] of [
    ['Attack', '#v=2&view=attack&digit=0&eps=40', '#v=2&view=attack&digit=1&eps=40'],
    ['Learn', '#v=2&view=learn', '#v=2&view=learn&learn=32~20~200~inf~ours'],
    ['About', '#v=2&view=about', '#v=2&view=about&model=mnist-eps0.1'],
  ] as const) {
    const shown = async (of: Page, hash: string) => {
      if (view === 'Attack') {
        const outcome = of.getByTestId('ours').getByTestId('verdict');
        await expect(outcome).toHaveAttribute('data-outcome', /./, { timeout: 60_000 });
        const other = of.getByTestId('theirs').getByTestId('verdict');
        await expect(other).toHaveAttribute('data-outcome', /./, { timeout: 60_000 });
      }
      if (hash.includes('mnist-eps0.1')) {
        await expect(of.locator('[data-claim=shown]')).toContainText('mnist-eps0.1');
      }
      return claims(of);
    };
    const one = await context.newPage();
    await one.goto(`./${before}`);
    await shown(one, before);
    await translate(one, { isPolite: false, lasts: false });
    await one.evaluate((hash) => (location.hash = hash), after);
    const other = await context.newPage();
    await other.goto(`./${after}`);
    const wanted = await shown(other, after);
    await expect.poll(() => claims(one), { timeout: 60_000 }).toEqual(wanted);
    await one.close();
    await other.close();
  }
  await page.close();
});

test('every figure that changes is marked as not to be translated', async ({ page }) => {
  test.slow();
  const follow = (hash: string) => page.evaluate((to) => (location.hash = to), hash);
  for (const [view, before, after] of [
    ['draw', 'digit=0&eps=40', 'digit=1&eps=90'],
    ['attack', 'digit=0&eps=40', 'digit=1&eps=90&seed=7'],
    ['learn', 'learn=32~20~200~inf~ours', 'learn=33~90~120~8~theirs'],
    ['about', 'eps=40', 'model=mnist-eps0.1'],
  ] as const) {
    await page.goto(`./#v=2&view=${view}&${before}`);
    await expect(page.getByRole('progressbar')).toHaveCount(0, { timeout: 60_000 });
    if (view === 'draw') await page.getByText('Why?').click();
    const wait = async () => {
      for (const verdict of await page.getByTestId('verdict').all()) {
        await expect(verdict).toHaveAttribute('data-outcome', /./, { timeout: 60_000 });
      }
      // The address has been followed, and what is spoken has been said.
      await page.waitForTimeout(1_500);
    };
    await wait();
    const [figures, all] = [await unmarked(page), await page.locator('main').innerText()];
    await follow(`#v=2&view=${view}&${after}`);
    await wait();
    expect(await page.locator('main').innerText(), view).not.toBe(all);
    expect(await unmarked(page), view).toEqual(figures);
  }

  const look = 'tiny~images:320~batch:32~hidden:16';
  await page.goto(`./?device=cpu#v=2&view=train&train=${look}`);
  const step = page.getByRole('button', { name: 'One step' });
  await step.click({ timeout: 45_000 });
  const title = page.getByTestId('train-title');
  await expect(title).toHaveAttribute('data-images', '1000', { timeout: 45_000 });
  await expect(page.getByTestId('kept')).toHaveAttribute('data-step', '1');
  const figures = await unmarked(page);
  await step.click();
  await expect(page.getByTestId('kept')).toHaveAttribute('data-step', '2', { timeout: 45_000 });
  await page.waitForTimeout(1_500);
  expect(await unmarked(page), 'train').toEqual(figures);
});

test('a claim that somebody else keeps changing is withdrawn', async ({ page }) => {
  await open(page);
  await draw(page, SEVEN);
  await expectLabel(page, '7');
  await translate(page, { isPolite: false, lasts: true });
  const headline = page.getByTestId('claim');
  await expect(headline.locator('[data-claim=withdrawn]')).toBeVisible();
  await expect(headline.locator('[data-claim=shown]')).toHaveCount(0);
  // No number is left of it.
  await expect(headline).not.toContainText(/\d/);
});

test('the views have titles of their own', async ({ page }) => {
  await open(page);
  const titles = new Set([await page.title()]);
  for (const view of ['Attack', 'Measure', 'Train', 'Learn', 'About'] as const) {
    await goTo(page, view);
    await expect.poll(async () => titles.has(await page.title())).toBe(false);
    titles.add(await page.title());
  }
  expect(titles.size).toBe(6);
});
