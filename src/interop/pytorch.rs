//! Checkpoints of the authors of ℓ∞-dist nets: `model.pth` of L_inf-dist-net and L_inf-dist-net-v2.
//!
//! The file is a pickle in a zip. A reader of such files (`pytorch-reader`, of the Burn project) takes the
//! tensors out of it and executes nothing. A file that names a Python object which is neither a container
//! nor one of PyTorch's is refused all the same: no checkpoint needs one. ε, p and the data set are not in
//! the file; depth and widths follow from the shapes.
//!
//! | variant | keys of its ℓ∞-dist layers |
//! |---|---|
//! | v1 (ICML 2021) | `feature.fc.{l}.weight` `[out, in, 1, 1]`, `feature.fc.{l}.normalize.running_mean`; `feature.fc_last.{weight, bias}` |
//! | v2 (ICLR 2022) | `fc_dist.{l}.weight` `[out, in]`, `fc_dist.{l}.mean_shift.running_mean`; the last one's `bias`; `scalar` |
//!
//! Both may have the prefix `module.`, of training on several GPUs.

use std::collections::BTreeMap;
use std::path::Path;

use pytorch_reader::{DType, PickleValue, PytorchError, PytorchReader, Tensor};
use thiserror::Error;

use crate::data::Normalisation;
use crate::exact::{FloatLayer, FloatNet};

/// The prefix of every key of a net that was trained on several GPUs.
const PARALLEL: &str = "module.";

/// Which of the authors' programs wrote a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// L_inf-dist-net, ICML 2021.
    V1,
    /// L_inf-dist-net-v2, ICLR 2022. A checkpoint of SortNet's MLP has the same keys.
    V2,
}

/// A network of the authors.
#[derive(Clone, Debug)]
pub struct AuthorsNet {
    /// What wrote it.
    pub variant: Variant,
    /// The network as it is evaluated, at p = ∞, with running means.
    pub net: FloatNet,
}

/// Why a checkpoint is not imported.
#[derive(Debug, Error)]
pub enum AuthorsError {
    /// Not a file of PyTorch, or cut short.
    #[error("this is no checkpoint of PyTorch that can be read")]
    Unreadable(#[source] Box<PytorchError>),
    /// A pickle that names a Python object that no checkpoint needs.
    #[error(
        "the file holds a Python object of the type `{0}`, which no checkpoint needs; nothing of it was run"
    )]
    ForeignObject(String),
    /// A network that this program does not import.
    #[error(
        "the file holds {0}, which is not imported; only ℓ∞-dist nets without other layers are"
    )]
    OtherNetwork(&'static str),
    /// No network of the authors.
    #[error(
        "the file holds no ℓ∞-dist net of the authors: it has neither `feature.fc_last.weight` nor \
         `fc_dist.0.weight`"
    )]
    NoNetwork,
    /// A tensor is missing.
    #[error("the file lacks the tensor `{0}`")]
    Missing(String),
    /// A tensor that no such network has.
    #[error("the file has the tensor `{0}`, which no ℓ∞-dist net of this kind has")]
    Unknown(String),
    /// A tensor of another type or shape.
    #[error("the tensor `{name}` is {found}, but {expected} is expected")]
    Tensor {
        /// Its name.
        name: String,
        /// Its type and shape.
        found: String,
        /// What they should be.
        expected: &'static str,
    },
    /// A factor of the logits that would turn them around.
    #[error("the factor of the logits, `scalar`, is {0}, but it must be above 0")]
    Scalar(f32),
}

/// Reads a checkpoint. `normalisation` is that of the data set that it was trained on.
pub fn read(path: &Path, normalisation: Normalisation) -> Result<AuthorsNet, AuthorsError> {
    let unreadable = |error| AuthorsError::Unreadable(Box::new(error));
    let pickle = PytorchReader::read_pickle_data(path, None).map_err(unreadable)?;
    refuse_foreign_objects(&pickle)?;
    // A checkpoint, or the parameters alone.
    let is_nested =
        matches!(&pickle, PickleValue::Dict(entries) if entries.contains_key("state_dict"));
    let reader = match is_nested {
        true => PytorchReader::with_top_level_key(path, "state_dict"),
        false => PytorchReader::new(path),
    };
    let tensors = reader.map_err(unreadable)?.into_tensors().into_iter();
    let plain = |name: String| match name.strip_prefix(PARALLEL) {
        Some(rest) => rest.to_owned(),
        None => name,
    };
    let tensors = tensors.map(|(name, tensor)| (plain(name), tensor));
    Parameters(tensors.collect()).network(normalisation)
}

/// Refuses a pickle in which an object of another origin than PyTorch's occurs.
fn refuse_foreign_objects(value: &PickleValue) -> Result<(), AuthorsError> {
    match value {
        PickleValue::Unsupported(name) => {
            let known = [
                "torch.",
                "collections.OrderedDict",
                "int",
                "tensor",
                "storage",
            ];
            match known.iter().any(|known| name.starts_with(known)) {
                true => Ok(()),
                false => Err(AuthorsError::ForeignObject(name.clone())),
            }
        }
        PickleValue::List(values) => values.iter().try_for_each(refuse_foreign_objects),
        PickleValue::Dict(entries) => entries.values().try_for_each(refuse_foreign_objects),
        PickleValue::None
        | PickleValue::Bool(_)
        | PickleValue::Int(_)
        | PickleValue::Float(_)
        | PickleValue::String(_)
        | PickleValue::Bytes(_) => Ok(()),
    }
}

/// The tensors that are not used yet, by their names.
struct Parameters(BTreeMap<String, Tensor>);

impl Parameters {
    fn network(mut self, normalisation: Normalisation) -> Result<AuthorsNet, AuthorsError> {
        let has = |part: &str| self.0.keys().any(|name| name.starts_with(part));
        let others = [
            ("feature.conv.", "a convolutional net"),
            ("predictor.", "a net with an MLP as its head"),
            ("fc_linear.", "a net with linear layers (HybridModel)"),
            ("fc_final.", "a net with linear layers (HybridModel)"),
        ];
        if let Some((_, what)) = others.iter().find(|(part, _)| has(part)) {
            return Err(AuthorsError::OtherNetwork(what));
        }
        let variant = match (has("feature.fc_last."), has("fc_dist.")) {
            (true, false) => Variant::V1,
            (false, true) => Variant::V2,
            _ => return Err(AuthorsError::NoNetwork),
        };
        let (hidden, mean) = match variant {
            Variant::V1 => ("feature.fc", "normalize"),
            Variant::V2 => ("fc_dist", "mean_shift"),
        };
        let mut layers = Vec::new();
        let mut last = format!("{hidden}.0");
        while self.0.contains_key(&format!("{last}.{mean}.running_mean")) {
            let layer = self.layer(&last, Some(&format!("{last}.{mean}.running_mean")))?;
            layers.push(layer);
            last = format!("{hidden}.{}", layers.len());
        }
        if variant == Variant::V1 {
            last = "feature.fc_last".into();
        }
        layers.push(self.layer(&last, None)?);
        let bias = self.vector(&format!("{last}.bias"))?;
        if self.0.contains_key("scalar") {
            let scalar = self.vector("scalar")?;
            match scalar[..] {
                // It makes all logits larger alike.
                [scalar] if scalar > 0.0 => {}
                _ => return Err(AuthorsError::Scalar(scalar.first().copied().unwrap_or(0.0))),
            }
        }
        if let Some(name) = self.0.into_keys().next() {
            return Err(AuthorsError::Unknown(name));
        }
        let net = FloatNet {
            normalisation,
            layers,
            bias,
        };
        Ok(AuthorsNet { variant, net })
    }

    fn layer(&mut self, name: &str, mean: Option<&str>) -> Result<FloatLayer, AuthorsError> {
        let name = format!("{name}.weight");
        let (shape, weight) = self.take(&name)?;
        let (outputs, inputs) = match shape[..] {
            [outputs, inputs] | [outputs, inputs, 1, 1] => (outputs, inputs),
            _ => return Err(other_tensor(&name, &shape, "[out, in] or [out, in, 1, 1]")),
        };
        let mean = mean.map(|mean| self.vector(mean)).transpose()?;
        Ok(FloatLayer {
            inputs,
            outputs,
            weight,
            pattern: None,
            mean: mean.unwrap_or_default(),
        })
    }

    fn vector(&mut self, name: &str) -> Result<Vec<f32>, AuthorsError> {
        let (shape, values) = self.take(name)?;
        match shape.len() {
            1 => Ok(values),
            _ => Err(other_tensor(name, &shape, "a list of numbers")),
        }
    }

    /// Shape and numbers of a tensor, which is used then.
    fn take(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f32>), AuthorsError> {
        let missing = || AuthorsError::Missing(name.into());
        let tensor = self.0.remove(name).ok_or_else(missing)?;
        if tensor.dtype() != DType::F32 {
            return Err(AuthorsError::Tensor {
                name: name.into(),
                found: format!("{:?}", tensor.dtype()),
                expected: "float32",
            });
        }
        let bytes = tensor.read().map_err(PytorchError::from);
        let bytes = bytes.map_err(|error| AuthorsError::Unreadable(Box::new(error)))?;
        let numbers = bytes.as_chunks::<4>().0.iter();
        let values = numbers.map(|bytes| f32::from_le_bytes(*bytes));
        Ok((tensor.shape().to_vec(), values.collect()))
    }
}

fn other_tensor(name: &str, shape: &[usize], expected: &'static str) -> AuthorsError {
    AuthorsError::Tensor {
        name: name.into(),
        found: format!("of shape {shape:?}"),
        expected,
    }
}
