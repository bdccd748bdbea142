//! The model file: safetensors with integers only, described for outsiders in
//! `docs/model-format.md`.
//!
//! There is one version, 4; others are refused.

use std::collections::{BTreeMap, HashMap};

use safetensors::{SafeTensorError, SafeTensors};
use thiserror::Error;

use super::safetensors::safetensors_file;
use super::tensors::{BIAS, read_integers, read_layer, stored_integers, stored_layer};
use super::{Lineage, LineageError};
use crate::exact::net::MOST_WEIGHTS;
use crate::exact::{Epsilon, EpsilonError, ExactNet, NetError};

const FORMAT: &str = "linf-dist-net";
const FORMAT_VERSION: &str = "4";
const FRACTION: &str = "a fraction from 0 to 1";

/// An exact network with the record of where it came from.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network.
    pub net: ExactNet,
    /// Its record.
    pub metadata: Metadata,
}

/// The record of a model: what it was trained on and how, and what it then achieved.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// Name of the data set, such as `mnist`.
    pub dataset: String,
    /// The radius that the model was trained for.
    pub epsilon: Epsilon,
    /// How the model was made.
    pub lineage: Lineage,
    /// Accuracies of this integer network on the test set at `epsilon`, when measured.
    pub accuracies: Option<Accuracies>,
}

/// Fractions of a test set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracies {
    /// Labelled rightly.
    pub clean: f64,
    /// Labelled rightly with a large enough Lipschitz radius.
    pub certified_lipschitz: f64,
    /// Labelled rightly with a large enough IBP radius.
    pub certified_ibp: f64,
}

/// Why bytes are not a model file.
#[derive(Debug, Error)]
pub enum ModelError {
    /// Not safetensors, or cut short.
    #[error("this is not a complete safetensors file; it may be truncated or of another kind")]
    NotSafetensors(#[source] SafeTensorError),
    /// Safetensors, but of something else.
    #[error("the file's `format` is {0:?}, not \"linf-dist-net\"; make a model with `linf export`")]
    Format(String),
    /// A version that this program does not know.
    #[error(
        "the file has format version {0:?}, but this program reads version \"4\"; export the \
         model again, or take the one that was published with this program"
    )]
    Version(String),
    /// A metadata entry is missing.
    #[error("the file's metadata lack `{0}`")]
    MissingMetadata(&'static str),
    /// A metadata entry cannot be understood.
    #[error("the file's metadata say `{key}` is {value:?}, but {expected} is expected")]
    Metadata {
        /// Name of the entry.
        key: &'static str,
        /// What the file says.
        value: String,
        /// What it should say.
        expected: &'static str,
    },
    /// The metadata's lineage cannot be read.
    #[error("the file's metadata hold no valid lineage")]
    Lineage(#[from] LineageError),
    /// The metadata's ε is none.
    #[error("the file's metadata hold no valid ε")]
    Epsilon(#[from] EpsilonError),
    /// A tensor is missing.
    #[error("the file lacks the tensor `{0}`")]
    MissingTensor(String),
    /// A tensor has a type or shape that does not fit the architecture.
    #[error("the tensor `{name}` is {found}, but {expected} is expected")]
    Tensor {
        /// Its name.
        name: String,
        /// Its type and shape.
        found: String,
        /// What they should be.
        expected: String,
    },
    /// The tensor that says which weights are kept points outside its layer.
    #[error(
        "the tensor `{0}` keeps a weight beyond the last input of a row, or beyond the last row"
    )]
    Kept(String),
    /// A layer has units without weights.
    #[error(
        "the tensor `{name}` keeps {kept} weights, which cannot be one for each of the layer's {outputs} units"
    )]
    FewWeights {
        /// Its name.
        name: String,
        /// How many weights are kept.
        kept: usize,
        /// Units of the layer.
        outputs: usize,
    },
    /// The numbers are not a network.
    #[error("the file's numbers are no network that can be run exactly")]
    Net(#[from] NetError),
}

impl Model {
    /// Reads a model file, checks all of it, and prepares its network.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(ModelError::NotSafetensors)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(ModelError::NotSafetensors)?;
        let entries = Entries(header.metadata().clone().unwrap_or_default());

        let format = entries.0.get("format").cloned().unwrap_or_default();
        if format != FORMAT {
            return Err(ModelError::Format(format));
        }
        let version = entries.get("format_version")?;
        if version != FORMAT_VERSION {
            return Err(ModelError::Version(version.into()));
        }
        let scale = entries.parse("scale", "a power of two")?;
        let members = entries.parse("members", "a number of ensemble members")?;
        let widths = entries.architecture()?;
        let metadata = entries.metadata()?;

        let shapes = widths.windows(2).map(|pair| (pair[0], pair[1])).enumerate();
        let layers: Vec<_> = shapes
            .map(|(index, (inputs, outputs))| read_layer(&tensors, index, inputs, outputs))
            .collect::<Result<_, _>>()?;
        let outputs = widths[widths.len() - 1];
        let bias = read_integers(&tensors, BIAS, outputs)?;
        Ok(Self {
            net: ExactNet::with_members(scale, &layers, bias, members)?,
            metadata,
        })
    }

    /// Writes the model file; the same model always gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut tensors = Vec::new();
        for (index, layer) in self.net.to_sparse().iter().enumerate() {
            tensors.extend(stored_layer(index, layer));
        }
        tensors.push(stored_integers(BIAS.into(), self.net.bias()));
        safetensors_file(&self.entries(), tensors)
    }

    /// The metadata as the file's strings.
    fn entries(&self) -> BTreeMap<&'static str, String> {
        let Metadata {
            dataset,
            epsilon,
            lineage,
            accuracies,
        } = &self.metadata;
        let widths = self.net.architecture().into_iter();
        let widths: Vec<_> = widths.map(|width| width.to_string()).collect();
        let mut entries = BTreeMap::from([
            ("format", FORMAT.into()),
            ("format_version", FORMAT_VERSION.into()),
            ("architecture", widths.join("-")),
            ("scale", self.net.scale().to_string()),
            ("members", self.net.members().to_string()),
            ("dataset", dataset.clone()),
            ("epsilon", epsilon.to_string()),
            ("lineage", lineage.to_json()),
        ]);
        if let Some(accuracies) = accuracies {
            entries.insert("clean", accuracies.clean.to_string());
            entries.insert(
                "certified_lipschitz",
                accuracies.certified_lipschitz.to_string(),
            );
            entries.insert("certified_ibp", accuracies.certified_ibp.to_string());
        }
        entries
    }
}

/// The metadata entries of a file.
struct Entries(HashMap<String, String>);

impl Entries {
    fn get(&self, key: &'static str) -> Result<&str, ModelError> {
        self.0
            .get(key)
            .map(String::as_str)
            .ok_or(ModelError::MissingMetadata(key))
    }

    fn parse<T: std::str::FromStr>(
        &self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<T, ModelError> {
        let value = self.get(key)?;
        value.parse().map_err(|_| ModelError::Metadata {
            key,
            value: value.into(),
            expected,
        })
    }

    fn architecture(&self) -> Result<Vec<usize>, ModelError> {
        let key = "architecture";
        let value = self.get(key)?;
        // Plain digits: `parse` would take "+784" and "0784" too.
        let width = |text: &str| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
            plain.then(|| text.parse().ok()).flatten()
        };
        let widths: Option<Vec<usize>> = value.split('-').map(width).collect();
        let valid = widths.filter(|widths| {
            let possible = |width| (1..=65_536).contains(width);
            let countable = |pair: &[usize]| pair[0] as u64 * pair[1] as u64 <= MOST_WEIGHTS;
            widths.len() >= 2 && widths.iter().all(possible) && widths.windows(2).all(countable)
        });
        let expected =
            "widths from 1 to 65536 such as 784-1024-10, and no layer of more than 2^31 weights";
        valid.ok_or_else(|| ModelError::Metadata {
            key,
            value: value.into(),
            expected,
        })
    }

    fn metadata(&self) -> Result<Metadata, ModelError> {
        let accuracy = |key| {
            let fraction: f64 = self.parse(key, FRACTION)?;
            if !(0.0..=1.0).contains(&fraction) {
                return Err(ModelError::Metadata {
                    key,
                    value: fraction.to_string(),
                    expected: FRACTION,
                });
            }
            Ok(fraction)
        };
        // All three or none: a file with some of them was edited.
        let keys = ["clean", "certified_lipschitz", "certified_ibp"];
        let accuracies = match keys.iter().any(|&key| self.0.contains_key(key)) {
            true => Some(Accuracies {
                clean: accuracy("clean")?,
                certified_lipschitz: accuracy("certified_lipschitz")?,
                certified_ibp: accuracy("certified_ibp")?,
            }),
            false => None,
        };
        Ok(Metadata {
            dataset: self.get("dataset")?.into(),
            epsilon: self.get("epsilon")?.parse()?,
            lineage: Lineage::from_json(self.get("lineage")?)?,
            accuracies,
        })
    }
}
