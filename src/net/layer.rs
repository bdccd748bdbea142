//! One ℓ∞-dist layer.

use std::sync::Arc;

use burn::Tensor;
use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Distribution as BurnDistribution, Int, TensorData};
use rand_chacha::rand_core::Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::MeanShift;
use crate::exact::Csr;
use crate::exact::FloatLayer;
use crate::norm_dist::{Norm, norm_dist, sparse_norm_dist};
use crate::train::tensors::{ReadError, read};

/// The weight that makes a unit the identity of one input, up to a constant (Zhang et al., ICLR
/// 2022, "identity_val"). It is so far below every input that its difference is the maximum.
pub(crate) const IDENTITY_WEIGHT: f32 = -10.0;

/// How the weights of a layer are initialised.
///
/// Weights are drawn from N(0, 1). Unless the start is `Normal`, one weight of each unit is then
/// replaced in a layer with at least as many outputs as inputs, so that the unit starts as one of its
/// inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightInit {
    /// Unit o starts as input `o mod inputs`, up to a constant (Zhang et al., ICLR 2022).
    #[default]
    Identity,
    /// Unit o starts as that input or as its negative, with equal probability. Under `Identity` all
    /// units rise with their inputs, so that a layer computes maxima only and has to learn minima.
    SignedIdentity,
    /// The weights stay as they are drawn.
    Normal,
}

/// Configuration of a [`LinfDistLayer`].
#[derive(Config, Debug)]
pub struct LinfDistLayerConfig {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs, one for each unit.
    pub outputs: usize,
    /// Whether this is the last layer of a net: it adds a bias instead of subtracting means.
    #[config(default = false)]
    pub last: bool,
    /// How the weights are initialised.
    #[config(default = "WeightInit::Identity")]
    pub weight_init: WeightInit,
}

impl LinfDistLayerConfig {
    /// Initialises a layer whose weights are drawn from the random generator of `device`, as Burn's
    /// own modules do. [`Device::seed`] makes them reproducible on that device.
    pub fn init(&self, device: &Device) -> LinfDistLayer {
        let shape = [self.outputs, self.inputs];
        let mut weight = Tensor::random(shape, BurnDistribution::Normal(0.0, 1.0), device);
        if self.starts_as_inputs() {
            let identity = match self.weight_init {
                WeightInit::Identity | WeightInit::Normal => {
                    Tensor::full([self.outputs, 1], IDENTITY_WEIGHT, device)
                }
                WeightInit::SignedIdentity => {
                    let coin = BurnDistribution::Bernoulli(0.5);
                    let coin = Tensor::<2>::random([self.outputs, 1], coin, device);
                    (coin.mul_scalar(2.0) - 1.0).mul_scalar(IDENTITY_WEIGHT)
                }
            };
            let unit = Tensor::<1, Int>::arange(0..self.outputs as i64, device);
            let input = unit.remainder_scalar(self.inputs as i64);
            let column = Tensor::<1, Int>::arange(0..self.inputs as i64, device);
            let replaced = input
                .unsqueeze_dim::<2>(1)
                .expand(shape)
                .equal(column.unsqueeze_dim::<2>(0).expand(shape));
            weight = weight.mask_where(replaced, identity.expand(shape));
        }
        self.with_weights(weight)
    }

    /// Initialises a layer whose weights are drawn from `rng`: the same on every device.
    pub fn init_with_rng(&self, rng: &mut impl Rng, device: &Device) -> LinfDistLayer {
        let mut weight: Vec<f32> = StandardNormal
            .sample_iter(&mut *rng)
            .take(self.outputs * self.inputs)
            .collect();
        if self.starts_as_inputs() {
            for (o, row) in weight.chunks_exact_mut(self.inputs).enumerate() {
                let negative =
                    self.weight_init == WeightInit::SignedIdentity && rng.next_u32() % 2 == 1;
                row[o % self.inputs] = if negative {
                    -IDENTITY_WEIGHT
                } else {
                    IDENTITY_WEIGHT
                };
            }
        }
        let weight = TensorData::new(weight, [self.outputs, self.inputs]);
        self.with_weights(Tensor::from_data(weight, device))
    }

    fn starts_as_inputs(&self) -> bool {
        self.weight_init != WeightInit::Normal && self.inputs <= self.outputs
    }

    /// The layer with these weights, its means and bias zero.
    fn with_weights(&self, weight: Tensor<2>) -> LinfDistLayer {
        let device = weight.device();
        let zeros = || Param::from_tensor(Tensor::zeros([self.outputs], &device));
        LinfDistLayer {
            pattern: None,
            mean_shift: (!self.last).then(|| MeanShift::new(self.outputs, &device)),
            bias: self.last.then(zeros),
            weight: Param::from_tensor(weight),
        }
    }
}

/// A layer of units `‖x − w‖_p`, followed by a mean shift (hidden layers) or a bias (the last one).
/// [`LinfDistLayerConfig`] creates it.
#[derive(Module, Debug)]
pub struct LinfDistLayer {
    /// Weights, `[outputs, inputs]`; `[1, weights]` in a layer with a pattern.
    pub weight: Param<Tensor<2>>,
    /// The weights that the layer has; None means all of them.
    #[module(skip)]
    pub pattern: Option<Arc<Csr>>,
    /// Subtracts each unit's mean; None in the last layer.
    pub mean_shift: Option<MeanShift>,
    /// The bias, `[outputs]`; only in the last layer.
    pub bias: Option<Param<Tensor<1>>>,
}

impl LinfDistLayer {
    /// Creates a layer with these weights, `[1, weights]`, whose means are 0. It must be on the CPU,
    /// since sparse layers have no GPU kernels.
    pub(super) fn sparse(pattern: Arc<Csr>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        let shift = || MeanShift::new(pattern.outputs(), &weight.device());
        Self {
            mean_shift: bias.is_none().then(shift),
            bias: bias.map(Param::from_tensor),
            weight: Param::from_tensor(weight),
            pattern: Some(pattern),
        }
    }

    /// The number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        match &self.pattern {
            Some(pattern) => pattern.outputs(),
            None => self.weight.val().dims()[0],
        }
    }

    /// Computes the distances `‖x − w‖_p`, `[batch, outputs]`, of inputs `[batch, inputs]`.
    pub fn distances(&self, x: Tensor<2>, norm: Norm) -> Tensor<2> {
        match &self.pattern {
            Some(pattern) => sparse_norm_dist(x, self.weight.val(), Arc::clone(pattern), norm),
            None => norm_dist(x, self.weight.val(), norm),
        }
    }

    /// Computes the layer's output, `[batch, outputs]`, from inputs `[batch, inputs]`.
    pub fn forward(&self, x: Tensor<2>, norm: Norm) -> Tensor<2> {
        let mut u = self.distances(x, norm);
        if let Some(shift) = &self.mean_shift {
            u = shift.forward(u);
        }
        if let Some(bias) = &self.bias {
            u = u + bias.val().unsqueeze();
        }
        u
    }

    /// Moves the layer to the autodiff device, where it can be trained.
    pub(super) fn autodiff(self) -> Self {
        Self {
            weight: Param::from_tensor(self.weight.val().autodiff()),
            bias: self
                .bias
                .map(|bias| Param::from_tensor(bias.val().autodiff())),
            ..self
        }
    }

    /// Copies the layer to a device without autodiff. The copy has its own running means.
    pub(crate) fn inference(&self, device: &Device) -> Self {
        let plain = |tensor: Tensor<1>| tensor.inner();
        Self {
            weight: Param::from_tensor(self.weight.val().inner()),
            pattern: self.pattern.clone(),
            mean_shift: self.mean_shift.as_ref().map(|shift| {
                let copy = MeanShift::new(self.outputs(), device);
                copy.set_mean(plain(shift.running_mean.value_sync()));
                copy
            }),
            bias: self
                .bias
                .as_ref()
                .map(|bias| Param::from_tensor(plain(bias.val()))),
        }
    }

    pub(super) async fn to_float(&self) -> Result<FloatLayer, ReadError> {
        let inputs = match &self.pattern {
            Some(pattern) => pattern.inputs(),
            None => self.weight.val().dims()[1],
        };
        let mean = match &self.mean_shift {
            Some(shift) => read(shift.running_mean.value_sync()).await?,
            None => Vec::new(),
        };
        Ok(FloatLayer {
            inputs,
            outputs: self.outputs(),
            pattern: self.pattern.clone(),
            weight: read(self.weight.val()).await?,
            mean,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::to_vec;

    /// The weights of a layer initialised on the CPU, row by row.
    fn rows(config: &LinfDistLayerConfig) -> Vec<Vec<f32>> {
        let weight = to_vec(config.init(&Device::flex()).weight.val());
        let rows = weight.chunks_exact(config.inputs);
        rows.map(<[f32]>::to_vec).collect()
    }

    #[test]
    fn every_unit_of_a_wide_layer_starts_as_one_input() {
        let rows = rows(&LinfDistLayerConfig::new(3, 7));
        for (o, row) in rows.iter().enumerate() {
            for (i, weight) in row.iter().enumerate() {
                assert_eq!(
                    *weight == IDENTITY_WEIGHT,
                    i == o % 3,
                    "unit {o}, input {i}"
                );
            }
        }
    }

    #[test]
    fn a_signed_layer_has_both_signs() {
        let config = LinfDistLayerConfig::new(4, 64).with_weight_init(WeightInit::SignedIdentity);
        let rows = rows(&config);
        let own = rows.iter().enumerate().map(|(o, row)| row[o % 4]);
        let own: Vec<f32> = own.collect();
        assert!(own.iter().all(|weight| weight.abs() == -IDENTITY_WEIGHT));
        let negative = own.iter().filter(|weight| **weight < 0.0).count();
        assert!((16..=48).contains(&negative), "{negative} of 64");
    }

    #[test]
    fn a_narrow_layer_has_normal_weights_alone() {
        let weights = rows(&LinfDistLayerConfig::new(200, 50)).concat();
        let mean = weights.iter().sum::<f32>() / 1e4;
        let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f32>() / 1e4;
        assert!(
            mean.abs() < 0.05 && (variance - 1.0).abs() < 0.1,
            "{mean}, {variance}"
        );
    }

    #[test]
    fn only_the_last_layer_has_a_bias_instead_of_means() {
        let parts = |last| {
            let layer = LinfDistLayerConfig::new(2, 3).with_last(last);
            let layer = layer.init(&Device::flex());
            (layer.mean_shift.is_some(), layer.bias.is_some())
        };
        assert_eq!((parts(false), parts(true)), ((true, false), (false, true)));
    }
}
