//! Baseline networks to compare with: ReLU networks with standard, adversarial or IBP training.
//!
//! They are trained on the same images as the ℓ∞-dist nets and meet the same attacks. Their certificates
//! come from interval bound propagation, rounded outward, so that *proved* means the same as for the
//! integer network: it holds for the function that is computed.
//!
//! [`BaselineNet`] is a network as plain numbers and [`Model`] its file. [`ReluNet`] runs it on Burn, with
//! gradients, and [`BaselineClassifier`] puts it under attack. [`IntervalCertifier`] certifies its labels
//! without Burn. [`evaluate`] measures a test set.

mod architecture;
mod certificate;
mod classifier;
mod evaluation;
mod interval;
mod model;
mod net;
mod relu_net;
#[cfg(feature = "train")]
pub mod train;

pub use certificate::{Certificate, IntervalCertifier};
pub use classifier::BaselineClassifier;
pub use evaluation::{Evaluation, certify_image, evaluate};
pub use model::{Accuracies, Metadata, Model, ModelError};
pub use net::{BaselineNet, BaselineNetError, Geometry, Layer};
pub use relu_net::{ReluNet, ReluNetLayer};
