//! Baseline networks to compare with: ReLU, trained plainly, against attacks, or to be certified.
//!
//! An ℓ∞-dist net that cannot be misclassified says little until one sees a network of the same accuracy
//! that can. So three of them are trained on the same images, run by Burn, attacked by the same
//! attacks, and certified by the means that such networks have: intervals, rounded outward, so that
//! *proved* means of them what it means of the integer network.
//!
//! [`BaselineNet`] is a network as plain numbers and [`Model`] its file; [`ReluNet`] runs it, with
//! gradients, and [`BaselineClassifier`] is what attacks see of it; [`IntervalCertifier`] proves its labels, without Burn; [`evaluate`] measures a test set.

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
pub use evaluation::{Evaluation, evaluate};
pub use model::{Accuracies, Metadata, Model, ModelError};
pub use net::{BaselineNet, BaselineNetError, Geometry, Layer};
pub use relu_net::{ReluNet, ReluNetLayer};
