// Runs in the browser: the layer and the exact network in our WebAssembly, and the same in
// TensorFlow.js and ONNX Runtime Web, all on one thread. `cpu.js` opens it and calls `window.bench`.

import initBench, { LayerBenchmark } from '../../pkg/bench/bench.js';
import benchWasm from '../../pkg/bench/bench_bg.wasm?url';
import initCertify, { Certifier } from '../../pkg/certify/certify.js';
import certifyWasm from '../../pkg/certify/certify_bg.wasm?url';
import * as tf from '@tensorflow/tfjs-core';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as ort from 'onnxruntime-web/wasm';
import { difference, distancesInTensorFlow } from './peers.js';

/** Milliseconds that a timing takes at least. */
const WINDOW = 100;
/** Timings of which the best counts. */
const REPEATS = 3;
const PIXELS = 784;

/** Seconds of one run of `work`, which does as many as it is told to. */
async function time(work) {
  const seconds = async (runs) => {
    const start = performance.now();
    await work(runs);
    return (performance.now() - start) / 1000;
  };
  // The first run compiles, the second tells how many make a timing.
  await seconds(1);
  const one = Math.max(await seconds(1), 1e-5);
  const runs = Math.max(1, Math.ceil(WINDOW / 1000 / one));
  let best = Infinity;
  for (let k = 0; k < REPEATS; k++) best = Math.min(best, (await seconds(runs)) / runs);
  return best;
}

async function bytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The p that `linf bench` prints: a number, or `inf`. */
const number = (p) => (p === 'inf' ? Infinity : Number(p));

/** A layer's seconds forward and backward. */
async function layer({ batch, outputs, inputs, p }) {
  const ours = new LayerBenchmark(batch, outputs, inputs, number(p));
  const forward = await time((runs) => ours.forward(runs));
  const backward = await time((runs) => ours.backward(runs));
  ours.free();
  return { forward, backward };
}

/** The same layer, forward and gradients: seconds of ours and of TensorFlow.js. */
async function peers({ batch, outputs, inputs, p }) {
  const exponent = number(p);
  const ours = new LayerBenchmark(batch, outputs, inputs, exponent);
  const [x, w, grad] = [
    tf.tensor2d(ours.x(), [batch, inputs]),
    tf.tensor2d(ours.w(), [outputs, inputs]),
    tf.tensor2d(ours.grad(), [batch, outputs]),
  ];
  const gradients = tf.grads(distancesInTensorFlow(exponent));
  const run = () => tf.tidy(() => gradients([x, w], grad)[1]);
  const dw = run();
  const apart = difference(ours.dw(), await dw.data());
  dw.dispose();
  if (!(apart < 1e-2)) throw new Error(`the gradients at p = ${p} differ by ${apart}`);
  const seconds = {
    ours: await time((runs) => {
      ours.forward(runs);
      ours.backward(runs);
    }),
    tensorFlow: await time(async (runs) => {
      let dw;
      for (let k = 0; k < runs; k++) {
        dw?.dispose();
        dw = run();
      }
      await dw.data();
      dw.dispose();
    }),
  };
  tf.dispose([x, w, grad]);
  ours.free();
  return seconds;
}

async function exactInOnnx(net) {
  const session = await ort.InferenceSession.create(net, { executionProviders: ['wasm'] });
  return async (input) => {
    const { logits } = await session.run({ x: new ort.Tensor('float32', input, [1, PIXELS]) });
    return [...logits.data];
  };
}

function exactInTensorFlow(weights, widths) {
  const floats = new Float32Array(weights.buffer);
  let at = 0;
  const take = (count) => floats.slice(at, (at += count));
  const layers = widths.slice(1).map((outputs, l) => {
    const all = take(outputs * widths[l]);
    const matrix = (numbers) => tf.tensor2d(numbers, [outputs, widths[l]]);
    // Where there is no number there is a gap: the distance there becomes 0 and takes no part.
    const present = all.some(Number.isNaN) ? matrix(all.map((w) => Number(!Number.isNaN(w)))) : null;
    return { weights: matrix(all.map((w) => (Number.isNaN(w) ? 0 : w))), present };
  });
  const layer = (x, { weights, present }) => {
    const distances = tf.abs(tf.sub(x, weights));
    return tf.max(present ? tf.mul(distances, present) : distances, 1);
  };
  const bias = tf.tensor1d(take(10));
  return async (input) => {
    const logits = tf.tidy(() => {
      const last = layers.reduce(layer, tf.tensor1d(input));
      return tf.neg(tf.add(last, bias));
    });
    const data = await logits.data();
    logits.dispose();
    return [...data];
  };
}

/** Seconds per image of the exact network; the logits of all ways have to be the same. */
async function exact({ model, onnx, weights, pixels }) {
  const images = Array.from({ length: pixels.length / PIXELS }, (_, k) =>
    Uint8Array.from(pixels.slice(PIXELS * k, PIXELS * (k + 1))),
  );
  const certifier = new Certifier(await bytes(model));
  const { architecture, scale } = certifier.info();
  const inUnits = (image) => Float32Array.from(image, (level) => level * scale);
  const runOnnx = await exactInOnnx(await bytes(onnx));
  const runTensorFlow = exactInTensorFlow(await bytes(weights), architecture);
  const ways = {
    ours: (image) => certifier.certify(image).logits.map((logit) => logit * scale),
    onnxRuntime: (image) => runOnnx(inUnits(image)),
    tensorFlow: (image) => runTensorFlow(inUnits(image)),
  };
  const seconds = {};
  const bits = new Set();
  for (const [name, run] of Object.entries(ways)) {
    let logits;
    seconds[name] =
      (await time(async (runs) => {
        for (let k = 0; k < runs; k++) {
          logits = [];
          for (const image of images) logits.push(...(await run(image)));
        }
      })) / images.length;
    bits.add(logits.join());
  }
  if (bits.size > 1) throw new Error('the logits are not the same');
  return seconds;
}

async function open() {
  await Promise.all([
    initBench({ module_or_path: benchWasm }),
    initCertify({ module_or_path: certifyWasm }),
  ]);
  setWasmPaths('/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
  setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  if (tf.getBackend() !== 'wasm') throw new Error(`TensorFlow.js took ${tf.getBackend()}`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = '/node_modules/onnxruntime-web/dist/';
  return { layer, peers, exact };
}

window.bench = open();
