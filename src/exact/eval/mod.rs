//! Evaluation of one image, of many at a time, or of small changes of one image.

mod batch;
mod incremental;
mod restricted;
#[cfg(feature = "gpu")]
mod rows;
mod single;

pub use batch::{BATCH, BatchEvaluator};
pub use incremental::IncrementalEvaluator;
pub use restricted::RestrictedNet;
pub(crate) use restricted::{RestrictedLayer, RestrictedWeight};
#[cfg(feature = "gpu")]
pub(crate) use rows::{LayerRows, UnitRow};
pub use single::Evaluator;
