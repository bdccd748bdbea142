/** After one visit the page opens without a network; no fault of a host spoils what is kept. */
import { createHash } from 'node:crypto';
import type { Page } from '@playwright/test';
import { DistServer } from './dist-server.ts';
import { SEVEN, draw, expect, expectLabel, goTo, open, test } from './page.ts';

test.use({
  serviceWorkers: 'allow',
  expectedErrors: [/Failed to load resource|sw\.js|bad-precaching/],
});

/** The addresses of all that is kept. */
const keptBy = (page: Page) =>
  page.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map(({ url }) => url.replace(/\?.*/, ''));
  });

/** Waits until files that match each pattern are kept; the page gives its first answer before. */
async function kept(page: Page, patterns: readonly RegExp[]) {
  await expect
    .poll(
      async () => {
        const urls = await keptBy(page);
        return patterns.filter((pattern) => !urls.some((url) => pattern.test(url))).map(String);
      },
      { timeout: 30_000 },
    )
    .toEqual([]);
}

/** Waits until a Worker is in charge, with all of its build. */
const inCharge = (page: Page) =>
  expect
    .poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state), { timeout: 30_000 })
    .toBe('activated');

const PAGE = [
  /index\.html$/,
  /index-.*\.js$/,
  /index-.*\.css$/,
  /certify_bg.*\.wasm$/,
  /mnist-eps0\.3-.*\.gz$/,
];

test('the page opens offline after one visit, Draw works, and what is only read can be read', async ({
  page,
  context,
}) => {
  await open(page);
  await kept(page, PAGE);
  await inCharge(page);
  await context.setOffline(true);
  await page.reload();
  await draw(page, SEVEN);
  await expectLabel(page, '7');
  await goTo(page, 'Learn');
  await expect(page.getByTestId('toy-claim')).toBeVisible();
  await goTo(page, 'About');
  await expect(page.getByRole('heading', { level: 2 }).first()).toBeVisible();
});

test('so does Train, on the shards that were fetched', async ({ page, context }) => {
  test.slow();
  await page.goto('./?device=cpu#v=1&view=train&train=tiny~images:64~batch:32~hidden:16');
  await page.getByRole('button', { name: 'One step' }).click({ timeout: 45_000 });
  const state = page.getByTestId('state');
  await expect(state).toHaveAttribute('data-phase', 'paused', { timeout: 45_000 });
  await page.getByRole('button', { name: 'Reset' }).click();
  await kept(page, [
    ...PAGE,
    /Train-.*\.js$/,
    /train\.worker-.*\.js$/,
    /train_bg.*\.wasm$/,
    /training\//,
  ]);
  await context.setOffline(true);
  await page.reload();
  await page.getByRole('button', { name: 'One step' }).click({ timeout: 45_000 });
  await expect(state).toHaveAttribute('data-phase', 'paused', { timeout: 45_000 });
  await expect(state).toHaveAttribute('data-step', '1');
});

test('nothing of what most visitors never need is fetched in advance', async ({ page }) => {
  await open(page);
  await kept(page, PAGE);
  const urls = await keptBy(page);
  expect(
    urls.filter(
      (url) =>
        /training\/|testing\/|\/(train|baseline|gpu|import|teach)_bg|worker|preview/.test(url) ||
        /(Attack|Measure|MyImages|OwnNetworks|Train)-|fashion/.test(url),
    ),
  ).toEqual([]);
  // What is there is the network, its module and the page's own scripts and styles.
  const scripts = urls.filter((url) => /\.(js|css)$/.test(url));
  const others = urls.filter((url) => !scripts.includes(url));
  const names = others.map((url) => url.replace(/^.*\//, '').replace(/-.*/, ''));
  expect(names.toSorted()).toEqual(['certify_bg', 'index.html', 'mnist', 'test']);
  const sizes = await page.evaluate(
    (all) =>
      Promise.all(all.map(async (url) => (await (await fetch(url)).arrayBuffer()).byteLength)),
    scripts,
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(400_000);
});

test.describe('on a host with faults', () => {
  const server = new DistServer();
  let address = '';

  test.describe.configure({ mode: 'serial' });
  test.beforeEach(async () => {
    server.fault = () => false;
    server.change = (_, file) => file;
    address = await server.start();
  });
  test.afterEach(() => server.stop());

  async function visit(page: Page) {
    await page.goto(address);
    await expect(page.getByRole('progressbar')).toHaveCount(0, { timeout: 20_000 });
  }

  test('a server that accepts and never answers opens the kept page', async ({ page }) => {
    await visit(page);
    await kept(page, PAGE);
    await inCharge(page);
    server.fault = () => true;
    await page.goto(address, { timeout: 15_000 });
    await draw(page, SEVEN);
    await expectLabel(page, '7');
  });

  test('a server that stops in the middle of the page opens the kept page', async ({ page }) => {
    await visit(page);
    await kept(page, PAGE);
    await inCharge(page);
    server.fault = (path, response) => {
      if (path !== 'index.html') return false;
      response.writeHead(200, { 'Content-Type': 'text/html' }).write('<!doctype html><title>');
      return true;
    };
    await page.goto(address, { timeout: 15_000 });
    await draw(page, SEVEN);
    await expectLabel(page, '7');
  });

  test('a host that leads from one address of the page to another opens it', async ({ page }) => {
    await visit(page);
    await kept(page, PAGE);
    await inCharge(page);
    let asked = 0;
    server.fault = (path, response) => {
      // As hosts do that hide the names of files.
      if (path !== 'index.html' || (asked += 1) > 1) return false;
      response.writeHead(302, { Location: './' }).end();
      return true;
    };
    await page.goto(`${address}index.html`);
    await draw(page, SEVEN);
    await expectLabel(page, '7');
    expect(asked).toBe(2);
  });

  test('a host that answers with an error opens the kept page', async ({ page }) => {
    await visit(page);
    await kept(page, PAGE);
    await inCharge(page);
    server.fault = (_, response) => {
      response.writeHead(503).end('<h1>Back soon</h1>');
      return true;
    };
    await page.goto(address);
    await draw(page, SEVEN);
    await expectLabel(page, '7');
  });

  test('a wrong answer with status 200 is not kept under the name of a file', async ({ page }) => {
    const isModule = (path: string) => /certify_bg.*\.wasm$/.test(path);
    const timesAsked = () => server.asked.filter(isModule).length;
    let isWrong = true;
    server.fault = (path, response) => {
      // The page itself gets it, the service worker, which asks for it again, does not.
      if (!isWrong || !isModule(path) || timesAsked() < 2) return false;
      // A fallback page, as hosts send it for whatever they do not find.
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><p>Welcome</p>');
      return true;
    };
    server.asked = [];
    await visit(page);
    await expect.poll(timesAsked, { timeout: 30_000 }).toBeGreaterThan(1);
    await page.waitForTimeout(2_000);
    expect((await keptBy(page)).filter((url) => /certify_bg/.test(url))).toEqual([]);
    // The next visit gets the true one.
    isWrong = false;
    await visit(page);
    await kept(page, PAGE);
  });

  test('a wrong body of what is kept later is shown once and not kept', async ({ page }) => {
    await visit(page);
    await kept(page, PAGE);
    await inCharge(page);
    const isModel = (path: string) => path.startsWith('models/mnist-eps0.1');
    server.change = (path, file) => (isModel(path) ? file.subarray(0, 1000) : file);
    const chooser = page.getByRole('combobox', { name: 'network' });
    await chooser.selectOption('mnist-eps0.1');
    await expect(page.getByRole('alert')).toBeVisible();
    server.change = (_, file) => file;
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await kept(page, [/mnist-eps0\.1/]);
  });

  /** The same page, published anew: another index, and another name of its first script. */
  const publishAnew: DistServer['change'] = (path, file) => {
    const renamed = (text: string) => text.replaceAll(/(assets\/index)-(?=[^"]*\.js)/g, '$1-anew-');
    const index = (html: string) => renamed(html).replace('<title>', '<title>Anew: ');
    if (path === 'index.html') return Buffer.from(index(file.toString()));
    if (path !== 'sw.js') return file;
    const digest = (text: string | Buffer) =>
      `sha256-${createHash('sha256').update(text).digest('base64')}`;
    return Buffer.from(
      renamed(file.toString()).replaceAll(digest(oldIndex), digest(index(oldIndex))),
    );
  };
  let oldIndex = '';
  /** The new script's name leads to the old file. */
  const withNewNames: DistServer['fault'] = (path, response) => {
    if (!path.includes('-anew-')) return false;
    void fetch(address + path.replace('-anew-', '-')).then(async (answer) => {
      response.setHeader('Content-Type', 'text/javascript');
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
    return true;
  };

  test('page and files change together when the page is published anew', async ({
    page,
    context,
  }) => {
    oldIndex = await (await fetch(address)).text();
    await visit(page);
    await kept(page, PAGE);
    await inCharge(page);
    server.change = publishAnew;
    server.fault = withNewNames;
    await visit(page);
    await kept(page, [/index-anew-.*\.js$/]);
    await expect
      .poll(async () => (await keptBy(page)).filter((url) => /index-(?!anew).*\.js$/.test(url)))
      .toEqual([]);
    await context.setOffline(true);
    await page.reload();
    await draw(page, SEVEN);
    await expectLabel(page, '7');
    expect(await page.locator('script[type=module]').getAttribute('src')).toContain('-anew-');
  });

  test('a publication that is there by half leaves the kept page whole', async ({
    page,
    context,
  }) => {
    oldIndex = await (await fetch(address)).text();
    await visit(page);
    await kept(page, PAGE);
    await inCharge(page);
    server.change = publishAnew;
    server.fault = (path, response) => {
      if (!path.includes('-anew-')) return false;
      response.writeHead(404).end();
      return true;
    };
    await page.goto(address);
    await expect
      .poll(() => server.asked.filter((path) => path === 'sw.js').length)
      .toBeGreaterThan(1);
    await page.waitForTimeout(2_000);
    await context.setOffline(true);
    await page.reload();
    await draw(page, SEVEN);
    await expectLabel(page, '7');
  });
});
