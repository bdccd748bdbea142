// The kernels on WebGPU in Chromium: steps and distance terms per second, the share of what the
// adapter's arithmetic allows, and the same layer in Burn's own operations, in TensorFlow.js and in
// jax-js, all in one page on one adapter. A machine without a GPU measures a program that imitates
// one, and says so.
//
//   npm run wasm:train && npm ci --prefix bench/web
//   node bench/web/gpu.js > bench/results/webgpu.json
//
// CHROMIUM names the browser; /usr/bin/chromium is the default.

import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { createServer } from 'vite';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = path.join(ROOT, 'bench/web');

const server = await createServer({
  configFile: false,
  root: FOLDER,
  logLevel: 'error',
  cacheDir: path.join(FOLDER, 'node_modules/.vite'),
  server: { port: 4274, fs: { allow: [ROOT] } },
});
await server.listen();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking', '--enable-unsafe-webgpu'],
});
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => process.stderr.write(`${error.message}\n`));
  await page.goto('http://localhost:4274/gpu.html');
  await page.waitForFunction(() => 'report' in window, undefined, { timeout: 60_000 });
  const report = await page.evaluate(() => window.report);
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
} finally {
  await browser.close();
  await server.close();
}
