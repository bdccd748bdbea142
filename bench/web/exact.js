// The exact network in WebAssembly, an image at a time on one thread, beside the same network in
// ONNX Runtime Web and TensorFlow.js; the logits' bits are compared. In Node, whose engine is
// Chromium's.
//
//   npm ci --prefix bench/web
//   python3 bench/peers/onnx_net.py www/public/models/mnist-eps0.3.safetensors FOLDER
//   node bench/web/exact.js FOLDER > bench/results/web.json
//
// The peers compute ten logits. Ours is what the page asks for: the logits, both proved radii and
// the deciding pixels, which takes several evaluations.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as ort from 'onnxruntime-web/wasm';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULE = path.resolve(process.argv[3] ?? path.join(ROOT, 'pkg/certify'));
const WIDTHS = [784, 1024, 1024, 1024, 10];
const IMAGES = 64;
const ROUNDS = 5;

const folder = path.resolve(process.argv[2]);
const model = readFileSync(path.join(ROOT, 'www/public/models/mnist-eps0.3.safetensors'));
const pixels = readFileSync(path.join(ROOT, 'data/mnist/t10k-images-idx3-ubyte')).subarray(16);
const images = Array.from({ length: IMAGES }, (_, index) =>
  pixels.subarray(784 * index, 784 * (index + 1)),
);

/** Ours: logits in units. */
async function ours() {
  const module = await import(path.join(MODULE, 'certify.js'));
  module.initSync({ module: readFileSync(path.join(MODULE, 'certify_bg.wasm')) });
  const certifier = new module.Certifier(model);
  const { scale } = certifier.info();
  return {
    scale,
    run: (image) => certifier.certify(image).logits.map((logit) => logit * scale),
  };
}

async function onnxRuntime() {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(
    new Uint8Array(readFileSync(path.join(folder, 'exact.onnx'))),
    { executionProviders: ['wasm'] },
  );
  return async (input) => {
    const { logits } = await session.run({ x: new ort.Tensor('float32', input, [1, 784]) });
    return [...logits.data];
  };
}

async function tensorFlow() {
  setWasmPaths(path.join(ROOT, 'bench/web/node_modules/@tensorflow/tfjs-backend-wasm/dist/'));
  setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const bytes = readFileSync(path.join(folder, 'weights.bin'));
  const floats = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  let at = 0;
  const take = (count) => floats.slice(at, (at += count));
  const layers = WIDTHS.slice(1).map((outputs, l) =>
    tf.tensor2d(take(outputs * WIDTHS[l]), [outputs, WIDTHS[l]]),
  );
  const bias = tf.tensor1d(take(10));
  return async (input) => {
    const logits = tf.tidy(() => {
      const last = layers.reduce((x, w) => tf.max(tf.abs(tf.sub(x, w)), 1), tf.tensor1d(input));
      return tf.neg(tf.add(last, bias));
    });
    const data = await logits.data();
    logits.dispose();
    return [...data];
  };
}

const { scale, run: certify } = await ours();
const inUnits = (image) => Float32Array.from(image, (level) => level * scale);
const [runOnnx, runTf] = [await onnxRuntime(), await tensorFlow()];
const ways = {
  'ours: logits, both radii, deciding pixels': async (image) => certify(image),
  'ONNX Runtime Web (WASM): logits': (image) => runOnnx(inUnits(image)),
  'TensorFlow.js (WASM): logits': (image) => runTf(inUnits(image)),
};
const best = {};
const bits = {};
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(ways)) {
    const logits = [];
    const begun = process.cpuUsage();
    for (const image of images) logits.push(await run(image));
    const { user, system } = process.cpuUsage(begun);
    best[name] = Math.min(best[name] ?? Infinity, (user + system) / IMAGES);
    bits[name] = logits.flat().join();
  }
}
const [first] = Object.keys(ways);
if (new Set(Object.values(bits)).size > 1) throw new Error('the logits are not the same');
const rows = Object.entries(best).map(([name, time]) => ({
  'in WebAssembly': name,
  'µs per image': time,
  'times ours': time / best[first],
}));
process.stdout.write(`${JSON.stringify(rows, null, 1)}\n`);
