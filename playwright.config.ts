import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const PORT = 4273;

/** The system's Chromium; without one, the browser that Playwright itself would install. */
const chromium =
  process.env.CHROMIUM ??
  [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ].find(existsSync);

export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: 'tests/e2e/artifacts/failures',
  reporter: [['list']],
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  // Other work may share the machine; nothing here is slow by itself.
  expect: { timeout: 15_000 },
  use: {
    // What cannot be clicked is named, instead of the whole test's time running out.
    actionTimeout: 60_000,
    baseURL: `http://localhost:${PORT}/`,
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    // What a service worker answers, no test could intercept.
    serviceWorkers: 'block',
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(chromium ? { executablePath: chromium } : {}),
      args: [
        '--no-sandbox',
        '--disable-dev-shm-usage',
        '--disable-background-networking',
        // WebGPU on machines without a GPU: Chromium then has a program in its place.
        '--enable-unsafe-webgpu',
      ],
    },
  },
  webServer: {
    // The built page, as it is published.
    command: `npx vite preview --port ${PORT} --strictPort`,
    port: PORT,
    reuseExistingServer: false,
  },
});
