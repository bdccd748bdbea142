//! Checkpoints of baseline training: the whole state of a run as one safetensors file.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, SafeTensors};
use thiserror::Error;

use super::recipe::Config;
use crate::exact::io::safetensors::{StoredTensor, safetensors_file};

const FORMAT: &str = "linf-dist-net baseline checkpoint";
const VERSION: &str = "1";

/// Why a checkpoint cannot be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file is no safetensors file, or truncated.
    #[error("this is not a complete checkpoint file ({0})")]
    NotSafetensors(#[from] safetensors::SafeTensorError),
    /// The file is another kind of safetensors file, or one of its entries or tensors does not fit.
    #[error(
        "the `{0}` of this file is missing or cannot be used; use a checkpoint that `linf baseline \
         train` wrote"
    )]
    Entry(String),
    /// The checkpoint is that of another run.
    #[error(
        "this checkpoint is of a run with other hyperparameters; give those that it was begun with, \
         or begin anew without --resume"
    )]
    OtherRun,
}

/// What a run needs to go on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub iteration: usize,
    /// Position of the random stream of the attack's starts.
    pub rng_position: u128,
    /// The numbers of every layer, in the order of [`PARTS`].
    pub layers: Vec<[Vec<f32>; PARTS.len()]>,
}

/// What is stored of a layer.
pub(super) const PARTS: [&str; 6] = [
    "weight",
    "bias",
    "weight.first_moment",
    "bias.first_moment",
    "weight.second_moment",
    "bias.second_moment",
];

impl State {
    /// Returns the bytes of the file; the same state always gives the same bytes.
    pub fn to_bytes(&self, config: &Config) -> Vec<u8> {
        let metadata = BTreeMap::from([
            ("format", FORMAT.into()),
            ("format_version", VERSION.into()),
            ("config", json_of(config)),
            ("iteration", self.iteration.to_string()),
            ("rng_position", self.rng_position.to_string()),
        ]);
        let layers = self.layers.iter().enumerate();
        let tensors = layers.flat_map(|(l, layer)| {
            let parts = PARTS.iter().zip(layer);
            parts.map(move |(part, values)| StoredTensor {
                name: format!("layer.{l}.{part}"),
                dtype: Dtype::F32,
                shape: vec![values.len()],
                bytes: values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect(),
            })
        });
        safetensors_file(&metadata, tensors.collect())
    }

    /// Reads a checkpoint of a run of `config`; `self` is the run's beginning, whose shapes it must have.
    ///
    /// # Errors
    /// Fails if the file is damaged, or of another run.
    pub fn read(mut self, bytes: &[u8], config: &Config) -> Result<Self, CheckpointError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let tensors = SafeTensors::deserialize(bytes)?;
        let entries = header.metadata().clone().unwrap_or_default();
        let entry = |name: &'static str| entries.get(name).map(String::as_str);
        let unfit = |name: &str| CheckpointError::Entry(name.into());
        if (entry("format"), entry("format_version")) != (Some(FORMAT), Some(VERSION)) {
            return Err(unfit("format"));
        }
        if entry("config") != Some(&json_of(config)) {
            return Err(CheckpointError::OtherRun);
        }
        let number = |name| entry(name).and_then(|text| text.parse::<u128>().ok());
        let iteration = number("iteration").and_then(|number| usize::try_from(number).ok());
        self.iteration = iteration.ok_or_else(|| unfit("iteration"))?;
        self.rng_position = number("rng_position").ok_or_else(|| unfit("rng_position"))?;
        for (l, layer) in self.layers.iter_mut().enumerate() {
            for (part, values) in PARTS.iter().zip(layer) {
                let name = format!("layer.{l}.{part}");
                let found = tensors.tensor(&name).map_err(|_| unfit(&name))?;
                if found.dtype() != Dtype::F32 || found.shape() != [values.len()] {
                    return Err(unfit(&name));
                }
                for (value, word) in values.iter_mut().zip(found.data().as_chunks::<4>().0) {
                    *value = f32::from_le_bytes(*word);
                    // The root of second moments is taken.
                    let negative = part.ends_with("second_moment") && *value < 0.0;
                    if negative || !value.is_finite() {
                        return Err(unfit(&name));
                    }
                }
            }
        }
        Ok(self)
    }
}

fn json_of(config: &Config) -> String {
    serde_json::to_string(config).expect("a configuration is plain data")
}
