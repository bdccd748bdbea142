/** From a cold start to the first answer; and every way in which that fails. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { DistServer } from './dist-server.ts';
import { SEVEN, claim, draw, expect, expectLabel, goTo, open, setEpsilon, test } from './page.ts';
import { modelOfBias } from './tiny-model.ts';

const DIST = join(import.meta.dirname, '../../dist');

/** Answers downloads of the network with what `change` makes of its file, as it lies on disk. */
async function changeModel(page: Page, change: (gzip: Buffer) => Buffer) {
  await page.route('**/models/*.gz', async (route) => {
    const gzip = await readFile(join(DIST, new URL(route.request().url()).pathname));
    await route.fulfill({ contentType: 'application/gzip', body: change(gzip) });
  });
}

test('the first certificate of a cold start comes soon: the median of five', async ({
  browser,
}) => {
  const times: number[] = [];
  for (let start = 0; start < 5; start += 1) {
    // A context of its own has an empty cache.
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto('./#v=1&digit=0');
    await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[\d=]$/);
    const mark = await page.evaluate(
      () => performance.getEntriesByName('first-certificate')[0]?.startTime,
    );
    times.push(Math.round(mark ?? NaN));
    await context.close();
  }
  const median = times.toSorted((a, b) => a - b)[2];
  console.warn(
    `    cold start: first certificate after ${times.join(', ')} ms; median ${median} ms`,
  );
  // The aim is a second. Five are for machines that do other work: the figure above counts.
  expect(median).toBeLessThan(5000);
});

test('a drawing that began before the network came is answered when it comes', async ({ page }) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/models/*.gz', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto('./');
  await expect(page.getByRole('progressbar')).toBeVisible();
  await draw(page, SEVEN);
  await expect(page.getByTestId('claim').locator('.label')).toHaveText('');
  release();
  await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[\d=]$/);
});

test('the page works under any path, whether or not the server declares .gz files as encoded', async ({
  page,
}) => {
  const types: Record<string, string> = {
    '.css': 'text/css',
    '.js': 'text/javascript',
    '.svg': 'image/svg+xml',
    '.wasm': 'application/wasm',
  };
  let encoded = false;
  const server = createServer((request, response) => {
    const path =
      new URL(request.url ?? '', 'http://localhost').pathname.slice('/some/where/'.length) ||
      'index.html';
    readFile(join(DIST, path)).then(
      (file) => {
        response.setHeader('Content-Type', types[extname(path)] ?? 'text/html');
        if (encoded && path.endsWith('.gz')) response.setHeader('Content-Encoding', 'gzip');
        response.end(file);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  for (encoded of [false, true]) {
    await page.goto(`http://localhost:${port}/some/where/?${encoded}`);
    await expect(page.getByRole('progressbar')).toHaveCount(0);
    await draw(page, SEVEN);
    await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[\d=]$/);
  }
  server.closeAllConnections();
  server.close();
});

test.describe('when the download fails', () => {
  test.use({ expectedErrors: [/Failed to load resource/] });

  test('the page says so, keeps the drawing, and a retry works', async ({ page }) => {
    await page.route('**/models/*.gz', (route) => route.abort());
    await page.goto('./');
    await expect(page.getByRole('alert')).toContainText('could not be reached');
    await draw(page, SEVEN);
    await page.unroute('**/models/*.gz');
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expect(page.getByTestId('claim').locator('.label')).toHaveText(/^[\d=]$/);
  });

  test('a missing file is named with its status', async ({ page }) => {
    await page.route('**/models/*.gz', (route) => route.fulfill({ status: 404 }));
    await page.goto('./');
    await expect(page.getByRole('alert')).toContainText('status 404');
  });

  test('a program that does not load is named as well, and a retry works', async ({ page }) => {
    await page.route('**/*.wasm', (route) => route.abort());
    await page.goto('./');
    await expect(page.getByRole('alert')).toContainText(/program of this page/);
    await page.unroute('**/*.wasm');
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expectLabel(page, null);
    await expect(page.getByRole('progressbar')).toHaveCount(0);
  });
});

test.describe('when the test images do not load', () => {
  test.use({ expectedErrors: [/Failed to load resource/] });
  const hash = (page: Page) => new URL(page.url()).hash;

  test('a drawing takes the place of the digit that the link names', async ({ page }) => {
    await page.route('**/test-images-*', (route) => route.abort());
    await open(page, '#v=1&digit=0');
    await expect(page.getByTestId('picked')).toContainText('could not be reached');
    await draw(page, SEVEN);
    await expect.poll(() => hash(page)).toMatch(/^#v=2&ink=[\w-]+$/);
    await page.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => hash(page)).toBe('');
  });

  test('the link keeps its digit, also a later one, and a retry brings it', async ({ page }) => {
    await page.route('**/test-images-*', (route) => route.abort());
    await open(page, '#v=1&digit=3');
    const again = page.getByRole('button', { name: 'Load them again' });
    await again.click();
    await expect(page.getByTestId('picked')).toContainText('could not be reached');
    await page.evaluate(async () => {
      const followed = new Promise((resolve) =>
        addEventListener('hashchange', () => setTimeout(resolve), { once: true }),
      );
      location.hash = '#v=1&digit=0';
      await followed;
    });
    await setEpsilon(page, 33);
    await expect.poll(() => hash(page)).toBe('#v=2&eps=33&digit=0');
    await page.unroute('**/test-images-*');
    await again.click();
    await expect(page.getByTestId('picked')).toContainText(/0.*7/);
    await expect(again).toHaveCount(0);
    expect(hash(page)).toBe('#v=2&eps=33&digit=0');
  });
});

test('a truncated network says how much of it came', async ({ page }) => {
  await changeModel(page, (gzip) => gzip.subarray(0, Math.floor(gzip.length / 2)));
  await page.goto('./');
  await expect(page.getByRole('alert')).toContainText(/cut short: [\d,]+ of [\d,]+ bytes came/);
  await page.unrouteAll();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expectLabel(page, null);
  await expect(page.getByRole('progressbar')).toHaveCount(0);
});

test('a damaged network is recognised while it is unpacked', async ({ page }) => {
  await changeModel(page, (gzip) => {
    const damaged = Buffer.from(gzip);
    const middle = Math.floor(gzip.length / 2);
    damaged.fill(0xff, middle, middle + 64);
    return damaged;
  });
  await page.goto('./');
  await expect(page.getByRole('alert')).toContainText('damaged: it does not unpack');
});

test('a file that is no network is refused with the reason', async ({ page }) => {
  await changeModel(page, (gzip) => {
    // As long as the true one, so that only its contents can tell.
    const raw = gunzipSync(gzip);
    return gzipSync(raw.fill(0x7b), { level: 0 });
  });
  await page.goto('./');
  await expect(page.getByRole('alert')).toContainText(
    /The file of the network cannot be used: .{10,}/,
  );
});

test('a tie is called a tie, and has no label and no radius', async ({ page }) => {
  await changeModel(page, (gzip) =>
    modelOfBias([9, 9, 9, 0, 9, 9, 9, 9, 0, 9], gunzipSync(gzip).length),
  );
  await open(page);
  await draw(page, SEVEN);
  await expect(page.getByTestId('claim').locator('.label')).toHaveText('=');
  await expect(page.getByTestId('claim')).toContainText('3 and 8');
  expect(await claim(page)).toEqual({ label: null, radius: 0 });
  await expect(page.getByTestId('mark-ibp')).toHaveCount(0);
  await expect(page.getByTestId('at-epsilon')).not.toHaveAttribute('data-certified');
  await expect(page.getByTestId('spoken')).toHaveText(/three and eight/);
});

test('a label that one unit decides is not proved for any change, and the page says so', async ({
  page,
}) => {
  await changeModel(page, (gzip) =>
    modelOfBias([9, 9, 9, 9, 1, 9, 9, 9, 0, 9], gunzipSync(gzip).length),
  );
  await open(page);
  await draw(page, SEVEN);
  await expect(page.getByTestId('claim').locator('.label')).toHaveText('8');
  expect(await claim(page)).toEqual({ label: 8, radius: 0 });
  await expect(page.getByTestId('claim')).not.toContainText(/up to/);
  await expect(page.getByTestId('spoken')).toHaveText(/^Eight, [^\d]*$/);
  await page.getByText('Why?').click();
  await expect(page.getByTestId('proof')).toHaveAttribute('data-proof', /"lipschitz":0,"ibp":0,/);
});

test('a label proved for a part of a level is called so', async ({ page }) => {
  await changeModel(page, (gzip) =>
    modelOfBias([40, 40, 40, 40, 9, 40, 40, 40, 0, 40], gunzipSync(gzip).length),
  );
  await open(page);
  await draw(page, SEVEN);
  await expect(page.getByTestId('claim')).toContainText(/0\.\d+ of a level/);
  expect(await claim(page)).toEqual({ label: 8, radius: 0 });
  await expect(page.getByTestId('spoken')).toHaveText(/^Eight, .*0\.\d+ of a level$/);
});

test('the network’s recorded accuracies are shown, and the critical pixels count from 0', async ({
  page,
}) => {
  const bias = [9, 9, 9, 9, 1, 9, 9, 9, 0, 9];
  let accuracies: Record<string, string> = {};
  await changeModel(page, (gzip) => modelOfBias(bias, gunzipSync(gzip).length, accuracies));
  await open(page);
  await page.getByText('Why?').click();
  const network = page.getByTestId('network');
  await expect(network).toHaveAttribute('data-architecture', '784-10');
  await expect(page.getByTestId('accuracies')).toHaveCount(0);

  accuracies = { clean: '0.9896', certified_lipschitz: '0.9', certified_ibp: '0.9307' };
  await open(page);
  await page.getByText('Why?').click();
  const measured = page.getByTestId('accuracies');
  await expect(measured).toHaveAttribute('data-clean', '98.96 %');
  await expect(measured).toHaveAttribute('data-lipschitz', '90.00 %');
  await expect(measured).toHaveAttribute('data-ibp', '93.07 %');
  await expect(measured).toContainText(/98\.96 %.*90\.00 %.*93\.07 %/s);
  await expect(page.locator('summary')).toContainText(/98\.96 %.*93\.07 %.*0\.3/s);
  // Every unit of this network looks at the top left pixel.
  await draw(page, SEVEN);
  await expect(page.getByTestId('critical-label')).toContainText(/8: row 0, column 0,/);
});

test.describe('where the page’s own script does not run, the page says why', () => {
  test.use({ expectedErrors: [/./] });
  const cause = (page: Page) => page.locator('.before');

  test('opened from a file', async ({ page }) => {
    await page.goto(pathToFileURL(join(DIST, 'index.html')).href);
    await expect(cause(page)).toHaveAttribute('data-cause', 'file');
  });

  test('at an address without the slash at its end, with the link to the right one', async ({
    page,
  }) => {
    const server = new DistServer();
    const address = await server.start();
    // The folder’s page for its name, as some hosts answer; all that it asks for is one level up.
    server.fault = (path, response) => {
      if (path !== 'linf') return false;
      void readFile(join(DIST, 'index.html')).then((html) => {
        response.setHeader('Content-Type', 'text/html');
        response.end(html);
      });
      return true;
    };
    server.rename = (path) =>
      path.startsWith('linf/') ? path.slice(5) || 'index.html' : `nowhere/${path}`;
    await page.goto(`${address}linf#v=2&digit=0`);
    await expect(cause(page)).toHaveAttribute('data-cause', 'slash');
    await cause(page).getByRole('link').click();
    await expectLabel(page, '7');
    expect(page.url()).toContain('/linf/#v=2');
    server.stop();
  });

  test('a script that is not there', async ({ page }) => {
    await page.route('**/assets/*.js', (route) => route.fulfill({ status: 404 }));
    await page.goto('./');
    await expect(cause(page)).toHaveAttribute('data-cause', 'server');
    await page.unrouteAll();
    await cause(page).getByRole('button').click();
    await expect(page.getByTestId('claim')).toBeVisible();
  });

  test('a script that breaks as it starts', async ({ page }) => {
    await page.route('**/assets/*.js', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: 'a broken script' }),
    );
    await page.goto('./');
    await expect(cause(page)).toHaveAttribute('data-cause', 'start');
  });

  test('a server that never sends the script', async ({ page }) => {
    await page.clock.install();
    await page.route('**/assets/*.js', () => {});
    await page.goto('./', { waitUntil: 'commit' });
    await expect(cause(page)).toBeVisible();
    await page.clock.runFor(31_000);
    await expect(cause(page)).toHaveAttribute('data-cause', 'stall');
    await expect(cause(page).getByRole('button')).toBeVisible();
  });
});

test.describe('what stops in the middle of its way is given up on, and a retry asks anew', () => {
  test.use({ expectedErrors: [/Failed to load resource|net::/] });

  for (const [what, pattern] of [
    ['the network', '**/models/*.gz'],
    ['the program', '**/certify_bg*.wasm'],
  ] as const) {
    test(what, async ({ page }) => {
      await page.clock.install();
      let asked = 0;
      await page.route(pattern, (route) => {
        asked += 1;
        return asked === 1 ? undefined : route.continue();
      });
      await page.goto('./');
      await expect.poll(() => asked).toBe(1);
      await page.clock.runFor(31_000);
      await expect(page.getByRole('alert')).toBeVisible();
      await page.getByRole('button', { name: 'Try again' }).click();
      await expect(page.getByRole('alert')).toHaveCount(0);
      await expect(page.getByRole('progressbar')).toHaveCount(0);
      expect(asked).toBe(2);
    });
  }

  test('the program of a view', async ({ page }) => {
    await page.clock.install();
    await open(page);
    await page.route('**/assets/Learn-*.js', () => {});
    await goTo(page, 'Learn');
    await page.clock.runFor(31_000);
    await expect(page.getByRole('alert')).toHaveAttribute('data-cause', 'server');
    await expect(page.getByRole('button', { name: 'Reload the page' })).toBeVisible();
  });
});

test('a browser without what the page needs gets a clear message', async ({ page }) => {
  await page.addInitScript(() => {
    Reflect.deleteProperty(globalThis, 'DecompressionStream');
  });
  await page.goto('./');
  await expect(page.getByRole('alert')).toContainText('DecompressionStream');
});

test('opening the page fetches one index, one program, one module and one packed network, each once', async ({
  page,
}) => {
  const built = (await readdir(DIST, { recursive: true })).map(String);
  const fetched: string[] = [];
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname.slice(1)));
  await open(page);
  await expect(page.getByRole('button', { name: /^Test image/ })).toHaveCount(20);
  for (const kind of [/^$/, /\.js$/, /\.wasm$/, /\.gz$/, /^test-images-/]) {
    const files = fetched.filter((file) => kind.test(file));
    expect(files, `${kind} as fetched`).toHaveLength(1);
    expect(built).toContain(files[0] || 'index.html');
  }
  expect(built.filter((file) => file.endsWith('.safetensors'))).toEqual([]);
});

test('of an ensemble the page tells averages, and a critical pixel of each member', async ({
  page,
}) => {
  const bias = [40, 40, 40, 40, 9, 40, 40, 40, 0, 40];
  const claims: string[] = [];
  for (const members of [1, 3]) {
    await page.unrouteAll();
    await changeModel(page, (gzip) => modelOfBias(bias, gunzipSync(gzip).length, {}, members));
    await open(page);
    await draw(page, SEVEN);
    const claim = page.getByTestId('claim');
    await expect(claim).toContainText(/0\.\d+ of a level/);
    claims.push(await claim.innerText());
    await expect(page.getByTestId('mark')).toHaveCount(2 * members);
  }
  // All of them alike, their average is each.
  expect(claims[1]).toBe(claims[0]);
  await expect(page.getByTestId('critical-label')).toContainText(/8: \w+ at \(0,\u00a00\)/);
  await page.getByText('Why?').click();
  const network = page.getByTestId('network');
  await expect(network).toHaveAttribute('data-members', '3');
  await expect(network).toHaveAttribute('data-architecture', '784-30');
});
