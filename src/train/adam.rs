//! Adam (Kingma and Ba, 2015), fused into one pass over each parameter. A chain of tensor operations
//! takes a dozen passes, which cost half as much as the distances themselves.
//!
//! The arithmetic is that of Burn's `Adam`, which the tests compare to. The default hyperparameters
//! are those of the recipe, β = (0.9, 0.99) and ε = 1e-10: gradients through large p are tiny, and a
//! larger ε swamps them.

#[cfg(feature = "webgpu")]
mod gpu;

use burn::Tensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::config::Config;
use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::Device;

/// Gradients and moments smaller than this count as 0: beside the default ε they change no bit of a
/// weight. Without that, moments of weights that have no gradient any more become denormal numbers
/// and stay so, and many processors compute with those far more slowly.
const NEGLIGIBLE: f32 = 1e-18;
/// Elements that one thread takes at a time.
const CHUNK: usize = 1 << 15;

/// Configuration of [`FusedAdam`].
#[derive(Config, Debug)]
pub struct FusedAdamConfig {
    /// Decay of the first moment.
    #[config(default = 0.9)]
    pub beta_1: f32,
    /// Decay of the second moment.
    #[config(default = 0.99)]
    pub beta_2: f32,
    /// Added to the root of the second moment.
    #[config(default = 1e-10)]
    pub epsilon: f32,
}

impl FusedAdamConfig {
    /// Creates the optimizer of one parameter group.
    pub fn build(&self) -> FusedAdam {
        FusedAdam {
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            epsilon: self.epsilon,
        }
    }

    /// Creates an optimizer of whole modules.
    pub fn init(&self) -> ModuleOptimizer {
        ModuleOptimizer::from(self.build())
    }
}

/// Adam as one pass over each parameter. It implements Burn's [`Optimizer`], so any Burn program can
/// use it, on the CPU (Flex) and through wgpu; [`FusedAdamConfig`] creates it.
#[derive(Clone, Copy, Debug)]
pub struct FusedAdam {
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
}

/// The state is that of Burn's Adam, so that a run can go on with either of them.
impl Optimizer for FusedAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (mut moments, time) = match state {
            Some(AdamState { momentum }) => {
                let (first, second) = (momentum.moment_1, momentum.moment_2);
                (Moments { first, second }, momentum.time + 1)
            }
            None => (Moments::zeros(&parameter), 1),
        };
        let parameter = moments.step(parameter, grad, self.at(learning_rate as f32, time));
        let momentum = AdaptiveMomentumState::new(time, moments.first, moments.second);
        (parameter, Some(AdamState::new(momentum)))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        AdamState::new(state.momentum.to_device(device))
    }
}

/// First and second moments of a parameter's gradient, both of the parameter's shape.
#[derive(Clone, Debug)]
pub(crate) struct Moments<const D: usize> {
    /// Running mean of the gradient.
    pub first: Tensor<D>,
    /// Running mean of the squared gradient.
    pub second: Tensor<D>,
}

impl<const D: usize> Moments<D> {
    /// Moments of a parameter that has had no gradient yet.
    pub fn zeros(parameter: &Tensor<D>) -> Self {
        let zeros = || Tensor::zeros(parameter.shape(), &parameter.device().inner());
        Self {
            first: zeros(),
            second: zeros(),
        }
    }

    /// Returns the parameter after one step and updates the moments. No tensor may be on an autodiff
    /// device.
    pub fn step(&mut self, parameter: Tensor<D>, grad: Tensor<D>, step: AdamStep) -> Tensor<D> {
        let take = |moment: &mut Tensor<D>| {
            std::mem::replace(moment, Tensor::zeros([0; D], &moment.device())).into_dispatch()
        };
        let (first, second) = (take(&mut self.first), take(&mut self.second));
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
    beta_1: f32,
    beta_2: f32,
    rate: f32,
    epsilon: f32,
}

impl FusedAdam {
    /// Returns the numbers of the step `time`, counted from 1: both bias corrections are part of the
    /// rate and ε.
    pub(crate) fn at(self, learning_rate: f32, time: usize) -> AdamStep {
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(time as f64);
        let root = correction(self.beta_2).sqrt();
        AdamStep {
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            rate: (f64::from(learning_rate) * root / correction(self.beta_1)) as f32,
            epsilon: (f64::from(self.epsilon) * root) as f32,
        }
    }
}

impl AdamStep {
    /// Updates parameters and their moments in place. All four are of the same length.
    pub(crate) fn update(self, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        let Self { beta_1, beta_2, .. } = self;
        for ((w, g), (m, v)) in w.iter_mut().zip(g).zip(m.iter_mut().zip(v)) {
            let g = flushed(*g, NEGLIGIBLE);
            *m = flushed(beta_1 * *m + (1.0 - beta_1) * g, NEGLIGIBLE);
            *v = flushed(
                beta_2 * *v + (1.0 - beta_2) * (g * g),
                NEGLIGIBLE * NEGLIGIBLE,
            );
            *w -= self.rate * *m / (v.sqrt() + self.epsilon);
        }
    }
}

/// One Adam step, as a backend provides it.
#[backend_extension(Flex, Cube: cfg(feature = "webgpu"))]
pub trait FusedAdamBackend: Backend {
    /// Returns the new parameter, first and second moments, from the old ones and the gradient.
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

impl FusedAdamBackend for Flex {
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
        let update = |((w, g), (m, v)): (Parameters<'_>, MomentSlices<'_>)| step.update(w, g, m, v);
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

/// The number, or 0 if it is closer to 0 than `least`. NaN stays NaN.
#[inline(always)]
fn flushed(number: f32, least: f32) -> f32 {
    if number.abs() < least { 0.0 } else { number }
}

/// The tensor in contiguous memory of its own size; the same tensor if it already is.
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
    use crate::net::{LinfDistNetConfig, to_vec};
    use crate::norm_dist::Norm;
    use burn::optim::{AdamConfig, GradientsParams};
    use burn::tensor::TensorData;

    /// Burn's Adam with the hyperparameters of the configuration.
    fn burns(config: &FusedAdamConfig) -> AdamConfig {
        AdamConfig::new()
            .with_beta_1(config.beta_1)
            .with_beta_2(config.beta_2)
            .with_epsilon(config.epsilon)
    }

    fn assert_close(ours: Vec<f32>, theirs: Vec<f32>, tolerance: f32) {
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            assert!((ours - theirs).abs() <= tolerance, "{ours} and {theirs}");
        }
    }

    #[test]
    fn ten_steps_agree_with_burns_adam() {
        let device = Device::flex();
        let numbers = |seed: usize| {
            let values: Vec<f32> = (0..40)
                .map(|k| (((k + 1) * (seed + 3) * 7919) % 1000) as f32 / 500.0 - 1.0)
                .collect();
            Tensor::<2>::from_data(TensorData::new(values, [8, 5]), &device)
        };
        for config in [
            FusedAdamConfig::new(),
            FusedAdamConfig::new()
                .with_beta_1(0.8)
                .with_beta_2(0.999)
                .with_epsilon(1e-5),
        ] {
            let (burns, fused) = (burns(&config).build(), config.build());
            let (mut theirs, mut their_state) = (numbers(0), None);
            let (mut ours, mut our_state) = (numbers(0), None);
            for step in 1..=10 {
                // Gradients of very different sizes, as they come through large p.
                let grad = numbers(step).mul_scalar(10f32.powi(-(step as i32)));
                (theirs, their_state) = burns.step(0.02, theirs, grad.clone(), their_state);
                (ours, our_state) = fused.step(0.02, ours, grad, our_state);
            }
            assert_close(to_vec(ours), to_vec(theirs), 2e-6);
        }
    }

    /// The weights of all layers after `steps` steps; between two of them the optimizer is saved and
    /// loaded if it is `resumed`.
    fn trained(new: impl Fn() -> ModuleOptimizer, resumed: bool) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let mut net = LinfDistNetConfig::new(vec![4, 6, 3]).init(&device);
        let x: Vec<f32> = (0..20).map(|k| ((k * 37) % 23) as f32 / 7.0).collect();
        let x = Tensor::<2>::from_data(TensorData::new(x, [5, 4]), &device);
        let mut optimizer = new();
        for step in 0..8 {
            if resumed && step == 4 {
                optimizer = new().from_bytes(optimizer.into_bytes().unwrap()).unwrap();
            }
            let logits = net.forward(x.clone(), Norm::P(8.0));
            let loss = logits.clone().mul(logits).sum();
            let grads = GradientsParams::from_grads(loss.backward(), &net);
            net = optimizer.step(0.01, net, grads);
        }
        let weights = net.layers.iter().map(|layer| to_vec(layer.weight.val()));
        weights.flatten().collect()
    }

    #[test]
    fn a_module_is_optimized_as_by_burns_adam() {
        // Mean shift cancels some gradients up to rounding. A small ε would amplify what is left of them
        // to whole steps, which differ.
        let config = FusedAdamConfig::new().with_epsilon(1e-2);
        let ours = trained(|| config.init(), false);
        let start = trained(|| AdamConfig::new().with_epsilon(1e30).init(), false);
        assert!(ours.iter().zip(start).any(|(a, b)| (a - b).abs() > 0.01));
        assert_close(ours, trained(|| burns(&config).init(), false), 1e-5);
    }

    #[test]
    fn a_saved_optimizer_goes_on_with_the_same_bits() {
        let new = || FusedAdamConfig::new().init();
        assert_eq!(trained(new, true), trained(new, false));
    }
}
