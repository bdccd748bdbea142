//! Evaluation of one image, of many at a time, or of small changes of one image.

mod batch;
mod incremental;
mod restricted;
mod single;

pub use batch::{BATCH, BatchEvaluator};
pub use incremental::IncrementalEvaluator;
pub use restricted::RestrictedNet;
pub(crate) use restricted::RestrictedWeight;
pub use single::Evaluator;
