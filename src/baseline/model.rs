//! The file of a baseline: safetensors with weights in bf16, described in
//! `docs/model-format.md`.
//!
//! Half the size of f32, and no less of a network: the numbers that are read are those that run,
//! are attacked and are proved.

use std::collections::BTreeMap;

use half::bf16;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use thiserror::Error;

use super::{BaselineNet, BaselineNetError, Layer, architecture};
use crate::exact::io::FORMAT_VERSION;
use crate::exact::io::entries::{Entries, EntryError};
use crate::exact::io::safetensors::{StoredTensor, safetensors_file};
use crate::exact::{Epsilon, Lineage};

const FORMAT: &str = "linf-dist-net baseline";
const EPSILON: &str = "epsilon";
const CLEAN: &str = "clean";
const CERTIFIED: &str = "certified";

/// A baseline with the record of where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The network.
    pub plain: BaselineNet,
    /// Its record.
    pub metadata: Metadata,
}

/// The record of a model: what it was trained on and how, and what it then achieved.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// Name of the data set, such as `mnist`.
    pub dataset: String,
    /// How it was made.
    pub lineage: Lineage,
    /// What it achieves on the test set, when measured.
    pub accuracies: Option<Accuracies>,
}

/// Fractions of a test set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracies {
    /// The radius at which `certified` was measured, of full scale 1.0.
    pub epsilon: Epsilon,
    /// Labelled rightly.
    pub clean: f64,
    /// Labelled rightly and proved by intervals.
    pub certified: f64,
}

/// Why bytes are not the file of a baseline.
#[derive(Debug, Error)]
pub enum ModelError {
    /// Not safetensors, or cut short.
    #[error("this is not a complete safetensors file; it may be truncated or of another kind")]
    NotSafetensors(#[source] SafeTensorError),
    /// Safetensors, but of something else or of another version.
    #[error(
        "the file's format and version are {0:?}, not \"{FORMAT}\" of version {FORMAT_VERSION}; \
         make a network with `linf baseline train`"
    )]
    Format(String),
    /// A metadata entry is missing or cannot be understood.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A tensor is missing or has another type or shape.
    #[error("the file's tensor `{name}` should be BF16 {expected:?}, but it is {found}")]
    Tensor {
        /// Its name.
        name: String,
        /// The shape that the architecture asks for.
        expected: Vec<usize>,
        /// What the file has.
        found: String,
    },
    /// The numbers are not a network.
    #[error("the file's numbers are no network that can be run and proved")]
    BaselineNet(#[from] BaselineNetError),
}

impl Model {
    /// Reads a file and checks all of it.
    ///
    /// # Errors
    /// Fails on anything that [`Model::to_bytes`] would not have written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(ModelError::NotSafetensors)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(ModelError::NotSafetensors)?;
        let entries = Entries(header.metadata().clone().unwrap_or_default());
        let found = [entries.find("format"), entries.find("format_version")];
        if found != [Some(FORMAT), Some(FORMAT_VERSION)] {
            let found: Vec<_> = found.into_iter().flatten().collect();
            return Err(ModelError::Format(found.join(" ")));
        }
        let layers = architecture::parse(entries.get("architecture")?)
            .ok_or_else(|| entries.refuse("architecture", "layers such as 784-conv8k4s2-10"))?;
        let layers = layers.into_iter().enumerate();
        let layers = layers.map(|(index, (geometry, channels))| {
            let shape = [channels, geometry.fan_in()];
            Ok(Layer {
                geometry,
                weight: read(&tensors, weight_name(index), &shape)?,
                bias: read(&tensors, bias_name(index), &shape[..1])?,
            })
        });
        Ok(Self {
            plain: BaselineNet::new(layers.collect::<Result<_, ModelError>>()?)?,
            metadata: metadata(&entries)?,
        })
    }

    /// Writes the file; the same model always gives the same bytes.
    ///
    /// # Panics
    /// If a number of the network is not one that bf16 holds.
    pub fn to_bytes(&self) -> Vec<u8> {
        let layers = self.plain.layers().iter().enumerate();
        let tensors = layers.flat_map(|(index, layer)| {
            let shape = vec![layer.channels(), layer.geometry.fan_in()];
            let bias_shape = vec![layer.channels()];
            [
                stored(weight_name(index), shape, &layer.weight),
                stored(bias_name(index), bias_shape, &layer.bias),
            ]
        });
        safetensors_file(&self.entries(), tensors.collect())
    }

    /// The metadata as the file's strings.
    fn entries(&self) -> BTreeMap<&'static str, String> {
        let metadata = &self.metadata;
        let mut entries = BTreeMap::from([
            ("format", FORMAT.into()),
            ("format_version", FORMAT_VERSION.into()),
            ("architecture", self.plain.architecture()),
            ("dataset", metadata.dataset.clone()),
            ("lineage", metadata.lineage.to_json()),
        ]);
        if let Some(accuracies) = metadata.accuracies {
            entries.insert(EPSILON, accuracies.epsilon.to_string());
            entries.insert(CLEAN, accuracies.clean.to_string());
            entries.insert(CERTIFIED, accuracies.certified.to_string());
        }
        entries
    }
}

fn weight_name(layer: usize) -> String {
    format!("layers.{layer}.weight")
}

fn bias_name(layer: usize) -> String {
    format!("layers.{layer}.bias")
}

fn stored(name: String, shape: Vec<usize>, values: &[f32]) -> StoredTensor<'static> {
    let bytes = values.iter().flat_map(|value| {
        let number = bf16::from_f32(*value);
        assert_eq!(
            number.to_f32(),
            *value,
            "the number is not representable in bf16"
        );
        number.to_le_bytes()
    });
    StoredTensor {
        name,
        dtype: Dtype::BF16,
        shape,
        bytes: bytes.collect::<Vec<_>>().into(),
    }
}

fn read(
    tensors: &SafeTensors<'_>,
    name: String,
    expected: &[usize],
) -> Result<Vec<f32>, ModelError> {
    let refuse = |found: String| ModelError::Tensor {
        name: name.clone(),
        expected: expected.to_vec(),
        found,
    };
    let view = tensors
        .tensor(&name)
        .map_err(|_| refuse("missing".into()))?;
    if view.dtype() != Dtype::BF16 || view.shape() != expected {
        return Err(refuse(format!("{:?} {:?}", view.dtype(), view.shape())));
    }
    let (numbers, _) = view.data().as_chunks::<2>();
    let numbers = numbers.iter().map(|bytes| bf16::from_le_bytes(*bytes));
    Ok(numbers.map(bf16::to_f32).collect())
}

fn metadata(entries: &Entries) -> Result<Metadata, EntryError> {
    let accuracies = match entries.has_any(&[EPSILON, CLEAN, CERTIFIED]) {
        true => Some(Accuracies {
            epsilon: entries.epsilon()?,
            clean: entries.fraction(CLEAN)?,
            certified: entries.fraction(CERTIFIED)?,
        }),
        false => None,
    };
    Ok(Metadata {
        dataset: entries.get("dataset")?.into(),
        lineage: entries.lineage()?,
        accuracies,
    })
}
