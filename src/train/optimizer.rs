//! Adam (Kingma and Ba, 2015), fused: one pass over a parameter instead of the dozen that a chain
//! of tensor operations takes, which cost half as much as the distances themselves.
//!
//! The arithmetic is that of Burn's `Adam`, which the tests compare to. The recipe needs
//! β = (0.9, 0.99) and ε = 1e-10: gradients through large p are tiny, and a larger ε swamps them.

#[cfg(feature = "webgpu")]
mod gpu;

use burn::Tensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.99;
const EPSILON: f32 = 1e-10;
/// Gradients and moments smaller than this count as 0: beside ε they move no weight by a bit. Without
/// that, moments of weights that have no gradient any more fall among the denormal numbers and stay
/// there, where many processors take far longer.
const NEGLIGIBLE: f32 = 1e-18;
/// Elements that one thread takes at a time.
const CHUNK: usize = 1 << 15;

/// First and second moments of a parameter's gradient.
#[derive(Clone, Debug)]
pub(super) struct Moments<const D: usize> {
    pub first: Tensor<D>,
    pub second: Tensor<D>,
}

impl<const D: usize> Moments<D> {
    pub fn zeros(parameter: &Tensor<D>) -> Self {
        let zeros = || Tensor::zeros(parameter.shape(), &parameter.device().inner());
        Self {
            first: zeros(),
            second: zeros(),
        }
    }

    /// The parameter after one step. `step` counts from 1; no tensor may be on an autodiff device.
    pub fn step(
        &mut self,
        parameter: Tensor<D>,
        grad: Tensor<D>,
        learning_rate: f32,
        step: usize,
    ) -> Tensor<D> {
        let take = |moment: &mut Tensor<D>| {
            std::mem::replace(moment, Tensor::zeros([0; D], &moment.device())).into_dispatch()
        };
        let (first, second) = (take(&mut self.first), take(&mut self.second));
        let step = AdamStep::new(learning_rate, step);
        let (parameter, first, second) = Dispatch::adam_step(
            parameter.into_dispatch(),
            grad.into_dispatch(),
            first,
            second,
            step,
        );
        self.first = Tensor::from_dispatch(first);
        self.second = Tensor::from_dispatch(second);
        Tensor::from_dispatch(parameter)
    }
}

/// The numbers of one step: `w −= rate · m / (√v + epsilon)`.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    rate: f32,
    epsilon: f32,
}

impl AdamStep {
    /// Folds both bias corrections into the rate and ε.
    fn new(learning_rate: f32, step: usize) -> Self {
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(step as f64);
        let root = correction(BETA_2).sqrt();
        Self {
            rate: (f64::from(learning_rate) * root / correction(BETA_1)) as f32,
            epsilon: (f64::from(EPSILON) * root) as f32,
        }
    }
}

/// One Adam step, as a backend provides it.
#[backend_extension(Flex, Cube: cfg(feature = "webgpu"))]
pub trait FusedAdam: Backend {
    /// The new parameter, first and second moments, from the old ones and the gradient.
    fn adam_step(
        parameter: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// Parameters and their gradients.
type Parameters<'a> = (&'a mut [f32], &'a [f32]);
/// First and second moments.
type MomentSlices<'a> = (&'a mut [f32], &'a mut [f32]);

impl FusedAdam for Flex {
    fn adam_step(
        parameter: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [mut parameter, grad, mut first, mut second] =
            [parameter, grad, first, second].map(contiguous);
        let chunks = parameter
            .storage_mut::<f32>()
            .chunks_mut(CHUNK)
            .zip(grad.storage::<f32>().chunks(CHUNK))
            .zip(
                first
                    .storage_mut::<f32>()
                    .chunks_mut(CHUNK)
                    .zip(second.storage_mut::<f32>().chunks_mut(CHUNK)),
            );
        let update = |((w, g), (m, v)): (Parameters<'_>, MomentSlices<'_>)| {
            for ((w, g), (m, v)) in w.iter_mut().zip(g).zip(m.iter_mut().zip(v)) {
                let g = flushed(*g, NEGLIGIBLE);
                *m = flushed(BETA_1 * *m + (1.0 - BETA_1) * g, NEGLIGIBLE);
                *v = flushed(
                    BETA_2 * *v + (1.0 - BETA_2) * (g * g),
                    NEGLIGIBLE * NEGLIGIBLE,
                );
                *w -= step.rate * *m / (v.sqrt() + step.epsilon);
            }
        };
        #[cfg(not(target_arch = "wasm32"))]
        {
            use rayon::prelude::*;
            chunks.collect::<Vec<_>>().into_par_iter().for_each(update);
        }
        #[cfg(target_arch = "wasm32")]
        chunks.for_each(update);
        (parameter, first, second)
    }
}

/// The number, or 0 if it is closer to 0 than `least`. What is no number stays none.
#[inline(always)]
fn flushed(number: f32, least: f32) -> f32 {
    if number.abs() < least { 0.0 } else { number }
}

/// The tensor in memory of its own size, in order; the same tensor if it already is.
fn contiguous(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let whole = tensor.is_contiguous()
        && tensor
            .as_slice::<f32>()
            .is_some_and(|s| s.len() == tensor.storage::<f32>().len());
    if whole {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::to_vec;
    use burn::optim::{AdamConfig, Optimizer};
    use burn::tensor::{Device, TensorData};

    #[test]
    fn ten_steps_agree_with_burns_adam() {
        let device = Device::flex();
        let numbers = |seed: usize| {
            let values: Vec<f32> = (0..40)
                .map(|k| (((k + 1) * (seed + 3) * 7919) % 1000) as f32 / 500.0 - 1.0)
                .collect();
            Tensor::<2>::from_data(TensorData::new(values, [8, 5]), &device)
        };
        let burns = AdamConfig::new()
            .with_beta_1(BETA_1)
            .with_beta_2(BETA_2)
            .with_epsilon(EPSILON)
            .build();
        let (mut theirs, mut state) = (numbers(0), None);
        let mut ours = numbers(0);
        let mut moments = Moments::zeros(&ours);
        for step in 1..=10 {
            // Gradients of very different sizes, as they come through large p.
            let grad = numbers(step).mul_scalar(10f32.powi(-(step as i32)));
            (theirs, state) = burns.step(0.02, theirs, grad.clone(), state);
            ours = moments.step(ours, grad, 0.02, step);
        }
        let pairs = to_vec(ours).into_iter().zip(to_vec(theirs));
        pairs.for_each(|(ours, theirs)| {
            assert!((ours - theirs).abs() <= 2e-6, "{ours} and {theirs}")
        });
    }
}
