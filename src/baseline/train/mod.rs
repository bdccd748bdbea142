//! Trains the baselines: plainly, against an attack (adversarial training, Madry et al., 2018), or to be
//! certified by interval bound propagation (IBP, Gowal et al., 2018), as one state machine that is
//! stepped from outside.
//!
//! Inputs are fractions of full scale 1.0 here; at the end the division by 255 becomes part of the
//! first layer. A run takes minutes, so there are no checkpoints.

mod loss;
mod pgd;
mod recipe;
mod trainer;

pub use recipe::{Config, ConfigError, RECIPES, Recipe, Settings};
pub use trainer::{HeldOutReport, StepReport, TrainError, Trainer};
