//! Baseline networks to compare with: ReLU networks with standard, adversarial or IBP training.
//!
//! They are trained on the same images as the ℓ∞-dist nets and meet the same attacks. Their certificates
//! come from interval bound propagation, rounded outward, so that *proved* means the same as for the
//! integer network: it holds for the function that is computed.
//!
//! [`BaselineNet`] is a network as plain numbers and [`Model`] its file. [`Evaluator`] runs it, with
//! gradients, and [`BaselineClassifier`] puts it under attack. [`IntervalCertifier`] certifies its labels,
//! and [`evaluate`] measures a test set. Training alone uses Burn, and not all of it: see `train`.

mod architecture;
mod certificate;
mod classifier;
mod evaluation;
mod evaluator;
mod interval;
mod model;
mod net;
#[cfg(feature = "train")]
pub mod train;

pub use certificate::{Certificate, IntervalCertifier};
pub use classifier::BaselineClassifier;
pub use evaluation::{Evaluation, certify_image, evaluate};
pub use evaluator::{Activations, Evaluator};
pub use model::{Accuracies, Metadata, Model, ModelError};
pub use net::{BaselineNet, BaselineNetError, Geometry, Layer};
