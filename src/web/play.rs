//! *Play*: two networks learn the same points of two pixels, side by side.
//!
//! One is an ℓ∞-dist net, trained by the product's own [`Trainer`] on the CPU; at every frame it becomes
//! the exact integer network, whose labels and certificates are shown. The other is a ReLU net of the same
//! widths. There are only 65,536 images of two pixels, so that what both prove is compared with the truth.

use std::sync::Arc;

use burn::tensor::{Device, read_sync};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::baseline::train::{Config, Recipe, StandardTrainer, TrainError as BaselineTrainError};
use crate::baseline::{BaselineNet, Evaluator, IntervalCertifier};
use crate::data::{Dataset, DatasetDescription, Normalisation};
use crate::exact::{EpsilonError, ExactNet, InputError, Levels, MAX_LEVEL, Ticks};
use crate::net::WeightInit;
use crate::train::{ConfigError, LossConfig, TrainConfig, TrainError, Trainer};

/// Levels of a pixel, 0 to 255.
pub const LEVELS: usize = MAX_LEVEL as usize + 1;
/// Stands for no label: the largest logits are equal.
pub const TIE: u8 = u8::MAX;

/// More points than these are not shown.
const MOST_POINTS: usize = 1_000;
/// Larger networks than this would not train while one watches.
const MOST_WEIGHTS: usize = 40_000;
/// A unit is told by a byte, of which one value stands for none.
const MOST_WIDTH: usize = TIE as usize;
/// Points in a batch, if there are so many.
const BATCH: usize = 128;
/// Ticks of a level, in which the radii of both networks are measured.
const SCALE: u32 = 32;
/// Learning rate of the ReLU net. It has no hyperparameters of its own.
const RELU_LEARNING_RATE: f32 = 5e-3;
/// Images that the ReLU net evaluates at a time.
const RELU_BATCH: usize = 4_096;
/// Weights start from N(0, 1): this many deviations of normalised pixels.
const NORMALISATION: Normalisation = Normalisation {
    mean: 0.5,
    std: 0.3,
};

/// What a game begins with, apart from its points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayConfig {
    /// Number of classes, 2 to 4.
    pub classes: usize,
    /// Widths of the hidden layers, of both networks.
    pub hidden: Vec<usize>,
    /// How the weights of the ℓ∞-dist net are initialised.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "WeightInit"))]
    pub weight_init: WeightInit,
    /// Decides everything that is random.
    pub seed: u32,
    /// Steps at the first p.
    pub steps_start: usize,
    /// Steps in which p grows.
    pub steps_growth: usize,
    /// Steps at p = ∞.
    pub steps_inf: usize,
    /// The first p.
    pub p_start: f32,
    /// The last finite p.
    pub p_end: f32,
    /// What may be changed during the game.
    pub knobs: PlayKnobs,
}

/// The hyperparameters that may be changed during a game.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayKnobs {
    /// Learning rate that the cosine starts from.
    pub learning_rate: f32,
    /// The radius that the loss of the ℓ∞-dist net asks for, in pixel levels.
    pub epsilon_train_levels: f32,
    /// The radius at which points are counted as certified, in whole pixel levels.
    pub epsilon_levels: u8,
}

/// Why a game cannot begin or go on.
#[derive(Debug, Error)]
pub enum PlayError {
    /// A number of classes that is not offered.
    #[error("there are {0} classes; Play has 2 to 4")]
    Classes(usize),
    /// No point, or too many.
    #[error("there are {0} points; Play takes 2 to 1000")]
    Points(usize),
    /// Pixels and labels that do not belong together.
    #[error("{labels} labels take {expected} pixels, two each, but there are {found}")]
    Pixels {
        /// Number of labels.
        labels: usize,
        /// Pixels of so many points.
        expected: usize,
        /// Pixels given.
        found: usize,
    },
    /// A label that is none of the classes.
    #[error("point {index} has the label {label}, but the classes are 0 to {last}")]
    Label {
        /// Number of the point.
        index: usize,
        /// Its label.
        label: u8,
        /// The last class.
        last: usize,
    },
    /// A network that is too large.
    #[error(
        "this network has {0} weights; Play takes up to 40000, so choose fewer or narrower layers"
    )]
    Weights(usize),
    /// A layer that is too wide.
    #[error("a layer of {0} units was asked for; Play takes up to 255")]
    Width(usize),
    /// A number of images in a row of a map that does not divide 256.
    #[error("a map of {0} images in a row was asked for; it must be a power of two up to 256")]
    Side(usize),
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A radius is out of range.
    #[error(transparent)]
    Epsilon(#[from] EpsilonError),
    /// The ℓ∞-dist net cannot be trained.
    #[error("the ℓ∞-dist net")]
    Train(#[from] TrainError),
    /// The ReLU net cannot be trained.
    #[error("the ReLU net")]
    Relu(#[from] BaselineTrainError),
}

/// A moment of a game.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayFrame {
    /// Steps done.
    pub iteration: usize,
    /// Steps in all.
    pub iterations: usize,
    /// p of the next step, or of the last one after the end; ∞ where it is.
    pub p: f32,
    /// Images in a row of the maps.
    pub side: usize,
    /// Number of points.
    pub points: usize,
    /// The ℓ∞-dist net, as the exact integer network.
    pub ours: PlayNet,
    /// The ReLU net.
    pub relu: PlayNet,
}

/// A network at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayNet {
    /// Mean loss of the steps since the frame before; absent before the first step.
    pub loss: Option<f32>,
    /// Mean share of their batches that was labelled rightly by the network in training, which the ℓ∞-dist
    /// net is at a finite p; absent before the first step.
    pub accuracy: Option<f32>,
    /// Labels of images, `[side, side]`: a row for each level of the second pixel, upwards; 255 where
    /// there is none.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub map: Vec<u8>,
    /// The label of each point; 255 where there is none.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub labels: Vec<u8>,
    /// The radius that is proved for the label of each point, in pixel levels, rounded down to 1/32; −1
    /// without a label. By IBP for both networks; of the ReLU net in whole levels.
    pub radii: Vec<f32>,
    /// Points that are labelled rightly.
    pub right: usize,
    /// Points that are labelled rightly and proved at ε.
    pub certified: usize,
    /// Number of weights, without biases.
    pub weights: usize,
}

/// What is true of both networks at one moment, of all 65,536 images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayTruth {
    /// Steps done.
    pub iteration: usize,
    /// Of the ℓ∞-dist net.
    pub ours: NetTruth,
    /// Of the ReLU net.
    pub relu: NetTruth,
}

/// What is true of a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct NetTruth {
    /// Labels of all images, `[256, 256]`: a row for each level of the second pixel, upwards; 255 where
    /// there is none.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub map: Vec<u8>,
    /// Points that are labelled rightly and certified at ε.
    pub certified: usize,
    /// Points that are labelled rightly and have no image of another label, or of none, within ε.
    pub robust: usize,
    /// Images inside of certified squares, counted for each of the squares.
    pub inside: usize,
    /// Of these, images that have another label than the square's point, or none. A proof is wrong
    /// unless it is 0.
    pub contradictions: usize,
}

/// The units of the first hidden layer of the ℓ∞-dist net, and where each of them decides.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayUnits {
    /// Images in a row of the maps.
    pub side: usize,
    /// The unit on the arg-max path of the label's logit, `[side, side]`; 255 where there is no label.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub units: Vec<u8>,
    /// The critical pixel of that logit, 0 or 1, `[side, side]`; 255 where there is no label.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub pixels: Vec<u8>,
    /// The weights of every unit in pixel levels, `[units, 2]`: the middle of the squares on whose edges
    /// its value is the same. Outside of 0 to 255 for many.
    pub weights: Vec<f32>,
    /// The mean of every unit's value over the points, in pixel levels, `[units]`.
    pub means: Vec<f32>,
}

/// Two networks that learn the same points.
pub struct Play {
    points: Dataset,
    epsilon: Ticks,
    epsilon_levels: u8,
    trainer: Trainer,
    relu: StandardTrainer,
    course: Course,
    relu_course: Course,
}

/// Sums over the steps since the last frame.
#[derive(Default)]
struct Course {
    loss: f32,
    accuracy: f32,
    steps: usize,
    /// What was told last.
    told: [Option<f32>; 2],
}

impl Course {
    fn add(&mut self, loss: f32, accuracy: f32) {
        self.loss += loss;
        self.accuracy += accuracy;
        self.steps += 1;
    }

    /// The mean loss and accuracy of the steps since the last call, or of those before it if there were
    /// none since.
    fn take(&mut self) -> [Option<f32>; 2] {
        if self.steps > 0 {
            let told = [self.loss, self.accuracy].map(|sum| Some(sum / self.steps as f32));
            *self = Self {
                told,
                ..Self::default()
            };
        }
        self.told
    }
}

/// The two networks as they run at one moment.
struct Nets {
    ours: ExactNet,
    relu: BaselineNet,
}

/// What a network says of one point.
#[derive(Clone, Copy)]
struct Verdict {
    label: u8,
    /// What is proved; none without a label.
    radius: Option<Ticks>,
}

impl PlayConfig {
    /// Weights of the ℓ∞-dist net; the ReLU net has as many, and biases.
    fn weights(&self) -> usize {
        let widths = [2].into_iter().chain(self.hidden.iter().copied());
        let widths: Vec<_> = widths.chain([self.classes]).collect();
        let pairs = widths.windows(2);
        pairs.fold(0, |sum: usize, pair| {
            sum.saturating_add(pair[0].saturating_mul(pair[1]))
        })
    }

    /// The configuration of the trainer with so many steps in an epoch.
    fn train_config(&self, batch: usize, per_epoch: usize) -> Result<TrainConfig, EpsilonError> {
        let epochs = |steps: usize| steps.div_ceil(per_epoch);
        Ok(TrainConfig {
            dataset: "points".into(),
            epsilon: epsilon_of(self.knobs.epsilon_levels)?,
            images: MOST_POINTS,
            seed: self.seed.into(),
            hidden: self.hidden.clone(),
            weight_init: self.weight_init,
            batch,
            random_shift: 0,
            random_shift_probability: 1.0,
            epochs_start: epochs(self.steps_start),
            epochs_growth: epochs(self.steps_growth),
            epochs_inf: epochs(self.steps_inf),
            p_start: self.p_start,
            p_end: self.p_end,
            learning_rate: self.knobs.learning_rate,
            epsilon_train: self.knobs.epsilon_train_levels / MAX_LEVEL as f32,
            loss: LossConfig::Mixture {
                lambda_start: 0.05,
                lambda_end: 0.0002,
                scale_learning_rate: 0.006,
            },
            prune_from_epoch: 0,
            prune_tolerance: 0.0,
            held_out: 0,
            changed_at: Vec::new(),
        })
    }
}

/// So many levels as a decimal of full scale, for the trainer's configuration; what is certified is
/// measured in levels.
fn epsilon_of(levels: u8) -> Result<crate::exact::Epsilon, EpsilonError> {
    format!("{:.6}", f64::from(levels) / f64::from(MAX_LEVEL)).parse()
}

impl Play {
    /// Begins a game with these points: pixels, `[n, 2]`, and their labels, `[n]`.
    ///
    /// # Errors
    /// Fails for points that are none, and for hyperparameters that are out of range.
    pub fn new(config: &PlayConfig, pixels: &[u8], labels: &[u8]) -> Result<Self, PlayError> {
        let points = points(config.classes, pixels, labels)?;
        let weights = config.weights();
        if weights > MOST_WEIGHTS {
            return Err(PlayError::Weights(weights));
        }
        if let Some(&width) = config.hidden.iter().find(|&&width| width > MOST_WIDTH) {
            return Err(PlayError::Width(width));
        }
        let batch = points.len().min(BATCH);
        let train = config.train_config(batch, points.len() / batch)?;
        let hidden: Vec<_> = config.hidden.iter().map(ToString::to_string).collect();
        let epochs = train.epochs();
        let trainer = Trainer::new(train, points.clone(), Device::flex())?;
        let relu = Config {
            dataset: "points".into(),
            seed: config.seed.into(),
            hidden: hidden.join("-"),
            batch,
            epochs,
            learning_rate: RELU_LEARNING_RATE,
            recipe: Recipe::Standard,
            held_out: 0,
        };
        Ok(Self {
            relu: StandardTrainer::new(relu, points.clone())?,
            points,
            epsilon: ticks_of(config.knobs.epsilon_levels),
            epsilon_levels: config.knobs.epsilon_levels,
            trainer,
            course: Course::default(),
            relu_course: Course::default(),
        })
    }

    /// Changes hyperparameters before the next step.
    ///
    /// # Errors
    /// Fails, changing nothing, when one of them is out of range.
    pub fn change(&mut self, knobs: PlayKnobs) -> Result<(), PlayError> {
        self.trainer.change(
            knobs.learning_rate,
            knobs.epsilon_train_levels / MAX_LEVEL as f32,
            epsilon_of(knobs.epsilon_levels)?,
        )?;
        self.epsilon = ticks_of(knobs.epsilon_levels);
        self.epsilon_levels = knobs.epsilon_levels;
        Ok(())
    }

    /// Whether the run has ended.
    pub fn is_finished(&self) -> bool {
        self.trainer.is_finished()
    }

    /// Trains both networks for up to `steps` steps.
    ///
    /// # Errors
    /// Fails when a loss or a weight is not finite.
    pub fn advance(&mut self, steps: usize) -> Result<(), PlayError> {
        for _ in 0..steps {
            if self.trainer.is_finished() {
                break;
            }
            self.trainer.step()?;
            let report = self.relu.step()?;
            self.relu_course.add(report.loss, report.accuracy);
        }
        for report in read_sync(self.trainer.read())? {
            self.course.add(report.loss, report.accuracy);
        }
        Ok(())
    }

    /// Both networks now, with maps of `side` times `side` images.
    ///
    /// # Errors
    /// Fails when a network has a weight that is not finite, or when `side` is no power of two up to 256.
    pub fn frame(&mut self, side: usize) -> Result<PlayFrame, PlayError> {
        check_side(side)?;
        let nets = self.nets()?;
        let images = images(side);
        let [ours, relu] = [
            (nets.ours_verdicts(&self.points), nets.ours_labels(&images)),
            (nets.relu_verdicts(&self.points), nets.relu_labels(&images)),
        ]
        .map(|(verdicts, map)| PlayNet {
            loss: None,
            accuracy: None,
            map,
            labels: verdicts.iter().map(|verdict| verdict.label).collect(),
            radii: verdicts.iter().map(Verdict::radius_levels).collect(),
            right: self.right(&verdicts).count(),
            certified: self.certified(&verdicts),
            weights: self.trainer.weights(),
        });
        let [loss, accuracy] = self.course.take();
        let [relu_loss, relu_accuracy] = self.relu_course.take();
        Ok(PlayFrame {
            iteration: self.trainer.iteration(),
            iterations: self.trainer.schedule().iterations(),
            p: self.trainer.p(),
            side,
            points: self.points.len(),
            ours: PlayNet {
                loss,
                accuracy,
                ..ours
            },
            relu: PlayNet {
                loss: relu_loss,
                accuracy: relu_accuracy,
                ..relu
            },
        })
    }

    /// Looks all images up, in both networks.
    ///
    /// # Errors
    /// Fails when a network has a weight that is not finite.
    pub fn truth(&self) -> Result<PlayTruth, PlayError> {
        let nets = self.nets()?;
        let images = images(LEVELS);
        Ok(PlayTruth {
            iteration: self.trainer.iteration(),
            ours: self.looked_up(nets.ours_labels(&images), &nets.ours_verdicts(&self.points)),
            relu: self.looked_up(nets.relu_labels(&images), &nets.relu_verdicts(&self.points)),
        })
    }

    /// Where every unit of the first hidden layer of the ℓ∞-dist net decides, with maps of `side` times
    /// `side` images.
    ///
    /// # Errors
    /// As [`frame`](Self::frame).
    pub fn units(&self, side: usize) -> Result<PlayUnits, PlayError> {
        check_side(side)?;
        let net = self.nets()?.ours;
        let mut evaluator = net.evaluator();
        let mut decide = |image: &[u8]| {
            let label = label(evaluator.logits(image).expect(FITS));
            if label == TIE {
                return [TIE; 2];
            }
            let path = evaluator.argmax_path(image, label.into());
            let (units, pixel) = path.expect(FITS);
            [units[0] as u8, pixel.pixel as u8]
        };
        let images = images(side);
        let decided: Vec<_> = images.chunks_exact(2).map(&mut decide).collect();

        let first = &read_sync(self.trainer.float_net(self.points.len()))?.layers[0];
        let levels = first
            .weight
            .iter()
            .map(|&weight| NORMALISATION.level(weight));
        let weights: Vec<f32> = levels.collect();
        let mean = |unit: &[f32]| {
            let far = |image: &[u8]| {
                let pixels = image.iter().zip(unit);
                pixels.fold(0f32, |far, (&x, w)| far.max((f32::from(x) - w).abs()))
            };
            let images = self.points.images.chunks_exact(2);
            images.map(far).sum::<f32>() / self.points.len() as f32
        };
        Ok(PlayUnits {
            side,
            units: decided.iter().map(|[unit, _]| *unit).collect(),
            pixels: decided.iter().map(|[_, pixel]| *pixel).collect(),
            means: weights.chunks_exact(2).map(mean).collect(),
            weights,
        })
    }

    fn nets(&self) -> Result<Nets, PlayError> {
        Ok(Nets {
            ours: read_sync(self.trainer.exact_net(self.points.len()))?,
            relu: self.relu.baseline_net()?,
        })
    }

    /// The verdicts on points that are labelled rightly.
    fn right<'a>(&'a self, verdicts: &'a [Verdict]) -> impl Iterator<Item = &'a Verdict> {
        let labels = self.points.labels.iter();
        let pairs = verdicts.iter().zip(labels);
        pairs.filter_map(|(verdict, &label)| (verdict.label == label).then_some(verdict))
    }

    /// How many points are labelled rightly and proved at ε.
    fn certified(&self, verdicts: &[Verdict]) -> usize {
        self.right(verdicts)
            .filter(|verdict| verdict.radius >= Some(self.epsilon))
            .count()
    }

    /// What the labels of all images say of a network's verdicts.
    fn looked_up(&self, map: Vec<u8>, verdicts: &[Verdict]) -> NetTruth {
        let counts = LabelCounts::of(&map, self.points.description.classes.len());
        let (mut robust, mut inside, mut contradictions) = (0, 0, 0);
        for (index, verdict) in verdicts.iter().enumerate() {
            let image = self.points.image(index);
            let (label, image) = (self.points.labels[index], [image[0], image[1]]);
            let (same, all) = counts.within(image, self.epsilon_levels.into(), label);
            robust += usize::from(same == all);
            if let Some(radius) = verdict.radius {
                // Whole levels: further images there are not.
                let levels = radius.get() / SCALE;
                let (same, all) = counts.within(image, levels as usize, verdict.label);
                inside += all;
                contradictions += all - same;
            }
        }
        NetTruth {
            certified: self.certified(verdicts),
            map,
            robust,
            inside,
            contradictions,
        }
    }
}

impl Verdict {
    fn radius_levels(&self) -> f32 {
        // A multiple of 1/32 up to 255, which an f32 holds.
        let levels = |radius: Ticks| radius.levels(SCALE).get() as f32;
        self.radius.map_or(-1.0, levels)
    }
}

/// What every image and network of a game is right for.
const FITS: &str = "images of two pixels for networks of two inputs";

impl Nets {
    fn ours_labels(&self, images: &[u8]) -> Vec<u8> {
        let logits: Result<_, InputError> = self.ours.batch_evaluator().logits(images);
        let logits: Vec<i32> = logits.expect(FITS);
        logits
            .chunks_exact(self.ours.classes())
            .map(label)
            .collect()
    }

    fn relu_labels(&self, images: &[u8]) -> Vec<u8> {
        let evaluator = Evaluator::new(&self.relu);
        let mut labels = Vec::with_capacity(images.len() / 2);
        for images in images.chunks(2 * RELU_BATCH) {
            let levels: Vec<f32> = images.iter().map(|&level| level.into()).collect();
            let logits = evaluator.logits(&levels);
            labels.extend(logits.chunks_exact(self.relu.classes()).map(label));
        }
        labels
    }

    fn ours_verdicts(&self, points: &Dataset) -> Vec<Verdict> {
        debug_assert_eq!(self.ours.scale(), SCALE);
        let mut evaluator = self.ours.evaluator();
        let verdict = |image: &[u8]| {
            let radii = evaluator.radii(image).expect(FITS);
            Verdict {
                label: radii.label.map_or(TIE, |label| label as u8),
                radius: radii.ibp_radius,
            }
        };
        points.images.chunks_exact(2).map(verdict).collect()
    }

    /// The radii are in whole levels: the bounds of a ReLU net take many times as long as those of ours.
    fn relu_verdicts(&self, points: &Dataset) -> Vec<Verdict> {
        let certifier = IntervalCertifier::new(&self.relu, SCALE);
        let labels = self.relu_labels(&points.images);
        let verdict = |(image, label): (&[u8], u8)| {
            let proves = |levels: u32| {
                let radius = Ticks::new(levels * SCALE);
                certifier.is_certified(image, label.into(), radius)
            };
            let radius = (label != TIE).then(|| largest(proves)).flatten();
            Verdict {
                label,
                radius: radius.map(|levels| Ticks::new(levels * SCALE)),
            }
        };
        let pairs = points.images.chunks_exact(2).zip(labels);
        pairs.map(verdict).collect()
    }
}

/// The largest number of levels that is proved; none if not even 0 is. What is proved for a radius is
/// proved for smaller ones.
fn largest(proves: impl Fn(u32) -> bool) -> Option<u32> {
    if !proves(0) {
        return None;
    }
    let (mut proved, mut stride, mut open) = (0, 1, LEVELS as u32);
    while proved + 1 < open {
        let next = match open as usize == LEVELS {
            true => (proved + stride).min(open - 1),
            false => proved.midpoint(open),
        };
        match proves(next) {
            true => proved = next,
            false => open = next,
        }
        stride *= 2;
    }
    Some(proved)
}

/// The class of the largest logit, [`TIE`] if several are.
fn label<T: PartialOrd + Copy>(logits: &[T]) -> u8 {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    let leaders = logits.iter().filter(|logit| **logit >= logits[best]);
    match leaders.count() {
        1 => best as u8,
        _ => TIE,
    }
}

/// Images of levels that are evenly apart, `[side, side, 2]`: a row for each level of the second pixel.
fn images(side: usize) -> Vec<u8> {
    let apart = LEVELS / side;
    let level = |at: usize| (at * apart + apart / 2) as u8;
    let rows = (0..side).flat_map(|y| (0..side).map(move |x| [x, y]));
    rows.flat_map(|[x, y]| [level(x), level(y)]).collect()
}

fn check_side(side: usize) -> Result<(), PlayError> {
    match side.is_power_of_two() && side <= LEVELS {
        true => Ok(()),
        false => Err(PlayError::Side(side)),
    }
}

fn ticks_of(levels: u8) -> Ticks {
    Levels::new(levels.into())
        .expect("a level is not negative")
        .ticks_ceil(SCALE)
}

fn points(classes: usize, pixels: &[u8], labels: &[u8]) -> Result<Dataset, PlayError> {
    if !(2..=4).contains(&classes) {
        return Err(PlayError::Classes(classes));
    }
    if !(2..=MOST_POINTS).contains(&labels.len()) {
        return Err(PlayError::Points(labels.len()));
    }
    if pixels.len() != 2 * labels.len() {
        return Err(PlayError::Pixels {
            labels: labels.len(),
            expected: 2 * labels.len(),
            found: pixels.len(),
        });
    }
    let is_none = |label: &u8| usize::from(*label) >= classes;
    if let Some(index) = labels.iter().position(is_none) {
        return Err(PlayError::Label {
            index,
            label: labels[index],
            last: classes - 1,
        });
    }
    let description = DatasetDescription::in_memory("points", [1, 2], classes, NORMALISATION);
    Ok(Dataset {
        description: Arc::new(description),
        images: pixels.to_vec(),
        labels: labels.to_vec(),
    })
}

/// How many images of each label lie below and to the left of an image: a summed-area table for each
/// class.
struct LabelCounts {
    /// Of each class, `[257, 257]`.
    sums: Vec<Vec<u32>>,
}

/// Rows and columns of a table: before each level, and after the last.
const EDGES: usize = LEVELS + 1;

impl LabelCounts {
    fn of(map: &[u8], classes: usize) -> Self {
        let sums = (0..classes).map(|class| {
            let mut sums = vec![0; EDGES * EDGES];
            for (y, row) in map.chunks_exact(LEVELS).enumerate() {
                let mut along = 0;
                for (x, &label) in row.iter().enumerate() {
                    along += u32::from(usize::from(label) == class);
                    sums[(y + 1) * EDGES + x + 1] = sums[y * EDGES + x + 1] + along;
                }
            }
            sums
        });
        Self {
            sums: sums.collect(),
        }
    }

    /// Of the images within so many levels of `image`: how many have the label, and how many there are.
    fn within(&self, image: [u8; 2], levels: usize, label: u8) -> (usize, usize) {
        let ends = image.map(|level| {
            let level = usize::from(level);
            (
                level.saturating_sub(levels),
                (level + levels + 1).min(LEVELS),
            )
        });
        let [(left, right), (bottom, top)] = ends;
        let all = (right - left) * (top - bottom);
        let Some(sums) = self.sums.get(usize::from(label)) else {
            return (0, all);
        };
        let at = |x: usize, y: usize| sums[y * EDGES + x];
        let same = at(right, top) + at(left, bottom) - at(left, top) - at(right, bottom);
        (same as usize, all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_in_a_square_are_counted_as_one_by_one() {
        let map: Vec<u8> = (0..LEVELS * LEVELS)
            .map(|at| [0, 1, 2, TIE][(at * 7919 + at / 251) % 4])
            .collect();
        let counts = LabelCounts::of(&map, 3);
        for (image, levels) in [([0, 255], 3), ([9, 17], 40), ([128, 5], 0), ([7, 7], 255)] {
            for label in 0..3 {
                let (mut same, mut all) = (0, 0);
                for y in 0..LEVELS {
                    for x in 0..LEVELS {
                        let far = |level: usize, at: u8| level.abs_diff(at.into());
                        if far(x, image[0]).max(far(y, image[1])) <= levels {
                            all += 1;
                            same += usize::from(map[y * LEVELS + x] == label);
                        }
                    }
                }
                assert_eq!(counts.within(image, levels, label), (same, all));
            }
        }
    }

    #[test]
    fn the_largest_proved_number_of_levels_is_found() {
        assert_eq!(largest(|_| false), None);
        for most in 0..LEVELS as u32 {
            assert_eq!(largest(|levels| levels <= most), Some(most));
        }
    }

    #[test]
    fn equal_logits_are_no_label() {
        assert_eq!(label(&[1, 5, 5]), TIE);
        assert_eq!(label(&[-1.5, -0.5, -2.0]), 1);
    }

    #[test]
    fn a_map_of_every_size_is_spread_over_all_levels() {
        assert_eq!(images(256)[..4], [0, 0, 1, 0]);
        assert_eq!(images(256).len(), 2 * LEVELS * LEVELS);
        assert_eq!(images(2), [64, 64, 192, 64, 64, 192, 192, 192]);
    }
}
