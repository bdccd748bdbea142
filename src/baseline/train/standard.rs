//! Trains a baseline by cross-entropy in plain numbers.
//!
//! Burn's matrix products would bring their GPU kernels into the page's module, where *Play* trains a
//! small network beside ours. The steps are those of [`Trainer`](super::Trainer) with
//! [`Recipe::Standard`](super::Recipe::Standard), apart from the augmentation and the order of sums.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::recipe::{Config, Recipe};
use super::trainer::{StepReport, TrainError, adam, as_stored, initial_layers};
use crate::baseline::{BaselineNet, Evaluator};
use crate::data::{Dataset, Normalisation};
use crate::train::{Batch, Batches, FusedAdam, RandomShift, accuracy};

/// Trains one network by cross-entropy, on images that are not shifted: call [`StandardTrainer::step`]
/// until [`StandardTrainer::is_finished`].
pub struct StandardTrainer {
    config: Config,
    batches: Batches,
    net: Evaluator,
    adam: FusedAdam,
    /// Of the weight and of the bias of each layer, the first and the second.
    moments: Vec<[[Vec<f32>; 2]; 2]>,
    iteration: usize,
}

/// No image is shifted.
const UNMOVED: RandomShift = RandomShift {
    pixels: 0,
    probability: 0.0,
};

impl StandardTrainer {
    /// Creates a trainer at iteration 0, on all of `data`.
    ///
    /// # Errors
    /// Fails if the recipe is another than the standard one, if `data` is less than a batch, or if the
    /// hidden layers cannot be parsed.
    pub fn new(config: Config, data: Dataset) -> Result<Self, TrainError> {
        if config.recipe != Recipe::Standard {
            return Err(TrainError::NotStandard);
        }
        let (found, batch) = (data.len(), config.batch);
        if found < batch {
            return Err(TrainError::TooFewImages { found, batch });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let layers = initial_layers(&data.description, &config, &mut rng)?;
        let zeros = |values: &[f32]| [vec![0.0; values.len()], vec![0.0; values.len()]];
        Ok(Self {
            moments: layers
                .iter()
                .map(|layer| [zeros(&layer.weight), zeros(&layer.bias)])
                .collect(),
            net: Evaluator::of_layers(&layers),
            batches: Batches::new(
                Arc::new(data),
                config.seed,
                batch,
                UNMOVED,
                Normalisation::IDENTITY,
            ),
            adam: adam(),
            config,
            iteration: 0,
        })
    }

    /// Whether the run has ended.
    pub fn is_finished(&self) -> bool {
        self.iteration >= self.config.epochs * self.batches.per_epoch()
    }

    /// Runs one iteration: a batch forward, backward, and an Adam step.
    ///
    /// # Errors
    /// Fails, leaving the weights as they were, when the loss is not finite.
    pub fn step(&mut self) -> Result<StepReport, TrainError> {
        let iteration = self.iteration;
        let settings = self.config.settings(iteration, self.batches.per_epoch());
        let Batch { inputs, labels } = self.batches.batch(iteration);
        let activations = self.net.activations(&inputs);
        let accuracy = accuracy(activations.logits(), &labels);
        let (loss, direction) = cross_entropy(activations.logits(), &labels);
        if !loss.is_finite() {
            return Err(TrainError::Diverged { iteration, loss });
        }
        let gradients = self
            .net
            .parameter_gradients(&inputs, &activations, direction);
        let step = self.adam.at(settings.learning_rate, iteration + 1);
        let layers = self.net.layers_mut().zip(&gradients).zip(&mut self.moments);
        for ((layer, gradients), moments) in layers {
            let parameters = [&mut layer.weight, &mut layer.bias];
            for ((values, gradient), [first, second]) in
                parameters.into_iter().zip(gradients).zip(moments)
            {
                step.update(values, gradient, first, second);
            }
        }
        self.iteration += 1;
        Ok(StepReport {
            iteration,
            settings,
            loss,
            accuracy,
        })
    }

    /// Returns the current network as its file would hold it: on pixel levels, in bf16.
    ///
    /// # Errors
    /// Fails if a weight is not finite, or so large that some image could overflow.
    pub fn baseline_net(&self) -> Result<BaselineNet, TrainError> {
        Ok(as_stored(self.net.layers().cloned().collect())?)
    }
}

/// The mean cross-entropy of logits, `[batch, classes]`, and its gradient.
fn cross_entropy(logits: &[f32], labels: &[u8]) -> (f32, Vec<f32>) {
    let (classes, batch) = (logits.len() / labels.len(), labels.len() as f32);
    let (mut loss, mut gradient) = (0.0, Vec::with_capacity(logits.len()));
    for (row, &label) in logits.chunks_exact(classes).zip(labels) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|logit| (logit - largest).exp()).sum();
        loss += sum.ln() - (row[usize::from(label)] - largest);
        gradient.extend(row.iter().enumerate().map(|(class, logit)| {
            let target = f32::from(class == usize::from(label));
            ((logit - largest).exp() / sum - target) / batch
        }));
    }
    (loss / batch, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::architecture;
    use crate::baseline::train::loss;
    use crate::baseline::train::relu_net::{ReluNet, to_vec};
    use crate::baseline::{Geometry, Layer};
    use crate::train::one_hot;
    use burn::Tensor;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn loss_and_gradients_are_those_of_burn() {
        let layers = architecture::parse("36-conv3k3s1-conv2k2s2-6-4").unwrap();
        let number = |k: usize| ((k * 37 + 11) % 23) as f32 / 23.0 - 0.5;
        let layer = |(geometry, channels): (Geometry, usize)| Layer {
            geometry,
            weight: (0..geometry.fan_in() * channels).map(number).collect(),
            bias: (0..channels).map(number).collect(),
        };
        let layers: Vec<_> = layers.into_iter().map(layer).collect();
        let inputs: Vec<f32> = (0..5 * 36)
            .map(|k| ((k * 29) % 256) as f32 / 255.0)
            .collect();
        let labels = [3, 0, 1, 1, 2];

        let net = Evaluator::of_layers(&layers);
        let activations = net.activations(&inputs);
        let (plain_loss, direction) = cross_entropy(activations.logits(), &labels);
        let plain = net.parameter_gradients(&inputs, &activations, direction);

        let device = Device::flex().autodiff();
        let burns = ReluNet::new(&layers, &device);
        let x = Tensor::<2>::from_data(TensorData::new(inputs, [5, 36]), &device);
        let loss = loss::cross_entropy(burns.forward(x), one_hot(&labels, 4, &device));
        assert!((to_vec(loss.clone().inner())[0] - plain_loss).abs() < 1e-5);
        let mut grads = loss.backward();
        for (layer, [of_weight, of_bias]) in burns.layers.iter().zip(plain) {
            let weight = to_vec(layer.weight.val().grad_remove(&mut grads).unwrap());
            let bias = to_vec(layer.bias.val().grad_remove(&mut grads).unwrap());
            for (burn, plain) in [(weight, of_weight), (bias, of_bias)] {
                assert_eq!(burn.len(), plain.len());
                for (burn, plain) in burn.iter().zip(&plain) {
                    assert!((burn - plain).abs() < 1e-5, "{burn} and {plain}");
                }
            }
        }
    }
}
