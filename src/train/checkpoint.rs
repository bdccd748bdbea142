//! Checkpoints: the whole state of a run as one safetensors file.

use std::collections::HashMap;

use burn::Tensor;
use burn::tensor::{Device, TensorData, Transaction};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use thiserror::Error;

use super::config::TrainConfig;
use crate::tensors::{ReadError, read_all};

const FORMAT: &str = "linf-dist-net checkpoint";
const VERSION: &str = "1";

/// Why a checkpoint cannot be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// Not a safetensors file, or cut short.
    #[error("this is not a complete checkpoint file ({0}); use one that `linf train` wrote")]
    NotSafetensors(safetensors::SafeTensorError),
    /// Another kind of safetensors file.
    #[error(
        "this is a safetensors file but not a checkpoint of version {VERSION}; use one that `linf train` wrote"
    )]
    Format,
    /// An entry of the header cannot be read.
    #[error("the checkpoint's `{0}` is missing or cannot be read")]
    Entry(&'static str),
    /// A tensor is missing or has another shape.
    #[error(
        "the checkpoint's tensor `{name}` should be f32 of shape {expected:?}, but it is {found}"
    )]
    Tensor {
        /// Its name.
        name: String,
        /// What the configuration asks for.
        expected: Vec<usize>,
        /// What the file has.
        found: String,
    },
    /// A tensor has values that are not finite.
    #[error("the checkpoint's tensor `{0}` holds values that are not finite")]
    NotFinite(String),
}

/// The state of a run: its configuration, its position, and named f32 tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    config: TrainConfig,
    iteration: usize,
    tensors: Vec<(String, Vec<usize>, Vec<u8>)>,
}

/// Named tensors that are to be read in one journey from the device.
#[derive(Default)]
pub(super) struct State {
    names: Vec<(String, Vec<usize>)>,
    tensors: Transaction,
}

impl State {
    pub fn put<const D: usize>(&mut self, name: impl Into<String>, tensor: Tensor<D>) {
        self.names.push((name.into(), tensor.dims().to_vec()));
        let tensors = std::mem::take(&mut self.tensors);
        self.tensors = tensors.register(tensor.inner());
    }
}

impl Checkpoint {
    /// The state of a run, as soon as the device has given it.
    pub(super) async fn new(
        config: TrainConfig,
        iteration: usize,
        state: State,
    ) -> Result<Self, ReadError> {
        let values = read_all(state.tensors).await?.into_iter();
        let bytes = values.map(|values| values.into_iter().flat_map(f32::to_le_bytes).collect());
        let tensors = state.names.into_iter().zip(bytes);
        Ok(Self {
            config,
            iteration,
            tensors: tensors
                .map(|((name, shape), bytes)| (name, shape, bytes))
                .collect(),
        })
    }

    /// What the run was started with.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Iterations done.
    pub fn iteration(&self) -> usize {
        self.iteration
    }

    pub(super) fn get<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>, CheckpointError> {
        let refuse = |found: String| CheckpointError::Tensor {
            name: name.into(),
            expected: shape.to_vec(),
            found,
        };
        let (_, found, bytes) = self
            .tensors
            .iter()
            .find(|(other, ..)| other == name)
            .ok_or_else(|| refuse("missing".into()))?;
        if *found != shape {
            return Err(refuse(format!("of shape {found:?}")));
        }
        let values: Vec<f32> = floats(bytes).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(CheckpointError::NotFinite(name.into()));
        }
        Ok(Tensor::from_data(TensorData::new(values, shape), device))
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let metadata = HashMap::from([
            ("format".to_string(), FORMAT.to_string()),
            ("format_version".to_string(), VERSION.to_string()),
            ("iteration".to_string(), self.iteration.to_string()),
            (
                "config".to_string(),
                serde_json::to_string(&self.config).expect("a configuration is plain data"),
            ),
        ]);
        let views = self.tensors.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes)
                .expect("the bytes are those of the shape");
            (name, view)
        });
        safetensors::serialize(views, Some(metadata))
            .expect("names are unique and the header is small")
    }

    /// Reads a file; shapes are checked when the trainer takes the tensors.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(CheckpointError::NotSafetensors)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(CheckpointError::NotSafetensors)?;
        let entries = header.metadata().clone().unwrap_or_default();
        let entry = |name: &str| entries.get(name).map(String::as_str);
        if (entry("format"), entry("format_version")) != (Some(FORMAT), Some(VERSION)) {
            return Err(CheckpointError::Format);
        }
        let config: TrainConfig = entry("config")
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or(CheckpointError::Entry("config"))?;
        let iteration = entry("iteration")
            .and_then(|text| text.parse().ok())
            .ok_or(CheckpointError::Entry("iteration"))?;
        let mut checkpoint = Self {
            config,
            iteration,
            tensors: Vec::new(),
        };
        // The reader knows no order of its own.
        let mut named = tensors.tensors();
        named.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, view) in named {
            if view.dtype() != Dtype::F32 {
                let found = format!("{:?}", view.dtype());
                return Err(CheckpointError::Tensor {
                    name,
                    expected: view.shape().to_vec(),
                    found,
                });
            }
            checkpoint
                .tensors
                .push((name, view.shape().to_vec(), view.data().to_vec()));
        }
        Ok(checkpoint)
    }
}

/// The f32 numbers that little-endian bytes hold.
fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
}
