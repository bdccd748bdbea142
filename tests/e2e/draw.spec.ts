/** The view in which one draws: what it shows, and every way to use it. */
import type { Page } from '@playwright/test';
import {
  SEVEN,
  claim,
  draw,
  expect,
  expectLabel,
  open,
  setEpsilon,
  test,
  whisker,
} from './page.ts';

test('an empty pad has no prediction', async ({ page }) => {
  await open(page);
  await expectLabel(page, null);
  expect((await claim(page)).label).toBeNull();
  await expect(page.getByTestId('mark')).toHaveCount(0);
  await expect(page.getByTestId('pale-0')).toHaveCount(0);
  await expect(page.getByTestId('proof')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Undo' })).toBeDisabled();
});

test('a stroke gets its label while the pen is still down', async ({ page }) => {
  await open(page);
  const box = (await page.getByTestId('pad').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  await page.mouse.move(box.x + 0.3 * box.width, box.y + 0.3 * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + 0.6 * box.width, box.y + 0.6 * box.height, { steps: 5 });
  await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[\d=]$/);
  await page.mouse.up();
});

test('undo takes back one stroke, clear all of them', async ({ page }) => {
  await open(page);
  const bars = [0.3, 0.5, 0.7].map((x) => [[x, 0.2], [x, 0.8]] as const); // prettier-ignore
  await draw(page, bars.slice(0, 1));
  const one = await page.getByTestId('claim').innerText();
  await draw(page, bars.slice(1, 2));
  await page.getByRole('button', { name: 'Undo' }).click();
  expect(await page.getByTestId('claim').innerText()).toBe(one);
  await draw(page, bars.slice(1));
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  expect(await page.getByTestId('claim').innerText()).toBe(one);
  await draw(page, bars.slice(1));
  await page.getByRole('button', { name: 'Clear' }).click();
  await expectLabel(page, null);
});

test('clearing the pad is taken back, and so is a drawing in the place of a test image', async ({
  page,
}) => {
  await open(page);
  await draw(page, SEVEN);
  await expectLabel(page, '7');
  await page.getByRole('button', { name: 'Clear' }).click();
  await expectLabel(page, null);
  const undo = page.getByRole('button', { name: 'Undo' });
  await undo.click();
  await expectLabel(page, '7');
  const two = page.getByRole('button', { name: 'Test image 1, labelled 2' });
  await two.click();
  await draw(page, SEVEN);
  await expect(two).toHaveAttribute('aria-pressed', 'false');
  await undo.click();
  await expect(two).toHaveAttribute('aria-pressed', 'true');
  await expectLabel(page, '2');
});

test('the slider of ε moves the whiskers, and none with it at 0', async ({ page }) => {
  await open(page);
  await draw(page, SEVEN);
  await setEpsilon(page, 0);
  expect(await whisker(page, 'pale', 4)).toBeLessThan(1);
  expect(await whisker(page, 'dark', 4)).toBeLessThan(1);
  await setEpsilon(page, 20);
  const [pale, dark] = [await whisker(page, 'pale', 4), await whisker(page, 'dark', 4)];
  expect(pale).toBeGreaterThan(4);
  expect(dark).toBeGreaterThan(0);
  expect(dark).toBeLessThanOrEqual(pale + 0.1);
  await setEpsilon(page, 40);
  expect(await whisker(page, 'pale', 4)).toBeGreaterThan(pale + 4);
  expect(await whisker(page, 'dark', 4)).toBeGreaterThan(dark);
});

test('a label is proved exactly as far as the mark on the slider', async ({ page }) => {
  await open(page);
  await draw(page, SEVEN);
  const { label, radius } = await claim(page);
  expect(radius).toBeGreaterThan(0);
  await setEpsilon(page, radius);
  const says = page.getByTestId('at-epsilon');
  await expect(says).toHaveAttribute('data-certified', 'true');
  await expect(says).toContainText(String(label));
  await setEpsilon(page, radius + 1);
  await expect(says).toHaveAttribute('data-certified', 'false');
  await expect(says).toHaveAttribute('data-open', /^\d( \d)*$/);
});

test('the proof has this drawing’s numbers, and they add up', async ({ page }) => {
  await open(page);
  await draw(page, SEVEN);
  await page.getByText('Why?').click();
  const proof = page.getByTestId('proof');
  type Proof = Record<'margin' | 'least' | 'most', string> & Record<'lipschitz' | 'ibp', number>;
  const numbers = JSON.parse((await proof.getAttribute('data-proof')) ?? '') as Proof;
  const number = (text: string) => Number(text.replace('−', '-'));
  const [margin, least, most] = [numbers.margin, numbers.least, numbers.most].map(number);
  if (margin === undefined || least === undefined || most === undefined) throw new Error();
  const radius = Math.floor(100 * numbers.lipschitz) / 100;
  const tight = Math.floor(100 * numbers.ibp) / 100;
  // They are what the page says.
  const said = await proof.innerText();
  for (const one of [numbers.margin, radius.toFixed(2), tight.toFixed(2), numbers.least]) {
    expect(said).toContain(one);
  }
  const scale = Number(/1\/(\d+) level/.exec(await page.locator('main').innerText())?.[1]);
  expect(2 * radius).toBeLessThan(margin);
  // In ticks, of which a level has `scale`, and cut to hundredths of a level as the margin is.
  const ticks = Math.floor((Math.ceil(margin * scale) - 1) / 2);
  expect(radius).toBe(Math.floor((100 * ticks) / scale) / 100);
  expect(tight).toBeGreaterThanOrEqual(radius);
  expect(least).toBeGreaterThan(most);
  expect((await claim(page)).radius).toBe(Math.floor(tight));
});

test('the critical pixels are marked by two shapes', async ({ page }) => {
  await open(page);
  await draw(page, SEVEN);
  // Of each of the two members of the network.
  await expect(page.getByTestId('mark')).toHaveCount(4);
  await expect(page.getByTestId('mark').locator('circle.label')).toHaveCount(2);
  await expect(page.getByTestId('mark').locator('path.runner-up')).toHaveCount(2);
  for (const of of ['label', 'runner-up']) {
    await expect(page.getByTestId(`critical-${of}`)).toContainText(/\(\d+,\s\d+\)/);
  }
});

test('a test digit is taken as it is, says its number, and undo brings the drawing back', async ({
  page,
}) => {
  await open(page);
  await draw(page, SEVEN);
  const drawn = await page.getByTestId('claim').innerText();
  const buttons = page.getByRole('button', { name: /^Test image/ });
  await expect(buttons).toHaveCount(20);
  // The first image of MNIST's test set is a seven.
  const first = page.getByRole('button', { name: 'Test image 0, labelled 7' });
  await first.click();
  await expect(first).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByTestId('picked')).toContainText(/0.*7/);
  await page.getByRole('button', { name: 'Undo' }).click();
  expect(await page.getByTestId('claim').innerText()).toBe(drawn);
});

test('a link carries ε and the drawing, or ε and the test digit, and nothing of the defaults', async ({
  page,
}) => {
  await open(page);
  const hash = () => new URL(page.url()).hash;
  await page.waitForTimeout(800);
  expect(hash()).toBe('');
  await draw(page, SEVEN);
  await setEpsilon(page, 33);
  await expect.poll(hash).toMatch(/^#v=2&eps=33&ink=[\w-]+$/);
  const link = hash();
  const proof = page.getByTestId('proof');
  await page.getByText('Why?').click();
  const words = await proof.innerText();

  const copy = await page.context().newPage();
  await open(copy, link);
  await expect(copy.getByRole('slider')).toHaveValue('33');
  await copy.getByText('Why?').click();
  await expect(copy.getByTestId('proof')).toBeVisible();
  expect(await copy.getByTestId('proof').innerText()).toBe(words);

  await page.getByRole('button', { name: 'Test image 0, labelled 7' }).click();
  await expect.poll(hash).toBe('#v=2&eps=33&digit=0');
  await open(copy, '#v=1&digit=0&eps=255');
  await expect(copy.getByTestId('picked')).toContainText(/0.*7/);
});

test('an address that is changed just as another is to be written is followed', async ({
  page,
}) => {
  await open(page, '#v=1&digit=3');
  await setEpsilon(page, 33);
  await page.evaluate(() => {
    // Until the page is overdue to write its own.
    const end = performance.now() + 1000;
    while (performance.now() < end);
    location.hash = '#v=1&digit=0';
  });
  await expect(page.getByTestId('picked')).toContainText(/0.*7/);
  await page.waitForTimeout(800);
  expect(new URL(page.url()).hash).toBe('#v=2&digit=0');
  await expect(page.getByRole('slider')).toHaveValue('60');
});

test('a link that makes no sense opens an empty pad', async ({ page }) => {
  for (const hash of ['#v=1&ink=!!!', '#v=1&ink=_____w', '#v=9&eps=3', '#v=1&eps=999&digit=x']) {
    await open(page, hash);
    await expectLabel(page, null);
    await expect(page.getByRole('slider')).toHaveValue('60');
  }
});

test('on a phone the marks lie on the picture, whatever stands beside it', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await open(page, '#v=1&digit=1');
  const seen = page.getByRole('region', { name: 'What the network sees' });
  await expect(seen.getByTestId('mark').first()).toBeVisible();
  const picture = await seen.locator('canvas').boundingBox();
  const marks = await seen.locator('.image > svg').boundingBox();
  expect(picture?.height).toBeGreaterThan(100);
  for (const side of ['x', 'y', 'width', 'height'] as const) {
    expect(marks?.[side]).toBeCloseTo(picture?.[side] ?? NaN, 0);
  }
});

test('what cannot be read of a link is named', async ({ page }) => {
  for (const hash of ['#v=1&ink=!!!', '#v=1&pixels=abc']) {
    await open(page, hash);
    await expect(page.getByTestId('notice')).toContainText(/the (drawing|image)/);
  }
  await open(page, '#v=1&digit=99999');
  await expect(page.getByTestId('notice')).toContainText('99999');
  await open(page, '#v=1&eps=300&seed=5&tomorrow=1');
  await expect(page.getByTestId('notice')).toContainText(/ε and “tomorrow”/);
  await open(page, '#v=2');
  await expect(page.getByTestId('notice')).toHaveText('');
});

test('a pen takes over from the palm that touched the pad first', async ({ page }) => {
  await open(page);
  const pad = page.getByTestId('pad');
  const pointer = (type: string, pointerType: string, x: number, y: number) =>
    pad.evaluate(
      (board, [kind, how, dx, dy]) => {
        const box = board.getBoundingClientRect();
        const pointerId = how === 'pen' ? 2 : 1;
        // Only a pointer that exists can be captured, and these do not.
        board.setPointerCapture = () => {};
        board.dispatchEvent(
          new PointerEvent(kind, {
            pointerId,
            pointerType: how,
            bubbles: true,
            clientX: box.left + dx * box.width,
            clientY: box.top + dy * box.height,
          }),
        );
      },
      [type, pointerType, x, y] as const,
    );
  await pointer('pointerdown', 'touch', 0.9, 0.9);
  await pointer('pointerdown', 'pen', 0.3, 0.3);
  await pointer('pointermove', 'touch', 0.8, 0.9);
  await pointer('pointermove', 'pen', 0.6, 0.3);
  await pointer('pointerup', 'pen', 0.6, 0.3);
  await expect.poll(() => page.url()).toContain('ink=');
  await page.getByRole('button', { name: 'Undo' }).click();
  // There was only the pen's stroke.
  await expectLabel(page, null);
});

test('the result is spoken once the pen rests', async ({ page }) => {
  await open(page);
  await draw(page, SEVEN);
  const { radius } = await claim(page);
  await expect(page.getByTestId('spoken')).toHaveText(new RegExp(`^Seven, .*\\b${radius} of 255`));
});

test('the page works by keyboard alone', async ({ page }) => {
  await open(page);
  // The links to the views come first.
  for (let view = 0; view < 6; view += 1) await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'About' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('combobox', { name: 'network' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Manage' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByTestId('pad')).toBeFocused();
  // A one: down to the foot, straight, with pen up on the way to its start.
  await page.keyboard.press('Space');
  for (let step = 0; step < 16; step += 1) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[\d=]$/);
  const one = await page.getByTestId('claim').innerText();
  // With the pen up, moving draws nothing.
  await page.keyboard.press('ArrowRight');
  expect(await page.getByTestId('claim').innerText()).toBe(one);
  await page.keyboard.press('Backspace');
  await expectLabel(page, null);
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Delete');
  await expectLabel(page, null);

  // Undo and clear can be reached on an empty pad too: whoever used them stays there.
  for (const name of ['Undo', 'Clear']) {
    await page.keyboard.press('Tab');
    await expect(page.getByRole('button', { name })).toBeFocused();
  }
  // The ten labels come next, and the visitor's images.
  const labels = page.getByRole('group', { name: 'It is …' }).getByRole('button');
  for (const label of await labels.all()) {
    await page.keyboard.press('Tab');
    await expect(label).toBeFocused();
  }
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'My images' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: /^Test image/ }).first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('picked')).toContainText(/\d/);
  await page.getByRole('slider').focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('slider')).toHaveValue('61');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('proof')).toBeVisible();
});

/** Where each card of the view is, in pixels of the document. */
const places = (page: Page) =>
  page.locator('section').evaluateAll((sections) =>
    sections.map((section) => {
      const { x, y, width, height } = section.getBoundingClientRect();
      return [x, y + scrollY, width, height].map(Math.round).join(' ');
    }),
  );

test('nothing moves on the page when a result comes', async ({ page }) => {
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await open(page);
    const before = await places(page);
    await draw(page, SEVEN);
    expect(await places(page)).toEqual(before);
    await setEpsilon(page, 255);
    expect(await places(page)).toEqual(before);
    await page.getByRole('button', { name: 'Clear' }).click();
    expect(await places(page)).toEqual(before);
  }
});

test('nothing moves on the page when the test images come', async ({ page }) => {
  for (const width of [1280, 360]) {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/test-images-*', async (route) => {
      await held;
      await route.continue();
    });
    await page.setViewportSize({ width, height: 800 });
    await open(page);
    const images = page.getByRole('button', { name: /^Test image/ });
    await expect(images).toHaveCount(0);
    const before = await places(page);
    release();
    await expect(images.first()).toBeVisible();
    expect(await places(page)).toEqual(before);
    await page.unroute('**/test-images-*');
  }
});

test('all that answers a stroke fits a desktop screen, and no page is wider than its screen', async ({
  page,
}) => {
  for (const width of [1280, 820, 360, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await open(page);
    await draw(page, SEVEN);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    // What is taken home lies below.
    const why = await page.getByRole('region', { name: 'Why' }).boundingBox();
    if (width === 1280) expect((why?.y ?? 800) + (why?.height ?? 0)).toBeLessThanOrEqual(800);
  }
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test('a finger draws, the page does not scroll under it, and the tap that follows counts', async ({
    page,
  }) => {
    await open(page);
    const box = await page.getByTestId('pad').boundingBox();
    if (!box) throw new Error('the pad is not on the page');
    const finger = await page.context().newCDPSession(page);
    const point = (part: number) => ({
      x: Math.round(box.x + 0.5 * box.width),
      y: Math.round(box.y + part * box.height),
    });
    const touch = (type: 'touchStart' | 'touchMove', part: number) =>
      finger.send('Input.dispatchTouchEvent', { type, touchPoints: [point(part)] });
    await touch('touchStart', 0.85);
    for (let part = 0.8; part >= 0.15; part -= 0.05) await touch('touchMove', part);
    await finger.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[\d=]$/);
    expect(await page.evaluate(() => scrollY)).toBe(0);

    await page.getByRole('button', { name: 'Clear' }).tap();
    await expectLabel(page, null);
  });

  test('every control is large enough for a finger', async ({ page }) => {
    await open(page);
    const small = await page
      // Whoever picks a file touches the label.
      .locator('button:visible, summary:visible, input:visible:not(.unseen), label.button:visible')
      .evaluateAll((controls) =>
        controls
          .map((control) => control.getBoundingClientRect())
          .filter(({ width, height }) => width < 44 || height < 44)
          .map(({ width, height }) => `${width} × ${height}`),
      );
    expect(small).toEqual([]);
  });
});
