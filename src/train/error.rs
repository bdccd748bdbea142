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
    /// The loss or a weight is not finite.
    #[error("training diverged by iteration {iteration}: {what}; a lower learning rate may help")]
    Diverged {
        /// The iteration at which it was noticed, counted from 0.
        iteration: usize,
        /// The value that is not finite, in words.
        what: String,
    },
    /// The net to be fine-tuned has other widths than the configuration.
    #[error(
        "a net of widths {found:?} cannot be trained as one of {expected:?}; set `hidden` to the widths of its hidden layers"
    )]
    Widths {
        /// Widths of the configuration.
        expected: Vec<usize>,
        /// Widths of the net.
        found: Vec<usize>,
    },
    /// The net to be fine-tuned has several members.
    #[error(
        "a net of {0} members cannot be trained as a whole; extract its members with `linf member`, fine-tune each, and join them again with `linf ensemble`"
    )]
    Members(usize),
    /// The hinge loss cannot train a pruned net.
    #[error(
        "the weight decay of the hinge loss needs every weight of a unit, and a pruned net has only some; use a preset with the mixture loss, such as finetune"
    )]
    HingeOfPruned,
    /// The device cannot train a pruned net.
    #[error("a pruned net can be trained on the CPU only; choose it as the device")]
    PrunedOnGpu,
    /// The checkpoint is refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The weights cannot be quantized.
    #[error("the trained weights cannot be quantized")]
    Quantize(#[from] QuantizeError),
    /// The exact integer network is refused.
    #[error("the exact integer network is refused")]
    Net(#[from] NetError),
    /// The history of a net is too long.
    #[error("the lineage of the net cannot be recorded")]
    Lineage(#[from] LineageError),
    /// The device does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}
