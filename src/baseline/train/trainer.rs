//! The trainer: a state machine that is stepped from outside.

use std::num::NonZeroUsize;
use std::sync::Arc;

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use half::bf16;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use thiserror::Error;

use super::checkpoint::{CheckpointError, State};
use super::loss::{cross_entropy, regulariser, worst_logits};
use super::pgd::Pgd;
use super::recipe::{Config, Recipe, Settings};
use super::relu_net::{ReluNet, to_vec};
use crate::baseline::{BaselineNet, BaselineNetError, Geometry, Layer, architecture, evaluate};
use crate::data::{Dataset, DatasetDescription, Normalisation};
use crate::exact::{Epsilon, MAX_LEVEL};
use crate::train::{
    Batch, Batches, FusedAdam, FusedAdamConfig, Moments, RandomShift, accuracy, one_hot, stepped,
};

/// Why training cannot begin or go on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// Fewer images than a batch.
    #[error("the training set has {found} images, which is less than one batch of {batch}")]
    TooFewImages {
        /// Images left for training.
        found: usize,
        /// Images in a batch.
        batch: usize,
    },
    /// A recipe that needs Burn.
    #[error("plain numbers train with the standard recipe alone")]
    NotStandard,
    /// The architecture cannot be parsed.
    #[error("{0} describes no layers; write them like 784-conv8k4s2-64-10")]
    Architecture(String),
    /// The loss is not finite.
    #[error(
        "training diverged in iteration {iteration}: the loss is {loss}; a lower learning rate may help"
    )]
    Diverged {
        /// The iteration, counted from 0.
        iteration: usize,
        /// The loss.
        loss: f32,
    },
    /// The checkpoint to go on from cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The weights make no network that can be certified.
    #[error("the trained weights make no network that can be run and certified")]
    BaselineNet(#[from] BaselineNetError),
}

/// The result of one step, measured on its own batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The iteration, counted from 0.
    pub iteration: usize,
    /// The settings it ran with.
    pub settings: Settings,
    /// The loss.
    pub loss: f32,
    /// Accuracy on the batch, perturbed if the recipe perturbs it.
    pub accuracy: f32,
}

/// Accuracies of the current network on held-out images, as fractions of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOutReport {
    /// Clean accuracy.
    pub clean: f64,
    /// Empirical robust accuracy under projected gradient descent of 20 steps of ε/8.
    pub empirical: f64,
    /// Certified accuracy by interval bound propagation.
    pub certified: f64,
}

/// Trains one network: call [`Trainer::step`] until [`Trainer::is_finished`].
pub struct Trainer {
    config: Config,
    batches: Batches,
    held_out: Dataset,
    device: Device,
    net: ReluNet,
    adam: FusedAdam,
    /// Of the weights and of the bias of each layer.
    moments: Vec<(Moments<2>, Moments<1>)>,
    /// Draws the starts of the attack.
    rng: ChaCha8Rng,
    iteration: usize,
}

/// Random stream of the attack's starts; the weights take the first one.
const ATTACK_STREAM: u64 = 1;
/// Images that are measured at a time.
const MEASURED_AT_ONCE: usize = 500;
/// Ticks per pixel level of the radii that are measured in training.
const MEASURE_SCALE: u32 = 32;
/// The augmentation.
const RANDOM_SHIFT: RandomShift = RandomShift {
    pixels: 1,
    probability: 1.0,
};

impl Trainer {
    /// Creates a trainer at iteration 0; `device` must be one without autodiff.
    ///
    /// # Errors
    /// Fails if less than a batch of `data` is left to train on, or if the hidden layers cannot be
    /// parsed.
    pub fn new(config: Config, data: Dataset, device: Device) -> Result<Self, TrainError> {
        let found = data.len().saturating_sub(config.held_out);
        if found < config.batch {
            return Err(TrainError::TooFewImages {
                found,
                batch: config.batch,
            });
        }
        let (training, held_out) = data.hold_out(config.held_out);
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let layers = initial_layers(&training.description, &config, &mut rng)?;
        let net = ReluNet::new(&layers, &device.clone().autodiff());
        rng.set_stream(ATTACK_STREAM);
        rng.set_word_pos(0);
        Ok(Self {
            batches: Batches::new(
                Arc::new(training),
                config.seed,
                config.batch,
                RANDOM_SHIFT,
                Normalisation::IDENTITY,
            ),
            held_out,
            moments: zero_moments(&net),
            net,
            device,
            adam: adam(),
            rng,
            config,
            iteration: 0,
        })
    }

    /// Creates a trainer that goes on from a checkpoint; otherwise as [`Trainer::new`].
    ///
    /// # Errors
    /// As [`Trainer::new`], and if the checkpoint is damaged or that of a run with another configuration.
    pub fn resume(
        config: Config,
        data: Dataset,
        device: Device,
        checkpoint: &[u8],
    ) -> Result<Self, TrainError> {
        let mut trainer = Self::new(config, data, device)?;
        let state = trainer.state().read(checkpoint, &trainer.config)?;
        if state.iteration > trainer.iterations() {
            return Err(CheckpointError::Entry("iteration".into()).into());
        }
        let mut layers = trainer.net.to_layers();
        trainer.moments.clear();
        for (layer, parts) in layers.iter_mut().zip(state.layers) {
            let shape = [layer.channels(), layer.geometry.fan_in()];
            let [
                weight,
                bias,
                weight_first,
                bias_first,
                weight_second,
                bias_second,
            ] = parts;
            (layer.weight, layer.bias) = (weight, bias);
            let device = &trainer.device;
            let weights = |values| Tensor::from_data(TensorData::new(values, shape), device);
            let biases = |values| Tensor::from_data(TensorData::new(values, [shape[0]]), device);
            trainer.moments.push((
                Moments {
                    first: weights(weight_first),
                    second: weights(weight_second),
                },
                Moments {
                    first: biases(bias_first),
                    second: biases(bias_second),
                },
            ));
        }
        trainer.net = ReluNet::new(&layers, &trainer.device.clone().autodiff());
        trainer.rng.set_word_pos(state.rng_position);
        trainer.iteration = state.iteration;
        Ok(trainer)
    }

    /// Returns the bytes of a file from which the run can go on; the same state always gives the same bytes.
    pub fn checkpoint(&self) -> Vec<u8> {
        self.state().to_bytes(&self.config)
    }

    fn state(&self) -> State {
        let layers = self.net.to_layers().into_iter().zip(&self.moments);
        State {
            iteration: self.iteration,
            rng_position: self.rng.get_word_pos(),
            layers: layers
                .map(|(layer, (weight, bias))| {
                    [
                        layer.weight,
                        layer.bias,
                        to_vec(weight.first.clone()),
                        to_vec(bias.first.clone()),
                        to_vec(weight.second.clone()),
                        to_vec(bias.second.clone()),
                    ]
                })
                .collect(),
        }
    }

    /// The configuration of the run.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The number of iterations done.
    pub fn iteration(&self) -> usize {
        self.iteration
    }

    /// The number of iterations in one epoch.
    pub fn iterations_per_epoch(&self) -> usize {
        self.batches.per_epoch()
    }

    /// The number of iterations in the run.
    pub fn iterations(&self) -> usize {
        self.config.epochs * self.batches.per_epoch()
    }

    /// Whether the run has ended.
    pub fn is_finished(&self) -> bool {
        self.iteration >= self.iterations()
    }

    /// Runs one iteration: a batch forward, backward, and an Adam step.
    ///
    /// # Errors
    /// Fails, leaving the weights as they were, when the loss is not finite.
    pub fn step(&mut self) -> Result<StepReport, TrainError> {
        let iteration = self.iteration;
        let settings = self.config.settings(iteration, self.batches.per_epoch());
        let Batch { inputs, labels } = self.batches.batch(iteration);
        let description = &self.held_out.description;
        let shape = [labels.len(), description.pixels()];
        let x = Tensor::<2>::from_data(TensorData::new(inputs, shape), &self.device);
        let targets = one_hot(&labels, description.classes.len(), &self.device);
        let x = match self.config.recipe {
            Recipe::Adversarial {
                steps, step_share, ..
            } => {
                let pgd = Pgd {
                    white: 1.0,
                    epsilon: settings.epsilon,
                    steps,
                    step_share,
                };
                pgd.attack(&self.net.inference(), &x, &targets, &mut self.rng)
            }
            Recipe::Standard | Recipe::Ibp { .. } => x,
        }
        .autodiff();
        let targets = targets.autodiff();
        let logits = self.net.forward(x.clone());
        let accuracy = accuracy(&to_vec(logits.clone().inner()), &labels);
        let mut loss = cross_entropy(logits, targets.clone());
        if settings.kappa < 1.0 {
            let (worst, intervals) = worst_logits(&self.net, x, targets.clone(), settings.epsilon);
            loss = loss.mul_scalar(settings.kappa)
                + cross_entropy(worst, targets).mul_scalar(1.0 - settings.kappa);
            if settings.lambda > 0.0 {
                loss = loss + regulariser(intervals).mul_scalar(settings.lambda);
            }
        }
        let loss_value = to_vec(loss.clone().inner())[0];
        if !loss_value.is_finite() {
            return Err(TrainError::Diverged {
                iteration,
                loss: loss_value,
            });
        }
        let grads = &mut loss.backward();
        let step = self.adam.at(settings.learning_rate, iteration + 1);
        let layers = std::mem::take(&mut self.net.layers).into_iter();
        self.net.layers = layers
            .zip(&mut self.moments)
            .map(|(mut layer, (weight, bias))| {
                layer.weight = stepped(layer.weight, weight, grads, step);
                layer.bias = stepped(layer.bias, bias, grads, step);
                layer
            })
            .collect();
        self.iteration += 1;
        Ok(StepReport {
            iteration,
            settings,
            loss: loss_value,
            accuracy,
        })
    }

    /// Returns the current network as its file holds it: on pixel levels, in bf16.
    ///
    /// # Errors
    /// Fails if a weight is not finite, or so large that some image could overflow.
    pub fn baseline_net(&self) -> Result<BaselineNet, TrainError> {
        Ok(as_stored(self.net.inference().to_layers())?)
    }

    /// Measures the current network, as its file would hold it, on the held-out images at ε, on up to
    /// `threads` threads.
    ///
    /// # Errors
    /// As [`Trainer::baseline_net`].
    pub fn evaluate(
        &self,
        epsilon: Epsilon,
        threads: NonZeroUsize,
    ) -> Result<HeldOutReport, TrainError> {
        let baseline = self.baseline_net()?;
        let net = ReluNet::from_net(&baseline, &self.device);
        let radius = epsilon.ticks(MEASURE_SCALE);
        let pgd = Pgd {
            white: MAX_LEVEL as f32,
            epsilon: radius.levels(MEASURE_SCALE).get() as f32,
            steps: 20,
            step_share: 0.125,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        let mut empirical = 0.0;
        let description = &self.held_out.description;
        let (pixels, classes) = (description.pixels(), description.classes.len());
        for (images, labels) in self
            .held_out
            .images
            .chunks(MEASURED_AT_ONCE * pixels)
            .zip(self.held_out.labels.chunks(MEASURED_AT_ONCE))
        {
            let levels: Vec<f32> = images.iter().map(|&level| level.into()).collect();
            let x = TensorData::new(levels, [labels.len(), pixels]);
            let x = Tensor::<2>::from_data(x, &self.device);
            let targets = one_hot(labels, classes, &self.device);
            let x = pgd.attack(&net, &x, &targets, &mut rng);
            empirical += labels.len() as f64 * f64::from(accuracy(&to_vec(net.forward(x)), labels));
        }
        let evaluation = evaluate(&baseline, &self.held_out, epsilon, threads);
        let images = self.held_out.len() as f64;
        Ok(HeldOutReport {
            clean: evaluation.clean as f64 / images,
            empirical: empirical / images,
            certified: evaluation.certified as f64 / images,
        })
    }
}

/// Returns trained layers, which take fractions of full scale, as the network that its file holds: on
/// pixel levels, in bf16.
pub(super) fn as_stored(mut layers: Vec<Layer>) -> Result<BaselineNet, BaselineNetError> {
    for weight in &mut layers[0].weight {
        *weight /= MAX_LEVEL as f32;
    }
    let numbers = layers
        .iter_mut()
        .flat_map(|layer| layer.weight.iter_mut().chain(&mut layer.bias));
    numbers.for_each(|number| *number = bf16::from_f32(*number).to_f32());
    BaselineNet::new(layers)
}

/// The numbers of Adam in baseline training.
pub(super) fn adam() -> FusedAdam {
    FusedAdamConfig::new()
        .with_beta_2(0.999)
        .with_epsilon(1e-8)
        .build()
}

/// The moments of a network that has had no gradient yet.
fn zero_moments(net: &ReluNet) -> Vec<(Moments<2>, Moments<1>)> {
    let layers = net.layers.iter();
    layers
        .map(|layer| {
            let weight = Moments::zeros(&layer.weight.val());
            (weight, Moments::zeros(&layer.bias.val()))
        })
        .collect()
}

/// Draws weights from N(0, 2/fan-in) (He et al., 2015); for IBP with regularisers from
/// N(0, 2π/fan-in²), with which intervals keep their widths from layer to layer (Shi et al., 2021,
/// section 3.2). The bias is 0.
pub(super) fn initial_layers(
    description: &DatasetDescription,
    config: &Config,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Layer>, TrainError> {
    let (pixels, classes) = (description.pixels(), description.classes.len());
    let words = format!("{pixels}-{}-{classes}", config.hidden);
    let layers = architecture::parse(&words).ok_or(TrainError::Architecture(words))?;
    let layer = |(geometry, channels): (Geometry, usize)| {
        let fan_in = geometry.fan_in() as f32;
        let deviation = match config.recipe {
            Recipe::Ibp { lambda, .. } if lambda > 0.0 => std::f32::consts::TAU.sqrt() / fan_in,
            _ => (2.0 / fan_in).sqrt(),
        };
        let weight = StandardNormal.sample_iter(&mut *rng);
        Layer {
            geometry,
            weight: weight
                .take(geometry.fan_in() * channels)
                .map(|weight: f32| weight * deviation)
                .collect(),
            bias: vec![0.0; channels],
        }
    };
    Ok(layers.into_iter().map(layer).collect())
}
