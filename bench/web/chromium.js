// A page of this folder in Chromium, served by Vite. CHROMIUM names the browser; /usr/bin/chromium
// is the default.

import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { createServer } from 'vite';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = path.join(ROOT, 'bench/web');
const PORT = 4274;

/**
 * Opens `file`, calls `work(page, browser)`, closes everything, and prints what came of it as JSON.
 * The page may read the repository and the folders of `allow`.
 */
export async function printReport(file, work, { flags = [], allow = [] } = {}) {
  const server = await createServer({
    configFile: false,
    root: FOLDER,
    logLevel: 'error',
    cacheDir: path.join(FOLDER, 'node_modules/.vite'),
    // Its own loader has to find its module beside it.
    optimizeDeps: { exclude: ['onnxruntime-web'] },
    server: { port: PORT, fs: { allow: [ROOT, ...allow] } },
  });
  await server.listen();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', ...flags],
  });
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => process.stderr.write(`${error.message}\n`));
    await page.goto(`http://localhost:${PORT}/${file}`);
    const report = await work(page, browser);
    process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
  } finally {
    await browser.close();
    await server.close();
  }
}
