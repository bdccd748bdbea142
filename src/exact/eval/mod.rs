//! Evaluation: one image, many images at a time, or an image and small changes of it.

mod batch;
mod incremental;
mod restricted;
mod single;

pub use batch::{BATCH, BatchEvaluator};
pub use incremental::IncrementalEvaluator;
pub use restricted::RestrictedNet;
pub(crate) use restricted::RestrictedWeight;
pub use single::Evaluator;
