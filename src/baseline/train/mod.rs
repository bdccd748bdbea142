//! Trains the baselines: plainly, against an attack (adversarial training, Madry et al., 2018), or to be
//! certified by interval bound propagation (IBP, Gowal et al., 2018), as one state machine that is
//! stepped from outside.
//!
//! Inputs are fractions of full scale 1.0 here; at the end the division by 255 becomes part of the
//! first layer. A run resumed from a checkpoint ends in the same bits as one that was never
//! interrupted, on the same machine with as many threads.

mod checkpoint;
mod loss;
mod pgd;
mod recipe;
mod relu_net;
mod standard;
mod trainer;

pub use checkpoint::CheckpointError;
pub use recipe::{Config, ConfigError, RECIPES, Recipe, Settings};
pub use relu_net::{ReluNet, ReluNetLayer};
pub use standard::StandardTrainer;
pub use trainer::{HeldOutReport, StepReport, TrainError, Trainer};
