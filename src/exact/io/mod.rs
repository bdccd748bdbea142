//! Files: the model file, the lineage in it, and safetensors that are the same bytes for the same
//! content.

pub(crate) mod entries;
mod lineage;
mod model_file;
pub(crate) mod safetensors;
mod tensors;

pub use entries::EntryError;
pub use lineage::{
    Argument, Arguments, Lineage, LineageError, MAX_BYTES, MAX_DEPTH, Operation, Parent,
};
pub use model_file::{Accuracies, FORMAT_VERSION, Metadata, Model, ModelError};
#[cfg(feature = "interop")]
pub(crate) use safetensors::{StoredTensor, safetensors_file};
