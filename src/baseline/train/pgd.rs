//! The attack of adversarial training: projected gradient descent on the cross-entropy.

use burn::Tensor;
use burn::tensor::TensorData;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::loss::cross_entropy;
use super::relu_net::ReluNet;

/// Projected gradient descent with a fixed number of steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pgd {
    /// Full scale of the network's inputs: 1.0 or 255.
    pub white: f32,
    /// Radius, of the same scale.
    pub epsilon: f32,
    pub steps: usize,
    /// Length of a step, as a share of ε.
    pub step_share: f32,
}

impl Pgd {
    /// Returns inputs within ε of `x`, `[batch, pixels]`, that raise the cross-entropy of `targets`,
    /// one-hot. The start is uniform in the box. `net` must not be on an autodiff device.
    pub fn attack(
        self,
        net: &ReluNet,
        x: &Tensor<2>,
        targets: &Tensor<2>,
        rng: &mut ChaCha8Rng,
    ) -> Tensor<2> {
        let lower = x.clone().sub_scalar(self.epsilon).clamp_min(0.0);
        let upper = x.clone().add_scalar(self.epsilon).clamp_max(self.white);
        let start = (0..x.shape().num_elements()).map(|_| rng.random_range(0.0..1.0));
        let start = TensorData::new(start.collect::<Vec<f32>>(), x.shape());
        let start = Tensor::from_data(start, &x.device());
        let mut at = lower.clone() + start * (upper.clone() - lower.clone());
        for _ in 0..self.steps {
            let loss = |logits| cross_entropy(logits, targets.clone());
            let (_, gradient) = net.input_gradient(at.clone(), loss);
            let moved = at + gradient.sign().mul_scalar(self.step_share * self.epsilon);
            at = moved.max_pair(lower.clone()).min_pair(upper.clone());
        }
        at
    }
}
