//! The integer network: its specification, its stored form, and the form that runs.

mod csr;
mod dense;
mod ensemble;
mod exact;
mod float_net;
mod quantize;

pub use csr::{Csr, CsrLayer};
pub use dense::{ABSENT, DenseLayer, DenseNet};
pub(in crate::exact) use dense::{MOST_WEIGHTS, check_shapes, present};
pub use ensemble::EnsembleError;
pub(in crate::exact) use exact::{Block, Layer};
pub use exact::{ExactNet, logits_of_members};
pub use float_net::{FloatLayer, FloatNet};
pub use quantize::QuantizeError;
