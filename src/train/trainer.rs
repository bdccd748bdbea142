//! The trainer: a state machine that is stepped from outside.

mod state;

use std::num::NonZeroUsize;
use std::sync::Arc;

use burn::Tensor;
use burn::module::Param;
use burn::tensor::{Device, TensorData, Transaction, read_sync};

use super::adam::{AdamStep, FusedAdam, FusedAdamConfig, Moments};
use super::batches::{Batch, Batches, RandomShift};
use super::config::{ConfigError, LossConfig, TrainConfig};
use super::error::TrainError;
use super::gradual_pruning::prune;
use super::loss::{hinge_loss, lp_weight_decay, mixture_loss};
use super::schedule::{Schedule, StepSettings};
use crate::data::{Dataset, DatasetDescription};
use crate::exact::{Epsilon, Evaluation, ExactNet, FloatNet, Parent, evaluate};
use crate::net::{LinfDistNet, LinfDistNetConfig, to_vec};
use crate::train::tensors::{read, read_all};

/// The result of one step, measured on its own batch at the current p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The iteration, counted from 0.
    pub iteration: usize,
    /// The settings it ran with.
    pub settings: StepSettings,
    /// The loss.
    pub loss: f32,
    /// Clean accuracy on the batch.
    pub accuracy: f32,
}

/// Accuracies of the current exact integer network on held-out images.
#[derive(Clone, Debug)]
pub struct HeldOutReport {
    /// The accuracies.
    pub evaluation: Evaluation,
    /// Share of the weights that remain after exact pruning.
    pub weights_kept: f64,
}

/// A step whose results have not been read from the device.
struct Pending {
    iteration: usize,
    settings: StepSettings,
    labels: Vec<u8>,
    logits: Tensor<2>,
    loss: Tensor<1>,
}

/// Trains one net: call [`Trainer::step`] until [`Trainer::is_finished`], and [`Trainer::read`] every
/// few steps.
///
/// On a GPU a step only queues work. Waiting for the results after every step would leave the GPU idle
/// most of the time.
pub struct Trainer {
    config: TrainConfig,
    schedule: Schedule,
    batches: Batches,
    held_out: Dataset,
    device: Device,
    net: LinfDistNet,
    scale: Param<Tensor<1>>,
    adam: FusedAdam,
    weight_moments: Vec<Moments<2>>,
    bias_moments: Moments<1>,
    scale_moments: Moments<1>,
    iteration: usize,
    pending: Vec<Pending>,
    parent: Option<Parent>,
}

impl TrainConfig {
    /// Returns how many images are trained on, of a training set of `all`.
    ///
    /// # Errors
    /// Fails when they are fewer than a batch.
    pub fn training_images(&self, all: usize) -> Result<usize, TrainError> {
        let found = all.saturating_sub(self.held_out).min(self.images);
        let batch = self.batch;
        match found < batch {
            true => Err(TrainError::TooFewImages { found, batch }),
            false => Ok(found),
        }
    }

    /// Splits a training set into the images to train on and the images to hold out.
    ///
    /// # Errors
    /// Fails when the first part is smaller than a batch.
    pub fn split(&self, data: Dataset) -> Result<(Dataset, Dataset), TrainError> {
        self.training_images(data.len())?;
        let (training, held_out) = data.hold_out(self.held_out);
        Ok((training.last(self.images), held_out))
    }
}

/// Weights are checked every so many steps: NaN weights need not make the loss NaN, because a maximum
/// ignores them.
const WEIGHTS_CHECKED_EVERY: usize = 100;

/// Scale of the integer network that is measured in training: a tick is 1/32 of a pixel level.
const MEASURE_SCALE: u32 = 32;

/// Images that the means of a net to be fine-tuned are estimated over. Training moves them on.
const DEQUANTIZE_MEANS: usize = 10_000;

impl Trainer {
    /// Creates a trainer at iteration 0 of a net for the images and classes of `data`. `device` must be
    /// one without autodiff.
    pub fn new(config: TrainConfig, data: Dataset, device: Device) -> Result<Self, TrainError> {
        let widths = config.widths(&data.description);
        Self::of(config, data, device, |config, _, device| {
            LinfDistNetConfig::new(widths)
                .with_weight_init(config.weight_init)
                .with_seed(config.seed)
                .init(device)
        })
    }

    /// Creates a trainer at iteration 0 that fine-tunes the weights of the pruned `net`, on the CPU. A
    /// step's time is proportional to their number. `parent` is the file of `net`.
    ///
    /// The first p should not be much below 16: weights that were pruned matter at p = 8, though not
    /// at p = ∞.
    pub fn finetune(
        config: TrainConfig,
        (net, parent): (&ExactNet, Parent),
        data: Dataset,
    ) -> Result<Self, TrainError> {
        if net.members() > 1 {
            return Err(TrainError::Members(net.members()));
        }
        let (expected, found) = (config.widths(&data.description), net.architecture());
        if found != expected {
            return Err(TrainError::Widths { expected, found });
        }
        let device = Device::flex();
        let normalisation = data.description.normalisation;
        let mut trainer = Self::of(config, data, device, |_, batches, _| {
            let images = || batches.plain(DEQUANTIZE_MEANS);
            LinfDistNet::dequantize(net, normalisation, images).autodiff()
        })?;
        trainer.parent = Some(parent);
        Ok(trainer)
    }

    /// Creates a trainer at iteration 0 of the net that `net` makes on the autodiff device it is given.
    fn of(
        config: TrainConfig,
        data: Dataset,
        device: Device,
        net: impl FnOnce(&TrainConfig, &Batches, &Device) -> LinfDistNet,
    ) -> Result<Self, TrainError> {
        config.check()?;
        let (training, held_out) = config.split(data)?;
        let device = device.autodiff();
        let random_shift = RandomShift {
            pixels: config.random_shift,
            probability: config.random_shift_probability,
        };
        let normalisation = training.description.normalisation;
        let classes = training.description.classes.len();
        let batches = Batches::new(
            Arc::new(training),
            config.seed,
            config.batch,
            random_shift,
            normalisation,
        );
        let net = net(&config, &batches, &device);
        let is_pruned = net.layers.iter().any(|layer| layer.pattern.is_some());
        if is_pruned && matches!(config.loss, LossConfig::Hinge { .. }) {
            return Err(TrainError::HingeOfPruned);
        }
        let scale = Param::from_tensor(Tensor::ones([1], &device));
        Ok(Self {
            schedule: config.schedule(batches.per_epoch())?,
            adam: FusedAdamConfig::new().build(),
            weight_moments: net
                .layers
                .iter()
                .map(|layer| Moments::zeros(&layer.weight.val()))
                .collect(),
            bias_moments: Moments::zeros(&Tensor::<1>::zeros([classes], &device)),
            scale_moments: Moments::zeros(&scale.val()),
            config,
            batches,
            held_out,
            device,
            net,
            scale,
            iteration: 0,
            pending: Vec::new(),
            parent: None,
        })
    }

    /// The model that is fine-tuned; None in a run from scratch.
    pub fn parent(&self) -> Option<&Parent> {
        self.parent.as_ref()
    }

    /// Whether weights were dropped, before the run or during it.
    pub fn has_dropped_weights(&self) -> bool {
        self.net.layers.iter().any(|layer| layer.pattern.is_some())
    }

    /// What the images are, those that are trained on and the held-out ones.
    pub fn description(&self) -> &DatasetDescription {
        &self.held_out.description
    }

    /// The held-out images.
    pub fn held_out(&self) -> &Dataset {
        &self.held_out
    }

    /// The training images.
    pub fn training(&self) -> &Dataset {
        self.batches.data()
    }

    /// The current configuration, which records the iterations of its changes.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Changes, before the next step, the hyperparameters that may change during a run. The
    /// configuration records the iteration.
    ///
    /// # Errors
    /// Fails, changing nothing, when one of them is out of range.
    pub fn change(
        &mut self,
        learning_rate: f32,
        epsilon_train: f32,
        epsilon: Epsilon,
    ) -> Result<(), ConfigError> {
        let mut config = TrainConfig {
            learning_rate,
            epsilon_train,
            epsilon,
            ..self.config.clone()
        };
        config.check()?;
        if config != self.config {
            config.changed_at.push(self.iteration);
            self.schedule = config.schedule(self.batches.per_epoch())?;
            self.config = config;
        }
        Ok(())
    }

    /// The p of the next step, or of the last one after the end.
    pub fn p(&self) -> f32 {
        let last = self.schedule.iterations().saturating_sub(1);
        self.schedule.at(self.iteration.min(last)).norm.p()
    }

    /// The number of weights that are trained, without those that were dropped.
    pub fn weights(&self) -> usize {
        let layers = self.net.layers.iter();
        layers
            .map(|layer| layer.weight.val().shape().num_elements())
            .sum()
    }

    /// The run's schedule.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The number of iterations done.
    pub fn iteration(&self) -> usize {
        self.iteration
    }

    /// The number of iterations in one epoch.
    pub fn iterations_per_epoch(&self) -> usize {
        self.batches.per_epoch()
    }

    /// Whether the schedule has ended.
    pub fn is_finished(&self) -> bool {
        self.iteration >= self.schedule.iterations()
    }

    /// Runs one iteration: a batch forward, backward, and an Adam step. [`read`](Self::read) returns its
    /// results.
    ///
    /// # Errors
    /// On the CPU it fails when the loss is not finite, leaving everything as it was except that the
    /// weights dropped at the start of an epoch are gone. Every hundred iterations it fails when a
    /// weight is not finite. On a GPU both are noticed by [`read`](Self::read).
    pub fn step(&mut self) -> Result<(), TrainError> {
        let iteration = self.iteration;
        let settings = self.schedule.at(iteration);
        if self.prunes_before(iteration) {
            for (layer, moments) in self.net.layers.iter_mut().zip(&mut self.weight_moments) {
                prune(layer, moments, self.config.prune_tolerance.into());
            }
        }
        let Batch { inputs, labels } = self.batches.batch(iteration);
        let description = self.description();
        let shape = [labels.len(), description.pixels()];
        let x = Tensor::<2>::from_data(TensorData::new(inputs, shape), &self.device);
        let targets = one_hot(&labels, description.classes.len(), &self.device);
        let theta = 2.0 * self.config.epsilon_train / description.normalisation.std;

        let means = self.running_means();
        let logits = self.net.forward(x, settings.norm);
        let results = logits.clone().inner();
        let loss = match self.config.loss {
            LossConfig::Mixture { .. } => {
                mixture_loss(logits, targets, self.scale.val(), theta, settings.lambda)
            }
            LossConfig::Hinge { mix, .. } => hinge_loss(logits, targets, theta, mix),
        };
        let pending = Pending {
            iteration,
            settings,
            labels,
            logits: results,
            loss: loss.clone().inner(),
        };
        if self.is_on_cpu()
            && let Err(error) = finite(iteration, to_vec(pending.loss.clone())[0])
        {
            self.set_running_means(means);
            return Err(error);
        }
        let grads = loss.backward();
        drop(loss);
        self.update(grads, settings);
        self.iteration += 1;
        self.pending.push(pending);
        if self.is_on_cpu() && self.iteration.is_multiple_of(WEIGHTS_CHECKED_EVERY) {
            read_sync(self.check_weights())?;
        }
        Ok(())
    }

    /// Waits for the steps that have not been read yet and returns their results.
    ///
    /// Fails when one of them had a loss that is not finite; and, every hundred iterations, when a
    /// weight is not. On a GPU the run is then lost: go on from a checkpoint.
    pub async fn read(&mut self) -> Result<Vec<StepReport>, TrainError> {
        let pending = std::mem::take(&mut self.pending);
        let Some(first) = pending.first().map(|step| step.iteration) else {
            return Ok(Vec::new());
        };
        let results = pending.iter().fold(Transaction::default(), |all, step| {
            all.register(step.loss.clone())
                .register(step.logits.clone())
        });
        let results = read_all(results).await?;
        let report = |(step, results): (&Pending, &[Vec<f32>])| -> Result<_, TrainError> {
            let loss = results[0][0];
            finite(step.iteration, loss)?;
            Ok(StepReport {
                iteration: step.iteration,
                settings: step.settings,
                loss,
                accuracy: accuracy(&results[1], &step.labels),
            })
        };
        let reports = pending.iter().zip(results.chunks_exact(2)).map(report);
        let reports = reports.collect::<Result<Vec<_>, _>>()?;
        let checks = |iteration: usize| iteration / WEIGHTS_CHECKED_EVERY;
        if !self.is_on_cpu() && checks(self.iteration) > checks(first) {
            self.check_weights().await?;
        }
        Ok(reports)
    }

    /// Whether weights are dropped before an iteration. On a GPU none are, since it has no kernels for
    /// pruned layers.
    fn prunes_before(&self, iteration: usize) -> bool {
        let per_epoch = self.batches.per_epoch();
        let begins = iteration.is_multiple_of(per_epoch);
        let after = self.config.prune_from_epoch;
        begins && self.is_on_cpu() && after > 0 && iteration >= after.saturating_mul(per_epoch)
    }

    /// Whether results are there as soon as they are asked for.
    fn is_on_cpu(&self) -> bool {
        self.device == Device::flex()
    }

    /// Fails when a weight is not finite.
    async fn check_weights(&self) -> Result<(), TrainError> {
        for layer in &self.net.layers {
            let weights = read(layer.weight.val().inner()).await?;
            if !weights.iter().all(|w| w.is_finite()) {
                let what = "a weight is not finite".into();
                let iteration = self.iteration;
                return Err(TrainError::Diverged { iteration, what });
            }
        }
        Ok(())
    }

    fn running_means(&self) -> Vec<Tensor<1>> {
        let shifts = self
            .net
            .layers
            .iter()
            .filter_map(|layer| layer.mean_shift.as_ref());
        shifts
            .map(|shift| shift.running_mean.value_sync())
            .collect()
    }

    fn set_running_means(&self, means: Vec<Tensor<1>>) {
        let shifts = self
            .net
            .layers
            .iter()
            .filter_map(|layer| layer.mean_shift.as_ref());
        shifts
            .zip(means)
            .for_each(|(shift, mean)| shift.set_mean(mean));
    }

    fn update(&mut self, mut grads: burn::tensor::Gradients, settings: StepSettings) {
        let time = self.iteration + 1;
        let step = self.adam.at(settings.learning_rate, time);
        let decay = match self.config.loss {
            LossConfig::Hinge { weight_decay, .. } => settings.learning_rate * weight_decay,
            LossConfig::Mixture { .. } => 0.0,
        };
        let layers = std::mem::take(&mut self.net.layers)
            .into_iter()
            .zip(&mut self.weight_moments);
        self.net.layers = layers
            .map(|(mut layer, moments)| {
                layer.weight = stepped(layer.weight, moments, &mut grads, step);
                if decay > 0.0 {
                    layer.weight = layer
                        .weight
                        .map(|weight| leaf(lp_weight_decay(weight.inner(), settings.norm, decay)));
                }
                layer.bias = layer
                    .bias
                    .map(|bias| stepped(bias, &mut self.bias_moments, &mut grads, step));
                layer
            })
            .collect();
        let step = self.adam.at(settings.scale_learning_rate, time);
        let scale = self.scale.clone();
        self.scale = stepped(scale, &mut self.scale_moments, &mut grads, step);
    }

    /// Returns the current net as plain floats, with the means of the p = ∞ net over the first `images`
    /// training images, unaugmented.
    ///
    /// # Errors
    /// Fails if the device does not answer.
    pub async fn float_net(&self, images: usize) -> Result<FloatNet, TrainError> {
        let device = self.device.clone().inner();
        let net = LinfDistNet {
            layers: self
                .net
                .layers
                .iter()
                .map(|layer| layer.inference(&device))
                .collect(),
        };
        let pixels = self.description().pixels();
        net.estimate_means(|| {
            let device = device.clone();
            self.batches.plain(images).map(move |inputs| {
                let rows = inputs.len() / pixels;
                Tensor::from_data(TensorData::new(inputs, [rows, pixels]), &device)
            })
        });
        Ok(net.to_float(self.description().normalisation).await?)
    }

    /// Quantizes the current net, with means estimated over `images` training images.
    ///
    /// # Errors
    /// Fails if a weight is not finite or the integer network is refused.
    pub async fn exact_net(&self, images: usize) -> Result<ExactNet, TrainError> {
        self.check_weights().await?;
        let float = self.float_net(images).await?;
        Ok(ExactNet::quantize(&float, MEASURE_SCALE)?)
    }

    /// Returns the weights of the first `units` units of the first layer as images, `[units, pixels]`: pixel
    /// levels clamped to 0..255, the mean where a weight is missing. A narrower layer gives fewer.
    pub async fn pictures(&self, units: usize) -> Result<Vec<u8>, TrainError> {
        let layer = &self.net.layers[0];
        let weights = layer.weight.val().inner();
        let shown = match &layer.pattern {
            Some(pattern) => pattern.dense(&read(weights).await?, units),
            None => {
                let units = units.min(weights.dims()[0]);
                read(weights.narrow(0, 0, units)).await?
            }
        };
        let normalisation = self.description().normalisation;
        // The cast to u8 saturates.
        let levels = shown.iter().map(|&w| normalisation.level(w).round() as u8);
        Ok(levels.collect())
    }

    /// Measures the current exact integer network on the held-out images at ε, with means estimated over
    /// `images` training images.
    ///
    /// # Errors
    /// As [`exact_net`](Self::exact_net).
    pub async fn evaluate(
        &self,
        epsilon: Epsilon,
        images: usize,
        threads: NonZeroUsize,
    ) -> Result<HeldOutReport, TrainError> {
        let net = self.exact_net(images).await?;
        let evaluation = evaluate(
            &net,
            &self.held_out.images,
            &self.held_out.labels,
            epsilon,
            threads,
        )
        .expect("data sets hold images of the size that the net was built for");
        Ok(HeldOutReport {
            evaluation,
            weights_kept: net.share_kept(),
        })
    }
}

/// Fails when the loss of an iteration is not finite.
fn finite(iteration: usize, loss: f32) -> Result<(), TrainError> {
    if loss.is_finite() {
        return Ok(());
    }
    let what = format!("the loss is {loss}");
    Err(TrainError::Diverged { iteration, what })
}

/// Returns the parameter after an Adam step on its gradient; unchanged if it has no gradient.
pub(crate) fn stepped<const D: usize>(
    parameter: Param<Tensor<D>>,
    moments: &mut Moments<D>,
    grads: &mut burn::tensor::Gradients,
    step: AdamStep,
) -> Param<Tensor<D>> {
    let Some(grad) = parameter.val().grad_remove(grads) else {
        return parameter;
    };
    parameter.map(|tensor| leaf(moments.step(tensor.inner(), grad, step)))
}

/// Makes a tensor a leaf of the autodiff graph.
fn leaf<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    tensor.autodiff().require_grad()
}

/// Returns targets `[batch, classes]` that are 1 at the label and 0 elsewhere.
pub(crate) fn one_hot(labels: &[u8], classes: usize, device: &Device) -> Tensor<2> {
    let mut targets = vec![0.0f32; labels.len() * classes];
    for (row, label) in targets.chunks_exact_mut(classes).zip(labels) {
        row[usize::from(*label)] = 1.0;
    }
    Tensor::from_data(TensorData::new(targets, [labels.len(), classes]), device)
}

/// Returns the share of the rows of `logits`, one for each label, whose label's logit is above all others.
pub(crate) fn accuracy(logits: &[f32], labels: &[u8]) -> f32 {
    let right = logits
        .chunks_exact(logits.len() / labels.len())
        .zip(labels)
        .filter(|(row, label)| {
            let label = usize::from(**label);
            row.iter()
                .enumerate()
                .all(|(class, logit)| class == label || *logit < row[label])
        });
    right.count() as f32 / labels.len() as f32
}
