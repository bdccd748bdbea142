//! Trains an ℓ∞-dist net by the recipe of Zhang et al. (ICML 2021 with the hinge loss, ICLR 2022 with
//! the mixture loss), as one state machine without threads, files or a user interface.
//!
//! [`TrainConfig`] holds the hyperparameters, [`Schedule`] what changes from step to step, [`Trainer`]
//! runs the steps, [`Checkpoint`] saves a run. [`hinge_loss`], [`mixture_loss`] and [`FusedAdam`] work in
//! other Burn programs as well.
//!
//! Every random choice is derived from the seed and the position in the run. A run resumed from a
//! checkpoint therefore ends in the same bits as one that was never interrupted, on the same
//! instruction set: vectors of another length sum in another order.

mod adam;
mod batches;
mod checkpoint;
mod config;
mod device;
mod error;
mod gradual_pruning;
pub(crate) mod lineage;
mod loss;
mod schedule;
pub(crate) mod tensors;
mod trainer;

pub(crate) use adam::Moments;
pub use adam::{AdamStep, FusedAdam, FusedAdamBackend, FusedAdamConfig};
pub(crate) use batches::{Batch, Batches, RandomShift};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{ConfigError, LossConfig, PRESETS, TrainConfig};
pub use device::{DeviceChoice, DeviceError, DeviceInfo, DeviceKind, Processor};
pub use error::TrainError;
pub use loss::{hinge_loss, lp_weight_decay, mixture_loss};
pub use schedule::{Schedule, StepSettings};
pub use trainer::{HeldOutReport, StepReport, Trainer};
pub(crate) use trainer::{accuracy, one_hot, stepped};
