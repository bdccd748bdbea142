//! Mean shift, the replacement of batch normalisation in an ℓ∞-dist net.
//!
//! A distance is never negative, so the outputs of a layer drift upwards. Subtracting each unit's
//! mean centres them. Dividing by a deviation would break the Lipschitz constant, so it is left out
//! (Zhang et al., ICML 2021, section 4.1).

use burn::Tensor;
use burn::module::{Module, RunningState};
use burn::tensor::Device;

/// The weight of the new batch in the running mean.
const MOMENTUM: f32 = 0.1;

/// Subtracts from each unit its mean over the batch while training, its running mean otherwise.
#[derive(Module, Debug)]
pub struct MeanShift {
    /// Running mean, `[units]`.
    pub running_mean: RunningState<Tensor<1>>,
}

impl MeanShift {
    /// Creates a shift of `units` units whose running means are 0.
    pub fn new(units: usize, device: &Device) -> Self {
        Self {
            running_mean: RunningState::new(Tensor::zeros([units], &device.clone().inner())),
        }
    }

    /// Computes `u − mean`, `[batch, units]`. On an autodiff device the mean is the batch's: the
    /// gradient flows through it, and the running mean moves a tenth of the way towards it. Elsewhere
    /// it is the running mean.
    pub fn forward(&self, u: Tensor<2>) -> Tensor<2> {
        if !u.device().is_autodiff() {
            return u - self.running_mean.value().unsqueeze();
        }
        let mean = u.clone().mean_dim(0);
        let batch = mean.clone().inner().squeeze_dim::<1>(0);
        let running = self.running_mean.value_sync();
        self.running_mean
            .update(running.mul_scalar(1.0 - MOMENTUM) + batch.mul_scalar(MOMENTUM));
        u - mean
    }

    /// Replaces the running mean, `[units]`.
    pub fn set_mean(&self, mean: Tensor<1>) {
        self.running_mean.update(mean);
        // An update is applied at the next read, per thread. Reading here sets the value.
        self.running_mean.value_sync();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::to_vec;

    fn units(device: &Device) -> Tensor<2> {
        Tensor::from_data([[1.0, 10.0], [3.0, 30.0]], device)
    }

    #[test]
    fn training_subtracts_the_mean_of_the_batch_and_moves_the_running_mean() {
        let device = Device::flex().autodiff();
        let shift = MeanShift::new(2, &device);
        assert_eq!(
            to_vec(shift.forward(units(&device))),
            [-1.0, -10.0, 1.0, 10.0]
        );
        assert_eq!(to_vec(shift.running_mean.value_sync()), [0.2, 2.0]);
    }

    #[test]
    fn otherwise_the_running_mean_is_subtracted() {
        let device = Device::flex();
        let shift = MeanShift::new(2, &device);
        shift.set_mean(Tensor::from_data([2.0, 5.0], &device));
        assert_eq!(
            to_vec(shift.forward(units(&device))),
            [-1.0, 5.0, 1.0, 25.0]
        );
    }

    #[test]
    fn the_gradient_flows_through_the_mean() {
        let device = Device::flex().autodiff();
        let u = units(&device).require_grad();
        let weights = Tensor::<2>::from_data([[1.0, 0.0], [0.0, 0.0]], &device);
        let grads = (MeanShift::new(2, &device).forward(u.clone()) * weights)
            .sum()
            .backward();
        assert_eq!(to_vec(u.grad(&grads).unwrap()), [0.5, 0.0, -0.5, 0.0]);
    }
}
