//! What a game is made from: its configuration, its points, and why they may be refused.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::TIE;
use crate::baseline::train::TrainError as BaselineTrainError;
use crate::data::{Dataset, DatasetDescription, Normalisation};
use crate::exact::{Epsilon, EpsilonError, MAX_LEVEL};
use crate::net::WeightInit;
use crate::train::{ConfigError, LossConfig, TrainConfig, TrainError};

/// More points than these are not shown.
const MOST_POINTS: usize = 1_000;
/// Larger networks than this would not train while one watches.
pub(super) const MOST_WEIGHTS: usize = 40_000;
/// A unit is told by a byte, of which one value stands for none.
pub(super) const MOST_WIDTH: usize = TIE as usize;
/// Weights start from N(0, 1): this many deviations of normalised pixels.
pub(super) const NORMALISATION: Normalisation = Normalisation {
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
    pub hyperparameters: PlayHyperparameters,
}

/// The hyperparameters that may be changed during a game.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayHyperparameters {
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

impl PlayConfig {
    /// Weights of the ℓ∞-dist net; the ReLU net has as many, and biases.
    pub(super) fn weights(&self) -> usize {
        let widths = [2].into_iter().chain(self.hidden.iter().copied());
        let widths: Vec<_> = widths.chain([self.classes]).collect();
        let pairs = widths.windows(2);
        pairs.fold(0, |sum: usize, pair| {
            sum.saturating_add(pair[0].saturating_mul(pair[1]))
        })
    }

    /// The configuration of the trainer with so many steps in an epoch.
    pub(super) fn train_config(
        &self,
        batch: usize,
        per_epoch: usize,
    ) -> Result<TrainConfig, EpsilonError> {
        let epochs = |steps: usize| steps.div_ceil(per_epoch);
        Ok(TrainConfig {
            dataset: "points".into(),
            epsilon: epsilon_of(self.hyperparameters.epsilon_levels)?,
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
            learning_rate: self.hyperparameters.learning_rate,
            epsilon_train: self.hyperparameters.epsilon_train_levels / MAX_LEVEL as f32,
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
pub(super) fn epsilon_of(levels: u8) -> Result<Epsilon, EpsilonError> {
    format!("{:.6}", f64::from(levels) / f64::from(MAX_LEVEL)).parse()
}

pub(super) fn points(classes: usize, pixels: &[u8], labels: &[u8]) -> Result<Dataset, PlayError> {
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
