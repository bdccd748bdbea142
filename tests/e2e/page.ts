/**
 * What every end-to-end test stands on: a page that must stay on its own host and raise no error,
 * and a hand that draws on it.
 */
import { test as base, expect, type Page } from '@playwright/test';

export { expect };

/** A path through the pad: `[x, y]` from 0 to 1, y downwards. */
export type Path = readonly (readonly [number, number])[];

/** A plain seven. */
export const SEVEN: Path[] = [
  [
    [0.26, 0.22],
    [0.74, 0.22],
    [0.66, 0.42],
    [0.55, 0.62],
    [0.46, 0.84],
  ],
];

export const test = base.extend<{
  /** Errors that a test expects of its page; the first line must match one of these. */
  expectedErrors: RegExp[];
  guard: undefined;
}>({
  expectedErrors: [[], { option: true }],
  guard: [
    async ({ context, expectedErrors }, use) => {
      const elsewhere: string[] = [];
      const errors: string[] = [];
      context.on('request', (request) => {
        const { protocol, hostname } = new URL(request.url());
        const isOwn = ['data:', 'blob:', 'file:'].includes(protocol) || hostname === 'localhost';
        if (!isOwn) elsewhere.push(request.url());
      });
      context.on('weberror', (error) => errors.push(String(error.error())));
      context.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      await use(undefined);
      expect(elsewhere, 'requests to another host').toEqual([]);
      const unexpected = errors.filter(
        (error) => !expectedErrors.some((pattern) => pattern.test(error)),
      );
      expect(unexpected, 'errors of the page').toEqual([]);
    },
    { auto: true },
  ],
});

/** Opens the page and waits until the network is there. */
export async function open(page: Page, hash = '') {
  await page.goto(`./${hash}`);
  await expect(page.getByRole('progressbar')).toHaveCount(0, { timeout: 20_000 });
  await expect(page.getByTestId('claim')).toBeVisible();
}

/** Draws with the mouse, as a hand does: down, along, up. */
export async function draw(page: Page, paths: readonly Path[]) {
  const box = await page.getByTestId('pad').boundingBox();
  if (!box) throw new Error('the pad is not on the page');
  for (const path of paths) {
    let before: readonly [number, number] | undefined;
    for (const [x, y] of path) {
      const length = before ? Math.hypot(x - before[0], y - before[1]) : 0;
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height, {
        steps: Math.max(1, Math.ceil(length / 0.08)),
      });
      if (!before) await page.mouse.down();
      before = [x, y];
    }
    await page.mouse.up();
  }
}

/** The claim of the page; label `null` where it names none. */
export async function claim(page: Page): Promise<{ label: number | null; radius: number }> {
  const headline = page.getByTestId('claim');
  const [label, radius] = await Promise.all(
    ['data-label', 'data-radius'].map((name) => headline.getAttribute(name)),
  );
  return { label: label == null ? null : Number(label), radius: Number(radius ?? 0) };
}

/** Expects a claim of the page: a label, or none for an empty pad. */
export async function expectLabel(page: Page, label: RegExp | string | null) {
  const headline = page.getByTestId('claim');
  if (label === null) await expect(headline).not.toHaveAttribute('data-radius');
  else await expect(headline).toHaveAttribute('data-label', label);
}

/** Every view by its link in the head of the page. */
export async function goTo(
  page: Page,
  view: 'Draw' | 'Attack' | 'Measure' | 'Train' | 'Learn' | 'About',
) {
  await page.getByRole('navigation').getByRole('link', { name: view, exact: true }).click();
}

/** Moves the slider of ε to `levels`, through the events that a hand causes. */
export async function setEpsilon(page: Page, levels: number) {
  await page.getByRole('slider').fill(String(levels));
}

/** Width in CSS pixels of a whisker of a class. */
export async function whisker(page: Page, kind: 'pale' | 'dark', label: number): Promise<number> {
  const box = await page.getByTestId(`${kind}-${label}`).boundingBox();
  return box?.width ?? NaN;
}
