// What WebAssembly costs: the kernels in Chromium beside the same kernels natively, and beside
// TensorFlow.js; the exact network beside ONNX Runtime Web and TensorFlow.js. All on one thread, by
// turns, of several rounds the best.
//
//   scripts/tools.sh npm run wasm && scripts/tools.sh npm run wasm:bench && npm ci --prefix bench/web
//   cargo build --release --no-default-features --features cli
//   mkdir -p FOLDER && target/release/linf head --force www/public/models/mnist-eps0.3.safetensors 1 FOLDER/model.safetensors
//   scripts/tools.sh python3 bench/peers/onnx_net.py FOLDER/model.safetensors FOLDER
//   scripts/tools.sh node bench/web/cpu.js FOLDER > bench/results/web.json
//
// Of the exact network the peers compute ten logits; ours is what the page asks for, which takes
// several evaluations: the logits, both proved radii and the deciding pixels.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { printReport, ROOT } from './chromium.js';

const LINF = path.join(process.env.CARGO_TARGET_DIR ?? path.join(ROOT, 'target'), 'release/linf');
const IMAGES = 64;
const ROUNDS = 3;
/** The layer that `linf bench` times. */
const LAYER = { batch: 128, outputs: 1024, inputs: 1024 };
/** One whose `[batch, outputs, inputs]` tensors leave TensorFlow.js room. */
const SHARED = { batch: 16, outputs: 256, inputs: 784 };

/** Seconds of native kernels at every p, on one thread and random weights. */
function native() {
  const command = ['bench', '--only', 'norm-dist', '--seconds', '0.3', '--json'];
  const { norm_dist } = JSON.parse(execFileSync(LINF, command, { cwd: ROOT, encoding: 'utf8' }));
  if (norm_dist.batch !== LAYER.batch || norm_dist.outputs !== LAYER.outputs) {
    throw new Error('linf bench times another layer');
  }
  const rows = norm_dist.rows.filter(
    (row) => row.weights === 'random' && row.inputs === LAYER.inputs && row.threads === 1,
  );
  return rows.map(({ p, forward_time, backward_time }) => ({
    p,
    forward: forward_time.wall,
    backward: backward_time.wall,
  }));
}

/** Keeps the least of every number. */
function least(best, found) {
  for (const [key, value] of Object.entries(found)) {
    if (typeof value === 'number') best[key] = Math.min(best[key] ?? Infinity, value);
  }
}

const images = readFileSync(path.join(ROOT, 'data/mnist/t10k-images-idx3-ubyte'));
const pixels = [...images.subarray(16, 16 + 784 * IMAGES)];
const folder = path.resolve(process.argv[2]);
async function measure(page, browser) {
  page.setDefaultTimeout(120_000);
  await page.waitForFunction(() => 'bench' in window);
  const call = (what, argument) =>
    page.evaluate(async ([what, argument]) => (await window.bench)[what](argument), [what, argument]);

  const kernels = {};
  const peers = {};
  const exact = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const { p, ...seconds } of native()) {
      const row = (kernels[p] ??= { p, native: {}, wasm: {} });
      least(row.native, seconds);
      least(row.wasm, await call('layer', { ...LAYER, p }));
    }
    for (const p of ['8', '30', 'inf']) {
      least((peers[p] ??= { p }), await call('peers', { ...SHARED, p }));
    }
    const net = {
      pixels,
      onnx: `/@fs${path.join(folder, 'exact.onnx')}`,
      weights: `/@fs${path.join(folder, 'weights.bin')}`,
      model: `/@fs${path.join(folder, 'model.safetensors')}`,
    };
    least(exact, await call('exact', net));
  }
  return {
    cpu: cpus()[0].model,
    browser: browser.version(),
    rounds: ROUNDS,
    layer: LAYER,
    kernels: Object.values(kernels),
    shared_layer: SHARED,
    peers: Object.values(peers),
    exact,
  };
}

await printReport('cpu.html', measure, { allow: [folder] });
