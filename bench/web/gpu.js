// The kernels on WebGPU in Chromium: steps and distance terms per second, the share of what the
// adapter's arithmetic allows, and the same layer in Burn's own operations, in TensorFlow.js and in
// jax-js, all in one page on one adapter. A machine without a GPU measures a program that imitates
// one, and says so.
//
//   scripts/tools.sh npm run wasm:bench && npm ci --prefix bench/web
//   scripts/tools.sh node bench/web/gpu.js > bench/results/webgpu.json

import { printReport } from './chromium.js';

await printReport(
  'gpu.html',
  async (page) => {
    await page.waitForFunction(() => 'report' in window, undefined, { timeout: 60_000 });
    return page.evaluate(() => window.report);
  },
  { flags: ['--enable-unsafe-webgpu'] },
);
