//! The model file: safetensors with integers only, described for outsiders in
//! `docs/model-format.md`.

use std::collections::BTreeMap;

use safetensors::{SafeTensorError, SafeTensors};
use thiserror::Error;

use super::entries::{Entries, EntryError, plain_number};
use super::lineage::Lineage;
use super::safetensors::safetensors_file;
use super::tensors::{BIAS, read_integers, read_layer, stored_integers, stored_layer};
use crate::data::datasets::{self, are_class_names};
use crate::exact::net::MOST_WEIGHTS;
use crate::exact::{Epsilon, ExactNet, NetError};

const FORMAT: &str = "linf-dist-net";
/// The one version that is written and read, of baselines too.
pub const FORMAT_VERSION: &str = "4";
const CLASSES: &str = "classes";
const CLEAN: &str = "clean";
const CERTIFIED_LIPSCHITZ: &str = "certified_lipschitz";
const CERTIFIED_IBP: &str = "certified_ibp";

/// An exact network with the record of where it came from.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network.
    pub net: ExactNet,
    /// Its record.
    pub metadata: Metadata,
}

/// The record of a model: what it was trained for, how it was made, and what it then achieved.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// Name of the data set, such as `mnist`.
    pub dataset: String,
    /// Names of the classes of a data set that is not described here, such as one's own images; empty of a
    /// described one.
    pub classes: Vec<String>,
    /// The radius that the model was trained for.
    pub epsilon: Epsilon,
    /// How it was made, from the training run on.
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
    /// A version that this program does not read.
    #[error(
        "the file has format version {0:?}, but only version {FORMAT_VERSION:?} is read here; \
         export the model again with this build, or reload the page"
    )]
    Version(String),
    /// A metadata entry is missing or cannot be understood.
    #[error(transparent)]
    Entry(#[from] EntryError),
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
    /// The names are not those of the network's classes.
    #[error("the file names {named} classes, but its network has {classes}")]
    Names {
        /// Names in the metadata.
        named: usize,
        /// Classes of the network.
        classes: usize,
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

        let format = entries.find("format").unwrap_or_default();
        if format != FORMAT {
            return Err(ModelError::Format(format.into()));
        }
        let version = entries.get("format_version")?;
        if version != FORMAT_VERSION {
            return Err(ModelError::Version(version.into()));
        }
        let scale = entries.number("scale", "a power of two")?;
        let members = entries.number("members", "a number of members")?;
        let widths = widths(&entries)?;
        let metadata = metadata(&entries)?;

        let shapes = widths.windows(2).map(|pair| (pair[0], pair[1])).enumerate();
        let layers: Vec<_> = shapes
            .map(|(index, (inputs, outputs))| read_layer(&tensors, index, inputs, outputs))
            .collect::<Result<_, _>>()?;
        let outputs = widths[widths.len() - 1];
        let bias = read_integers(&tensors, BIAS, outputs)?;
        Ok(Self {
            net: named(
                ExactNet::with_members(scale, &layers, bias, members)?,
                &metadata,
            )?,
            metadata,
        })
    }

    /// The names of the classes: the model's own, or those of its data set if this program describes it, or
    /// else none.
    pub fn class_names(&self) -> Vec<String> {
        let Metadata {
            dataset, classes, ..
        } = &self.metadata;
        match datasets::find(dataset) {
            Some(described) if classes.is_empty() => described.classes.clone(),
            _ => classes.clone(),
        }
    }

    /// The name of a class, where it has one.
    pub fn class_name(&self, class: usize) -> Option<String> {
        self.class_names().get(class).cloned()
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
            classes,
            epsilon,
            lineage,
            accuracies,
        } = &self.metadata;
        let widths: Vec<_> = self
            .net
            .architecture()
            .iter()
            .map(usize::to_string)
            .collect();
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
        if !classes.is_empty() {
            let names = serde_json::to_string(classes).expect("texts are JSON");
            entries.insert(CLASSES, names);
        }
        if let Some(accuracies) = accuracies {
            for (key, fraction) in [
                (CLEAN, accuracies.clean),
                (CERTIFIED_LIPSCHITZ, accuracies.certified_lipschitz),
                (CERTIFIED_IBP, accuracies.certified_ibp),
            ] {
                entries.insert(key, fraction.to_string());
            }
        }
        entries
    }
}

/// The widths of a net from its pixels to its last layer's units.
fn widths(entries: &Entries) -> Result<Vec<usize>, EntryError> {
    let key = "architecture";
    let widths: Option<Vec<usize>> = entries.get(key)?.split('-').map(plain_number).collect();
    let valid = widths.filter(|widths| {
        let possible = |width| (1..=65_536).contains(width);
        let countable = |pair: &[usize]| pair[0] as u64 * pair[1] as u64 <= MOST_WEIGHTS;
        widths.len() >= 2 && widths.iter().all(possible) && widths.windows(2).all(countable)
    });
    let expected = "widths from 1 to 65536 in plain digits such as 784-1024-10, \
                    and no layer of more than 2^31 weights";
    valid.ok_or_else(|| entries.refuse(key, expected))
}

/// The names of the classes; none if the file has none.
fn classes(entries: &Entries) -> Result<Vec<String>, EntryError> {
    let Some(text) = entries.find(CLASSES) else {
        return Ok(Vec::new());
    };
    let names: Option<Vec<String>> = serde_json::from_str(text).ok();
    let valid = names.filter(|names| are_class_names(names));
    let expected = "a JSON list of a different name of 1 to 64 characters for each class";
    valid.ok_or_else(|| entries.refuse(CLASSES, expected))
}

/// The network, if the names are those of its classes.
fn named(net: ExactNet, metadata: &Metadata) -> Result<ExactNet, ModelError> {
    let (named, classes) = (metadata.classes.len(), net.classes());
    match named == 0 || named == classes {
        true => Ok(net),
        false => Err(ModelError::Names { named, classes }),
    }
}

fn metadata(entries: &Entries) -> Result<Metadata, EntryError> {
    let measured = entries.has_any(&[CLEAN, CERTIFIED_LIPSCHITZ, CERTIFIED_IBP]);
    let accuracies = match measured {
        true => Some(Accuracies {
            clean: entries.fraction(CLEAN)?,
            certified_lipschitz: entries.fraction(CERTIFIED_LIPSCHITZ)?,
            certified_ibp: entries.fraction(CERTIFIED_IBP)?,
        }),
        false => None,
    };
    Ok(Metadata {
        dataset: entries.get("dataset")?.into(),
        classes: classes(entries)?,
        epsilon: entries.epsilon()?,
        lineage: entries.lineage()?,
        accuracies,
    })
}
