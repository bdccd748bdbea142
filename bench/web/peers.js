// What the pages on the CPU and on WebGPU ask of the peers alike.

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';

/** The layer in TensorFlow.js, by a tensor `[batch, outputs, inputs]`; p may be `Infinity`. */
export function distancesInTensorFlow(p) {
  return (x, w) => {
    const d = tf.abs(tf.sub(tf.expandDims(x, 1), tf.expandDims(w, 0)));
    if (p === Infinity) return tf.max(d, 2);
    return tf.pow(tf.sum(tf.pow(d, p), 2), 1 / p);
  };
}

/** How far two results differ, relative to the largest number of both. */
export function difference(a, b) {
  let [most, scale] = [0, 0];
  for (let k = 0; k < a.length; k++) {
    most = Math.max(most, Math.abs(a[k] - b[k]));
    scale = Math.max(scale, Math.abs(a[k]), Math.abs(b[k]));
  }
  return most / scale;
}
