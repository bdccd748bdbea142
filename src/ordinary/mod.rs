//! Ordinary networks to compare with: ReLU, trained plainly, against attacks, or to be certified.
//!
//! An ℓ∞-dist net that cannot be flipped says little until one sees a network of the same accuracy
//! that can. So three of them are trained on the same images, run by Burn, attacked by the same
//! attacks, and certified by the means that such networks have: intervals, rounded outward, so that
//! *proved* means of them what it means of the integer network.
//!
//! [`PlainNet`] is a network as plain numbers and [`Model`] its file; [`ReluNet`] runs it, with
//! gradients, and [`OrdinaryTarget`] is what attacks see of it; [`IntervalCertifier`] proves its labels, without Burn; [`evaluate`] measures a test set.

mod architecture;
mod certificate;
mod evaluation;
mod interval;
mod model;
mod plain_net;
mod relu_net;
mod target;
#[cfg(feature = "train")]
pub mod train;

pub use certificate::{IntervalCertifier, Proof};
pub use evaluation::{Evaluation, evaluate};
pub use model::{Accuracies, Metadata, Model, ModelError};
pub use plain_net::{Geometry, Layer, PlainNet, PlainNetError};
pub use relu_net::{ReluNet, ReluNetLayer};
pub use target::OrdinaryTarget;
