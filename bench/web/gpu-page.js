// Runs in the browser: our kernels, then the same layer in TensorFlow.js
// and jax-js on the same adapter. `gpu.js` opens it and reads `window.report`.

import init, { benchmark } from '../../pkg/bench/bench.js';
import wasm from '../../pkg/bench/bench_bg.wasm?url';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgpu';
import * as jax from '@jax-js/jax';
import { difference, distancesInTensorFlow } from './peers.js';

/** Timings of which the best counts, as for ours. */
const REPEATS = 3;
/** Milliseconds that a timing takes at least, on hardware. */
const WINDOW = 60;
const MOST_RUNS = 200;
const OURS = 'ours, forward and gradients';

/** The numbers that ours are measured on. */
function matrix(rows, columns, scale) {
  return Float32Array.from(
    { length: rows * columns },
    (_, k) => scale * (((k * 7919) % 10_007) / 5_000 - 1),
  );
}

/** Seconds of one run of `work`, whose promise resolves when its `runs` runs are computed. */
async function time(work, software) {
  const seconds = async (runs) => {
    const start = performance.now();
    await work(runs);
    return Math.max(performance.now() - start, 0.01) / 1000;
  };
  // The first run compiles, the second tells how many make a timing.
  await seconds(1);
  const one = await seconds(1);
  const runs = software ? 1 : Math.min(Math.max(Math.floor(WINDOW / 1000 / one), 1), MOST_RUNS);
  let best = Infinity;
  for (let k = 0; k < REPEATS; k++) best = Math.min(best, (await seconds(runs)) / runs);
  return best;
}

/** The layer's gradients in TensorFlow.js: `runs => promise`. */
async function inTensorFlow({ batch, outputs, inputs, p }) {
  await tf.setBackend('webgpu');
  await tf.ready();
  const x = tf.tensor2d(matrix(batch, inputs, 1), [batch, inputs]);
  const w = tf.tensor2d(matrix(outputs, inputs, 1.7), [outputs, inputs]);
  const distances = distancesInTensorFlow(p ?? Infinity);
  const gradients = tf.grads((x, w) => tf.sum(distances(x, w)));
  const run = () => tf.tidy(() => gradients([x, w])[1]);
  return {
    dw: () => run().data(),
    work: async (runs) => {
      for (let k = 1; k < runs; k++) run().dispose();
      const last = run();
      await tf.slice(last, [0, 0], [1, 1]).data();
      last.dispose();
    },
  };
}

/** The layer's gradients in jax-js, compiled by its `jit`. */
async function inJax({ batch, outputs, inputs, p }) {
  const { numpy: np } = jax;
  await jax.init('webgpu');
  jax.defaultDevice('webgpu');
  const x = np.array(matrix(batch, inputs, 1)).reshape([batch, inputs]);
  const w = np.array(matrix(outputs, inputs, 1.7)).reshape([outputs, inputs]);
  const total = (x, w) => {
    const d = np.abs(x.reshape([batch, 1, inputs]).sub(w.reshape([1, outputs, inputs])));
    if (p === null) return np.max(d, 2).sum();
    // An even power of a difference, by products, as a logarithm of 0 has no slope.
    return np.power(np.sum(evenPower(d, p), 2), 1 / p).sum();
  };
  const gradients = jax.jit(jax.grad(total, { argnums: [0, 1] }));
  const run = () => {
    const [dx, dw] = gradients(x.ref, w.ref);
    return { dx, dw };
  };
  return {
    dw: async () => {
      const { dx, dw } = run();
      dx.dispose();
      return dw.data();
    },
    work: async (runs) => {
      for (let k = 1; k < runs; k++) {
        const { dx, dw } = run();
        dx.dispose();
        dw.dispose();
      }
      const { dx, dw } = run();
      dx.dispose();
      await jax.blockUntilReady(dw);
      dw.dispose();
    },
  };
}

/** dᵖ by repeated squares. */
function evenPower(d, p) {
  let result = null;
  let square = d;
  for (let rest = p; ; rest >>= 1) {
    const last = rest === 1;
    if (rest & 1) {
      // The last use of an array frees it.
      const factor = last ? square : square.ref;
      result = result === null ? factor : result.mul(factor);
    }
    if (last) return result;
    square = square.ref.mul(square);
  }
}

async function measure() {
  await init({ module_or_path: wasm });
  const ours = await benchmark();
  const peers = [];
  for (const row of ours.timings.filter(({ kernel }) => kernel === OURS)) {
    const results = [];
    for (const [name, open] of [
      ['TensorFlow.js', inTensorFlow],
      ['jax-js', inJax],
    ]) {
      const peer = { name, p: row.p, batch: row.batch, outputs: row.outputs, inputs: row.inputs };
      peers.push(peer);
      try {
        const { dw, work } = await open(row);
        results.push(await dw());
        peer.seconds = await time(work, ours.software);
        peer.timesOurs = peer.seconds / row.seconds;
      } catch (error) {
        peer.failed = String(error?.message ?? error);
      }
    }
    if (results.length === 2) {
      const apart = difference(...results);
      if (!(apart < 1e-2)) throw new Error(`the peers' gradients differ by ${apart} at p = ${row.p}`);
    }
  }
  return { ...ours, peers, userAgent: navigator.userAgent };
}

window.report = measure();
