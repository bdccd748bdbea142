//! Files: the model file, and safetensors that are the same bytes for the same content.

mod lineage;
mod model_file;
pub(crate) mod safetensors;
mod tensors;

pub use lineage::{Lineage, LineageError, Operation, Parent};
pub use model_file::{Accuracies, Metadata, Model, ModelError};
