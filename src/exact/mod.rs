//! The exact integer network: the classifier whose label and certificate are shown.
//!
//! Certificates computed in floats can be broken through the rounding they ignore. An ℓ∞-dist
//! net needs only subtraction, absolute value and maximum, so this module does everything in
//! integers: images are 8-bit, every weight is rounded once to 1/S of a pixel level (*a unit*),
//! and from there on nothing is rounded again. CPU and WebAssembly give the same bits, and a
//! proved radius carries no caveat. There is no dependency on Burn, a GPU or JavaScript here.
//!
//! Read in this order:
//! [`DenseNet`] is the specification, plain loops over every weight. [`DenseNet::quantize`] makes it
//! from a trained float net, [`DenseNet::prune`] drops the weights that no image can ever make
//! decide, and [`ExactNet`] runs what is left with early exit: same outputs, bit for bit.
//! [`ExactNet::prune_by_support`] drops those, too, that decide near no training image, or near too few.
//! [`ExactNet::ensemble`] joins nets whose logits are then added up, [`ExactNet::member`] takes one out.
//! [`Certificate`] is a label with its proved radii, [`Proof`] what proves more where intervals fail, [`Model`] the file, [`evaluate`] the test set.
//!
//! Every length is in ticks of 1/S of a pixel level unless its name or documentation says
//! otherwise; the full scale 1.0 of the literature is 255·S ticks.

pub mod certify;
mod error;
pub mod eval;
pub mod io;
mod metrics;
pub mod net;
mod prune;
pub mod teach;
pub mod ticks;

pub use certify::{
    Bounds, Certificate, CriticalPixel, Epsilon, EpsilonError, Proof, lipschitz_radius,
};
pub use error::{InputError, NetError};
pub(crate) use eval::RestrictedWeight;
pub use eval::{BATCH, BatchEvaluator, Evaluator, IncrementalEvaluator, RestrictedNet};
pub use io::{
    Accuracies, Argument, Arguments, Lineage, LineageError, Metadata, Model, ModelError, Operation,
    Parent,
};
pub use metrics::{BranchAndBound, Evaluation, branch_and_bound, evaluate};
pub use net::{
    ABSENT, Csr, CsrLayer, DenseLayer, DenseNet, EnsembleError, ExactNet, FloatLayer, FloatNet,
    QuantizeError, logits_of_members,
};
pub use ticks::{Levels, LevelsError, Ticks};

/// Largest pixel level of an 8-bit image.
pub const MAX_LEVEL: i32 = 255;

/// Largest magnitude of any value, difference or logit that a net may reach: 2³⁰ ticks.
///
/// PairwiseMargin of two such values still fit an `i32`, margins included.
pub const VALUE_LIMIT: i64 = 1 << 30;
