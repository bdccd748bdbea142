//! Why training fails.

use thiserror::Error;

use super::checkpoint::CheckpointError;
use super::config::ConfigError;
use super::device::DeviceError;
use crate::exact::{LineageError, NetError, QuantizeError};
use crate::train::tensors::ReadError;

/// Why training cannot begin or go on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Fewer images than a batch.
    #[error("the training set has {found} images, which is less than one batch of {batch}")]
    TooFewImages {
        /// Images left for training.
        found: usize,
        /// Images in a batch.
        batch: usize,
    },
    /// The loss or the weights are not finite any more.
    #[error("training diverged by iteration {iteration}: {what}; a lower learning rate may help")]
    Diverged {
        /// The iteration at which it was noticed, counted from 0.
        iteration: usize,
        /// What is not finite.
        what: String,
    },
    /// A net of other widths than the configuration's.
    #[error(
        "a net of widths {found:?} was to be trained as one of {expected:?}; give `hidden` its own"
    )]
    Widths {
        /// Widths of the configuration.
        expected: Vec<usize>,
        /// Widths of the net.
        found: Vec<usize>,
    },
    /// A net of several members.
    #[error(
        "a net of {0} members was to be trained, and one alone can be; take its members with `linf member`, finetune them, and join them again with `linf ensemble`"
    )]
    Members(usize),
    /// The loss needs every weight.
    #[error(
        "the weight decay of the hinge loss needs every weight of a unit, and a pruned net has not; use a preset with the mixture loss, such as finetune"
    )]
    HingeOfPruned,
    /// A device that cannot train a pruned net.
    #[error(
        "the weights that a pruned net kept are trained on the CPU alone; choose it as the device"
    )]
    PrunedOnGpu,
    /// A checkpoint does not fit.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The weights are no exact integer network.
    #[error("the trained weights cannot be made an exact integer network")]
    Fold(#[from] QuantizeError),
    /// The exact network is refused.
    #[error("the exact integer network is refused")]
    Net(#[from] NetError),
    /// The history of a net is too long.
    #[error("the lineage of the net cannot be recorded")]
    Lineage(#[from] LineageError),
    /// The device does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The device cannot be used, or not any more.
    #[error(transparent)]
    Device(#[from] DeviceError),
}
