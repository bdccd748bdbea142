//! The ℓ∞-dist net as Burn modules, for use in any Burn program.
//!
//! The architecture is that of Zhang et al., ICML 2021. Every layer computes `‖x − w‖_p` per unit.
//! Hidden layers subtract each unit's mean ([`MeanShift`]), the last one adds a bias. The logits are
//! the negated outputs. At p = ∞ and with fixed means the net is 1-Lipschitz with respect to ℓ∞.
//!
//! [`LinfDistNetConfig`] and [`LinfDistLayerConfig`] create the modules, as Burn's own configurations
//! do. [`LinfDistNet::to_float`] and [`ExactNet::quantize`](crate::exact::ExactNet::quantize) turn a
//! trained net into the integer network that is certified.

mod dequantize;
mod layer;
mod mean_shift;

use burn::Tensor;
use burn::config::Config;
use burn::module::Module;
use burn::tensor::Device;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub(crate) use layer::IDENTITY_WEIGHT;
pub use layer::{LinfDistLayer, LinfDistLayerConfig, WeightInit};
pub use mean_shift::MeanShift;

use crate::data::Normalisation;
use crate::exact::FloatNet;
use crate::norm_dist::{Norm, Sizes, cpu};
pub use crate::train::tensors::ReadError;
use crate::train::tensors::read;
pub(crate) use crate::train::tensors::to_vec;

/// Configuration of a [`LinfDistNet`].
#[derive(Config, Debug)]
pub struct LinfDistNetConfig {
    /// Widths of all layers, the inputs first and the classes last.
    pub widths: Vec<usize>,
    /// How the weights are initialised.
    #[config(default = "WeightInit::Identity")]
    pub weight_init: WeightInit,
    /// Seed of the weights.
    #[config(default = 0)]
    pub seed: u64,
}

impl LinfDistNetConfig {
    /// Initialises a net. The weights depend on this configuration alone, not on the device.
    ///
    /// # Panics
    /// If fewer than two widths are given or one is 0.
    pub fn init(&self, device: &Device) -> LinfDistNet {
        let widths = &self.widths;
        assert!(
            widths.len() >= 2 && !widths.contains(&0),
            "a net needs at least two widths, all positive: {widths:?}"
        );
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let last = widths.len() - 2;
        let layer = |(l, pair): (usize, &[usize])| {
            LinfDistLayerConfig::new(pair[0], pair[1])
                .with_last(l == last)
                .with_weight_init(self.weight_init)
                .init_with_rng(&mut rng, device)
        };
        LinfDistNet {
            layers: widths.windows(2).enumerate().map(layer).collect(),
        }
    }
}

/// An ℓ∞-dist net on normalised inputs `[batch, inputs]`. [`LinfDistNetConfig`] creates it.
#[derive(Module, Debug)]
pub struct LinfDistNet {
    /// The layers, input side first; all but the last have a mean shift.
    pub layers: Vec<LinfDistLayer>,
}

impl LinfDistNet {
    /// Computes logits `[batch, classes]` of normalised inputs `[batch, inputs]` under the given norm.
    ///
    /// On an autodiff device hidden layers subtract the mean over this batch and update their
    /// running means; elsewhere they subtract the running means.
    pub fn forward(&self, x: Tensor<2>, norm: Norm) -> Tensor<2> {
        self.layers
            .iter()
            .fold(x, |x, layer| layer.forward(x, norm))
            .neg()
    }

    /// Sets the running means to those of the p = ∞ net over the given inputs, layer by layer. The
    /// means gathered in training belong to a finite p and are wrong at ∞.
    ///
    /// `batches` is called once per hidden layer and must return the same inputs every time, in
    /// batches `[batch, inputs]`, on a device without autodiff.
    pub fn estimate_means<I: Iterator<Item = Tensor<2>>>(&self, batches: impl Fn() -> I) {
        for l in 0..self.layers.len() {
            self.estimate_mean(l, &batches);
        }
    }

    /// Sets the running means of layer `l`, if it has any. Those of the layers before it must be set.
    fn estimate_mean<I: Iterator<Item = Tensor<2>>>(&self, l: usize, batches: impl Fn() -> I) {
        let layer = &self.layers[l];
        let Some(shift) = &layer.mean_shift else {
            return;
        };
        let (mut sum, mut count) = (None, 0);
        for x in batches() {
            let x = self.layers[..l]
                .iter()
                .fold(x, |x, layer| layer.forward(x, Norm::Inf));
            count += x.dims()[0];
            let part = layer.distances(x, Norm::Inf).sum_dim(0);
            sum = Some(sum.map_or(part.clone(), |sum: Tensor<2>| sum + part));
        }
        if let Some(sum) = sum {
            shift.set_mean(sum.div_scalar(count as f32).squeeze_dim(0));
        }
    }

    /// Reads the weights, means and bias as plain numbers.
    ///
    /// `normalisation` is what the inputs were normalised with.
    ///
    /// # Errors
    /// Fails if the device does not answer.
    pub async fn to_float(&self, normalisation: Normalisation) -> Result<FloatNet, ReadError> {
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            layers.push(layer.to_float().await?);
        }
        let bias = self.layers.last().and_then(|layer| layer.bias.as_ref());
        Ok(FloatNet {
            normalisation,
            layers,
            bias: match bias {
                Some(bias) => read(bias.val()).await?,
                None => Vec::new(),
            },
        })
    }
}

/// Computes logits `[images, classes]` of 8-bit images `[images, inputs]` under the floats of a net,
/// at p = ∞.
///
/// # Panics
/// If the images are not of the net's size, or a layer's parts do not fit together.
pub fn float_logits(net: &FloatNet, images: &[u8]) -> Vec<f32> {
    let normalised = |&level: &u8| net.normalisation.normalised(level);
    let mut values: Vec<f32> = images.iter().map(normalised).collect();
    for layer in &net.layers {
        let batch = values.len() / layer.inputs;
        let sizes = Sizes {
            batch,
            outputs: layer.outputs,
            inputs: layer.inputs,
        };
        values = match &layer.pattern {
            Some(pattern) => cpu::sparse_forward(&values, &layer.weight, pattern, Norm::Inf),
            None => cpu::forward(&values, &layer.weight, sizes, Norm::Inf),
        };
        for row in values.chunks_exact_mut(layer.outputs) {
            row.iter_mut()
                .zip(&layer.mean)
                .for_each(|(value, mean)| *value -= mean);
        }
    }
    for row in values.chunks_exact_mut(net.bias.len()) {
        row.iter_mut()
            .zip(&net.bias)
            .for_each(|(value, bias)| *value = -(*value + bias));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(widths: impl Into<Vec<usize>>, weight_init: WeightInit, seed: u64) -> LinfDistNet {
        LinfDistNetConfig::new(widths.into())
            .with_weight_init(weight_init)
            .with_seed(seed)
            .init(&Device::flex())
    }

    fn input(rows: usize) -> Tensor<2> {
        let values: Vec<f32> = (0..rows * 6)
            .map(|k| ((k * 37) % 23) as f32 / 7.0 - 1.5)
            .collect();
        Tensor::from_data(
            burn::tensor::TensorData::new(values, [rows, 6]),
            &Device::flex(),
        )
    }

    #[test]
    fn a_new_net_begins_as_the_identity_up_to_a_constant() {
        let net = net([6, 12, 3], WeightInit::Identity, 1);
        let x = input(20);
        let u = net.layers[0].distances(x.clone(), Norm::Inf);
        // The weight of −10 is on the arg-max path of nearly every unit.
        let identity = Tensor::cat(vec![x.clone(), x], 1).add_scalar(10.0);
        assert_eq!(to_vec(u), to_vec(identity));
    }

    #[test]
    fn a_signed_identity_has_rising_and_falling_units() {
        let net = net([6, 12, 3], WeightInit::SignedIdentity, 1);
        let x = input(20);
        let u = to_vec(net.layers[0].distances(x.clone(), Norm::Inf));
        let x = to_vec(x);
        let is =
            |o: usize, sign: f32| (0..20).all(|k| u[k * 12 + o] == 10.0 + sign * x[k * 6 + o % 6]);
        let rising = (0..12).filter(|o| is(*o, 1.0)).count();
        let falling = (0..12).filter(|o| is(*o, -1.0)).count();
        assert_eq!(rising + falling, 12);
        assert!(rising.min(falling) >= 3, "{rising} rise, {falling} fall");
    }

    #[test]
    fn estimated_means_centre_every_hidden_unit() {
        let net = net([6, 9, 8, 3], WeightInit::Identity, 2);
        let batches = || [input(20), input(13)].into_iter();
        net.estimate_means(batches);
        let x = Tensor::cat(batches().collect(), 0);
        let hidden = net.layers[..2]
            .iter()
            .fold(x, |x, layer| layer.forward(x, Norm::Inf));
        assert!(
            to_vec(hidden.mean_dim(0))
                .iter()
                .all(|mean| mean.abs() < 1e-5)
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_weights() {
        let weights = |seed| {
            let net = net([5, 4, 3], WeightInit::Identity, seed);
            to_vec(net.layers[1].weight.val())
        };
        assert_eq!(weights(3), weights(3));
        assert_ne!(weights(3), weights(4));
    }
}
