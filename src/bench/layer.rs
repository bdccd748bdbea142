//! One layer on the CPU, with the numbers that it is measured on.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

use crate::norm_dist::{Norm, Sizes, cpu};

/// The weights of a [`Layer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weights {
    /// N(0, 1): the hardest case, since many differences are nearly the largest.
    Random,
    /// The same with the −10 of the identity weight initialisation, with which training begins.
    Identity,
}

/// A layer whose inputs and incoming gradients are N(0, 1).
pub struct Layer {
    /// Sizes of all that follows.
    pub sizes: Sizes,
    /// Inputs, `[batch, inputs]`.
    pub x: Vec<f32>,
    /// Weights, `[outputs, inputs]`.
    pub w: Vec<f32>,
    /// Incoming gradients, `[batch, outputs]`.
    pub grad: Vec<f32>,
}

impl Layer {
    /// Creates a layer, always with the same numbers.
    pub fn new(weights: Weights, sizes: Sizes) -> Self {
        let Sizes {
            batch,
            outputs,
            inputs,
        } = sizes;
        let mut w = normal(outputs * inputs, 2);
        if let Weights::Identity = weights {
            for (o, row) in w.chunks_exact_mut(inputs).enumerate() {
                row[o % inputs] = -10.0;
            }
        }
        Self {
            sizes,
            x: normal(batch * inputs, 1),
            w,
            grad: normal(batch * outputs, 3),
        }
    }

    /// Computes distances, `[batch, outputs]`, with the values saved for backward.
    pub fn forward(&self, norm: Norm) -> (Vec<f32>, cpu::SavedForBackward) {
        cpu::forward_saving(&self.x, &self.w, self.sizes, norm)
    }

    /// Computes gradients with respect to inputs and weights, from the result of
    /// [`forward`](Self::forward).
    pub fn backward(
        &self,
        (u, saved): &(Vec<f32>, cpu::SavedForBackward),
        norm: Norm,
    ) -> (Vec<f32>, Vec<f32>) {
        cpu::backward(&self.x, &self.w, (u, saved), &self.grad, self.sizes, norm)
    }

    /// The number of distance terms of one pass.
    pub fn terms(&self) -> usize {
        self.sizes.batch * self.sizes.outputs * self.sizes.inputs
    }
}

/// Draws `count` numbers from N(0, 1).
pub fn normal(count: usize, seed: u64) -> Vec<f32> {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    StandardNormal.sample_iter(rng).take(count).collect()
}
