//! The exact integer network: the classifier whose label and certificate are shown.
//!
//! Certificates computed in floats can be broken through the rounding they ignore. An ℓ∞-dist
//! net needs only subtraction, absolute value and maximum, so this module does everything in
//! integers: images are 8-bit, every weight is rounded once to 1/S of a pixel level (*a unit*),
//! and from there on nothing is rounded again. CPU and WebAssembly give the same bits, and a
//! proved radius carries no caveat. There is no dependency on Burn, a GPU or JavaScript here.
//!
//! Read in this order:
//! [`DenseNet`] is the specification, plain loops over every weight. [`DenseNet::fold`] makes it
//! from a trained float net, [`DenseNet::prune`] drops the weights that no image can ever make
//! decide, and [`ExactNet`] runs what is left with early exit: same outputs, bit for bit.
//! [`ExactNet::prune_near`] drops those, too, that decide near no training image, or near too few.
//! [`ExactNet::ensemble`] joins nets whose logits are then added up, [`ExactNet::head`] takes one out.
//! [`Verdict`] is a label with its proved radii, [`Proof`] what proves more where intervals fail, [`Model`] the file, [`evaluate`] the test set.
//!
//! Every length is in units of 1/S of a pixel level unless its name or documentation says
//! otherwise; the full scale 1.0 of the literature is 255·S units.

mod certificate;
mod dense;
mod ensemble;
mod epsilon;
mod error;
mod evaluation;
mod fold;
mod joint;
mod local;
mod model;
mod near;
mod net;
mod neuron;
mod sparse;
mod together;
mod unseen;

pub use certificate::{Bounds, Verdict, lipschitz_radius};
pub use dense::{ABSENT, DenseLayer, DenseNet};
pub use ensemble::EnsembleError;
pub use epsilon::{Epsilon, EpsilonError};
pub use error::{InputError, NetError};
pub use evaluation::{BeyondIntervals, Evaluation, evaluate, prove_beyond_intervals};
pub use fold::FoldError;
pub use joint::Proof;
pub(crate) use local::LocalWeight;
pub use local::{LocalEvaluator, LocalNet};
pub use model::{Accuracies, Metadata, Model, ModelError};
pub use net::{Deciding, Evaluator, ExactNet, logits_of_heads};
pub use sparse::SparseLayer;
pub use together::{BatchEvaluator, TOGETHER};

/// Largest pixel level of an 8-bit image.
pub const MAX_LEVEL: i32 = 255;

/// Largest magnitude of any value, difference or logit that a net may reach: 2³⁰ units.
///
/// Differences of two such values still fit an `i32`, margins included.
pub const VALUE_LIMIT: i64 = 1 << 30;
