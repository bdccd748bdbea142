//! The exact integer network: the classifier whose label and certificate are shown.
//!
//! Certificates that are computed in floats can be broken through the rounding that they ignore. An
//! ℓ∞-dist net needs only subtraction, absolute value and maximum, so this module computes in
//! integers. Images are 8-bit, every weight is rounded once to a *tick* of 1/S of a pixel level, and
//! nothing is rounded after that. CPU, GPU and WebAssembly give the same bits, and a proved radius
//! carries no caveat. Nothing here depends on Burn, a GPU or JavaScript.
//!
//! | module | what it holds |
//! |---|---|
//! | [`net`] | [`DenseNet`], the specification: plain loops over every weight. [`ExactNet`], the same function with early exit. [`DenseNet::quantize`] makes one from a trained float net, [`ExactNet::ensemble`] joins several. |
//! | [`eval`] | Logits of one image, of many at a time, and of small changes of one image. |
//! | [`certify`] | [`Certificate`]: a label with its Lipschitz and IBP radii. [`Proof`]: branch and bound. [`CriticalPixel`]: the pixel that decides a logit. |
//! | `prune` | [`DenseNet::prune`] drops the weights that decide for no image. [`ExactNet::prune_by_support`] also drops those that decide near no training image, or near too few. |
//! | [`io`] | [`Model`], the file. |
//! | [`ticks`] | [`Ticks`] and [`Levels`], the two types of length. |
//! | [`teach`] | Teaches a finished network a few more images. |
//!
//! [`evaluate`] measures accuracies over a test set, [`certify_images`] gives each of its images.
//!
//! Inputs, weights, values and logits are plain integers in ticks. The full scale 1.0 of the literature
//! is 255·S ticks.

pub mod certify;
mod error;
pub mod eval;
pub mod io;
mod metrics;
pub mod net;
mod prune;
pub mod teach;
pub mod ticks;

pub(crate) use certify::decisive;
pub use certify::{
    Bounds, Certificate, CertificateFile, CertifyError, CriticalPixel, Epsilon, EpsilonError,
    Method, Proof, Radii, Refutation, Split, SplitTree, SplitsError, lipschitz_radius,
};
pub use error::{InputError, NetError};
pub use eval::{BATCH, BatchEvaluator, Evaluator, IncrementalEvaluator, RestrictedNet};
#[cfg(feature = "gpu")]
pub(crate) use eval::{LayerRows, UnitRow};
pub(crate) use eval::{RestrictedLayer, RestrictedWeight};
pub use io::{
    Accuracies, Argument, Arguments, EntryError, Lineage, LineageError, Metadata, Model,
    ModelError, Operation, Parent,
};
#[cfg(feature = "gpu")]
pub(crate) use metrics::whole_images;
pub use metrics::{
    BranchAndBound, Evaluation, ImageRecord, branch_and_bound, certify_images, evaluate,
};
pub use net::{
    ABSENT, Csr, CsrLayer, DenseLayer, DenseNet, EnsembleError, ExactNet, FloatLayer, FloatNet,
    QuantizeError, logits_of_members,
};
pub use ticks::{Levels, LevelsError, Ticks};

/// Largest pixel level of an 8-bit image.
pub const MAX_LEVEL: i32 = 255;

/// Largest magnitude of any value, difference or logit that a net may reach: 2³⁰ ticks.
///
/// The difference of two such values still fits an `i32`.
pub const VALUE_LIMIT: i64 = 1 << 30;
