/** The example of the npm package, as scripts/npm.sh has assembled it, from a plain static server. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from './page.ts';

const TYPES: Record<string, string> = {
  html: 'text/html',
  js: 'text/javascript',
  wasm: 'application/wasm',
};

let server: Server;

test.beforeAll(async () => {
  server = createServer((request, response) => {
    const name = request.url?.slice(1) ?? '';
    readFile(join('pkg/npm', name)).then(
      (bytes) => {
        const type = TYPES[name.split('.').pop() ?? ''] ?? 'application/octet-stream';
        response.writeHead(200, { 'Content-Type': type }).end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
});
test.afterAll(() => new Promise((resolve) => server.close(resolve)));

// The browser asks for an icon, which the package has not.
test.use({ expectedErrors: [/Failed to load resource/] });

test('the example of the npm package labels a seven and proves it', async ({ page }) => {
  const { port } = server.address() as AddressInfo;
  await page.goto(`http://localhost:${port}/example.html`);
  const result = page.locator('#result');
  await expect(result).toContainText(/\b7\b/);
  const radius = /up to ([\d.]+) of/.exec((await result.textContent()) ?? '')?.[1];
  expect(Number(radius)).toBeGreaterThan(20);
});
