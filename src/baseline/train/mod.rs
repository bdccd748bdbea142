//! Training the baselines: plainly, against an attack (Madry et al., 2018), or to be
//! certified by intervals (Gowal et al., 2018), as one state machine that is stepped from outside.
//!
//! Inputs are of full scale 1.0 here; the division by 255 goes into the first layer at the end.
//! A run takes minutes, so there are no checkpoints.

mod loss;
mod pgd;
mod recipe;
mod trainer;

pub use recipe::{Config, ConfigError, RECIPES, Recipe, Settings};
pub use trainer::{HeldOutReport, StepReport, TrainError, Trainer};
