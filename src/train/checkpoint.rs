//! Checkpoints: the whole state of a run as one safetensors file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use burn::Tensor;
use burn::tensor::{Device, TensorData, Transaction};
use safetensors::tensor::{Dtype, SafeTensors};
use thiserror::Error;

use super::config::TrainConfig;
use crate::data::{DatasetDescription, datasets};
use crate::exact::io::safetensors::{StoredTensor, safetensors_file};
use crate::exact::{Arguments, Csr, Lineage, LineageError, Operation, Parent};
use crate::train::tensors::{ReadError, read_all};

const FORMAT: &str = "linf-dist-net checkpoint";
const VERSION: &str = "2";
/// What the page saved before this version. The names of some hyperparameters were others, which the
/// configuration still reads, and a fine-tuned model was recorded as commands.
const EARLIER_VERSION: &str = "1";
/// Names of the arrays of a pattern.
const STARTS: &str = "starts";
const COLUMNS: &str = "columns";
/// Name of the entry that says how many inputs the first pattern has.
const INPUTS: &str = "inputs";
/// Name of the entry that describes somebody's own images.
const IMPORTED: &str = "imported";

/// Why a checkpoint cannot be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file is no safetensors file, or truncated.
    #[error("this is not a complete checkpoint file ({0}); use one that `linf train` wrote")]
    NotSafetensors(safetensors::SafeTensorError),
    /// The file is another kind of safetensors file.
    #[error(
        "this is a safetensors file but not a checkpoint of version {EARLIER_VERSION} or {VERSION}; \
         use one that `linf train` or the page wrote"
    )]
    Format,
    /// An entry of the header cannot be read.
    #[error("the checkpoint's `{0}` is missing or cannot be read")]
    Entry(&'static str),
    /// The lineage of the net that the run trains on is none.
    #[error("the checkpoint's `parent` cannot be used")]
    Parent(#[from] LineageError),
    /// A tensor is missing or has another shape.
    #[error(
        "the checkpoint's tensor `{name}` should be f32 of shape {expected:?}, but it is {found}"
    )]
    Tensor {
        /// Its name.
        name: String,
        /// Shape that the configuration requires.
        expected: Vec<usize>,
        /// What the file holds.
        found: String,
    },
    /// The images are not those that the run was begun with.
    #[error(
        "the checkpoint's run was begun with other images: their SHA-256 is {found} where {expected} is \
         expected; give the same files, read in the same way"
    )]
    OtherImages {
        /// SHA-256 of the images that are there, or `none` of a described data set.
        found: String,
        /// SHA-256 of the run's.
        expected: String,
    },
    /// The sparsity patterns do not fit the widths of the net.
    #[error(
        "the checkpoint's sparsity patterns, `layer.….starts` and `layer.….columns`, do not fit \
         layers of the widths {widths:?}"
    )]
    Patterns {
        /// Shape that the configuration requires.
        widths: Vec<usize>,
    },
    /// The checkpoint is beyond the end of its run.
    #[error("the checkpoint says that {found} iterations were done, of a run of {all}")]
    Iteration {
        /// Iterations of the checkpoint.
        found: usize,
        /// Iterations of the schedule.
        all: usize,
    },
    /// A tensor has values that are not finite.
    #[error("the checkpoint's tensor `{0}` holds values that are not finite")]
    NotFinite(String),
    /// A mean of squares is negative.
    #[error("the checkpoint's tensor `{0}` holds negative values, but it is a mean of squares")]
    Negative(String),
}

/// The state of a run: its configuration, its position and named f32 tensors; for a pruned net also its
/// sparsity patterns, and the file of the net that is fine-tuned.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    config: TrainConfig,
    /// What the images are, where they are somebody's own.
    imported: Option<Arc<DatasetDescription>>,
    parent: Option<Parent>,
    iteration: usize,
    patterns: Vec<Arc<Csr>>,
    tensors: Vec<(String, Vec<usize>, Vec<u8>)>,
}

/// Named tensors that are read from the device together.
#[derive(Default)]
pub(super) struct State {
    names: Vec<(String, Vec<usize>)>,
    tensors: Transaction,
    /// The patterns of the layers; empty if they have all of their weights.
    pub patterns: Vec<Arc<Csr>>,
}

impl State {
    pub fn put<const D: usize>(&mut self, name: impl Into<String>, tensor: Tensor<D>) {
        self.names.push((name.into(), tensor.dims().to_vec()));
        let tensors = std::mem::take(&mut self.tensors);
        self.tensors = tensors.register(tensor.inner());
    }
}

impl Checkpoint {
    /// Reads the state of a run from the device.
    pub(super) async fn new(
        (config, data): (TrainConfig, &Arc<DatasetDescription>),
        parent: Option<Parent>,
        iteration: usize,
        state: State,
    ) -> Result<Self, ReadError> {
        let values = read_all(state.tensors).await?.into_iter();
        let bytes = values.map(|values| values.into_iter().flat_map(f32::to_le_bytes).collect());
        let tensors = state.names.into_iter().zip(bytes);
        Ok(Self {
            config,
            imported: data.imported.is_some().then(|| Arc::clone(data)),
            parent,
            iteration,
            patterns: state.patterns,
            tensors: tensors
                .map(|((name, shape), bytes)| (name, shape, bytes))
                .collect(),
        })
    }

    /// The configuration of the run.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// What the images of the run are, where they are somebody's own.
    pub fn imported(&self) -> Option<&Arc<DatasetDescription>> {
        self.imported.as_ref()
    }

    /// The description of `data` as the run has it: with its names of the classes.
    pub(super) fn described(
        &self,
        data: &Arc<DatasetDescription>,
    ) -> Result<Arc<DatasetDescription>, CheckpointError> {
        let digest = |description: &Arc<DatasetDescription>| {
            let origin = description.imported.as_ref();
            origin.map_or_else(|| "none".into(), |origin| origin.sha256.clone())
        };
        let Some(imported) = &self.imported else {
            return Ok(Arc::clone(data));
        };
        let (found, expected) = (digest(data), digest(imported));
        match found == expected {
            true => Ok(Arc::clone(imported)),
            false => Err(CheckpointError::OtherImages { found, expected }),
        }
    }

    /// The model whose weights these were at first, if they were another's.
    pub fn parent(&self) -> Option<&Parent> {
        self.parent.as_ref()
    }

    /// Whether weights were dropped. Such a run can continue on the CPU only.
    pub fn has_few_weights(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// The patterns of the layers; empty if they have all of their weights.
    pub(super) fn patterns(&self) -> &[Arc<Csr>] {
        &self.patterns
    }

    /// The number of iterations done.
    pub fn iteration(&self) -> usize {
        self.iteration
    }

    /// Returns the bytes of a tensor, if it has this shape.
    fn values(&self, name: &str, shape: &[usize]) -> Result<&[u8], CheckpointError> {
        let refuse = |found: String| CheckpointError::Tensor {
            name: name.into(),
            expected: shape.to_vec(),
            found,
        };
        let tensor = self.tensors.iter().find(|(other, ..)| other == name);
        let (_, found, bytes) = tensor.ok_or_else(|| refuse("missing".into()))?;
        match *found == shape {
            true => Ok(bytes),
            false => Err(refuse(format!("of shape {found:?}"))),
        }
    }

    /// Refuses a file without all the weights of a net of these widths, so that a small file cannot make
    /// the reader allocate a large net.
    pub(super) fn check_weights(&self, widths: &[usize]) -> Result<(), CheckpointError> {
        for (l, pair) in widths.windows(2).enumerate() {
            self.values(&format!("layer.{l}.weight"), &[pair[1], pair[0]])?;
        }
        Ok(())
    }

    pub(super) fn get<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>, CheckpointError> {
        let values: Vec<f32> = floats(self.values(name, &shape)?).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(CheckpointError::NotFinite(name.into()));
        }
        // Their root is taken.
        if name.ends_with("second_moment") && values.iter().any(|value| *value < 0.0) {
            return Err(CheckpointError::Negative(name.into()));
        }
        Ok(Tensor::from_data(TensorData::new(values, shape), device))
    }

    /// Returns the bytes of the file; the same state always gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let config = serde_json::to_string(&self.config).expect("a configuration is plain data");
        let mut metadata = BTreeMap::from([
            ("format", FORMAT.into()),
            ("format_version", VERSION.into()),
            ("iteration", self.iteration.to_string()),
            ("config", config),
        ]);
        if let Some(parent) = &self.parent {
            metadata.insert("parent", parent.to_json());
        }
        if let Some(imported) = &self.imported {
            let imported = serde_json::to_string(&**imported).expect("it is plain data");
            metadata.insert(IMPORTED, imported);
        }
        if let Some(first) = self.patterns.first() {
            metadata.insert(INPUTS, first.inputs().to_string());
        }
        let lists = self.patterns.iter().enumerate().flat_map(|(l, pattern)| {
            [(STARTS, pattern.starts()), (COLUMNS, pattern.columns())].map(|(list, numbers)| {
                let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
                StoredTensor {
                    name: list_name(l, list),
                    dtype: Dtype::U32,
                    shape: vec![numbers.len()],
                    bytes: bytes.collect(),
                }
            })
        });
        let floats = self
            .tensors
            .iter()
            .map(|(name, shape, bytes)| StoredTensor {
                name: name.clone(),
                dtype: Dtype::F32,
                shape: shape.clone(),
                bytes: Cow::Borrowed(bytes),
            });
        safetensors_file(&metadata, lists.chain(floats).collect())
    }

    /// Reads a file. Shapes are checked by [`Trainer::restore`](crate::train::Trainer::restore).
    ///
    /// # Errors
    /// Fails if the file is damaged or no checkpoint.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(CheckpointError::NotSafetensors)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(CheckpointError::NotSafetensors)?;
        let entries = header.metadata().clone().unwrap_or_default();
        let entry = |name: &str| entries.get(name).map(String::as_str);
        let version = entry("format_version").filter(|_| entry("format") == Some(FORMAT));
        let parent = match version {
            Some(VERSION) => entry("parent").map(Parent::from_json).transpose()?,
            Some(EARLIER_VERSION) => entry("origin").map(|_| unknown_parent()),
            _ => return Err(CheckpointError::Format),
        };
        let config: TrainConfig = entry("config")
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or(CheckpointError::Entry("config"))?;
        let iteration = entry("iteration")
            .and_then(|text| text.parse().ok())
            .ok_or(CheckpointError::Entry("iteration"))?;
        let imported = entry(IMPORTED).map(|text| {
            let imported = serde_json::from_str::<DatasetDescription>(text).ok();
            let imported =
                imported.filter(|found| found.is_sound_import() && found.name == config.dataset);
            imported.ok_or(CheckpointError::Entry(IMPORTED))
        });
        let imported = imported.transpose()?.map(Arc::new);
        let has_patterns = tensors.tensor(&list_name(0, STARTS)).is_ok();
        // Inputs of each layer that has a pattern.
        let mut widths = Vec::new();
        if has_patterns {
            // Checkpoints of described data sets were once written without it.
            let described = || datasets::find(&config.dataset).map(|found| found.pixels());
            let inputs = match entry(INPUTS) {
                Some(text) => text.parse().ok(),
                None => described(),
            };
            widths.push(inputs.ok_or(CheckpointError::Entry(INPUTS))?);
            widths.extend(&config.hidden);
        }
        let patterns = widths.iter().enumerate().map(|(l, &inputs)| {
            let list = |list| {
                let view = tensors.tensor(&list_name(l, list)).ok()?;
                (view.dtype() == Dtype::U32).then(|| numbers(view.data()))
            };
            Csr::new(inputs, list(STARTS)?, list(COLUMNS)?).map(Arc::new)
        });
        let patterns = patterns.collect::<Option<_>>();
        let patterns = patterns.ok_or(CheckpointError::Patterns { widths })?;
        let mut checkpoint = Self {
            config,
            imported,
            parent,
            iteration,
            patterns,
            tensors: Vec::new(),
        };
        // The reader returns tensors in no particular order.
        let mut named = tensors.tensors();
        named.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, view) in named {
            if has_patterns && view.dtype() == Dtype::U32 {
                continue;
            }
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

/// Returns the name of an array of a pattern.
fn list_name(layer: usize, list: &str) -> String {
    format!("layer.{layer}.{list}")
}

/// A net of which nothing is known.
fn unknown_parent() -> Parent {
    let operation = Operation::Other("unknown".into());
    let lineage = Lineage::new(operation, Arguments::new(), None, Vec::new());
    Parent {
        sha256: None,
        lineage: lineage.expect("one short word"),
    }
}

/// Decodes little-endian u32 numbers.
fn numbers(bytes: &[u8]) -> Vec<u32> {
    let words = bytes.as_chunks::<4>().0.iter();
    words.map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

/// Decodes little-endian f32 numbers.
fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
}
