//! One layer on the CPU, with the numbers that it is timed on.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

use crate::norm_dist::{Norm, Sizes, cpu};

/// What the weights of a [`Layer`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weights {
    /// N(0, 1): the hardest case, as many differences are nearly the largest.
    Random,
    /// The same with the −10 of the identity start: the case that training begins with.
    Start,
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
    /// The same numbers every time.
    pub fn new(weights: Weights, sizes: Sizes) -> Self {
        let Sizes {
            batch,
            outputs,
            inputs,
        } = sizes;
        let mut w = normal(outputs * inputs, 2);
        if let Weights::Start = weights {
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

    /// Distances, `[batch, outputs]`, with what training keeps beside them.
    pub fn forward(&self, norm: Norm) -> (Vec<f32>, cpu::SavedForBackward) {
        cpu::forward_saving(&self.x, &self.w, self.sizes, norm)
    }

    /// Gradients with respect to inputs and weights, from what [`forward`](Self::forward) returned.
    pub fn backward(
        &self,
        (u, kept): &(Vec<f32>, cpu::SavedForBackward),
        norm: Norm,
    ) -> (Vec<f32>, Vec<f32>) {
        cpu::backward(&self.x, &self.w, (u, kept), &self.grad, self.sizes, norm)
    }

    /// Distance terms of one pass.
    pub fn terms(&self) -> usize {
        self.sizes.batch * self.sizes.outputs * self.sizes.inputs
    }
}

/// So many numbers of N(0, 1).
pub fn normal(count: usize, seed: u64) -> Vec<f32> {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    StandardNormal.sample_iter(rng).take(count).collect()
}
