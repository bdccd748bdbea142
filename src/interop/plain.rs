//! The exact network as plain numbers: float32 tensors, or JSON of a small net.

use std::collections::BTreeMap;

use safetensors::Dtype;
use serde::Serialize;
use thiserror::Error;

use crate::exact::io::{StoredTensor, safetensors_file};
use crate::exact::{CsrLayer, Model};

/// More weights than a person reads are not written as JSON.
pub const MOST_JSON_WEIGHTS: usize = 100_000;

/// Why a network is not written as plain numbers.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlainError {
    /// A weight would be rounded.
    #[error(
        "a number of this network can reach {0} ticks; floats of 32 bits are exact below 2^24, so quantize \
         it with a smaller scale"
    )]
    Inexact(i64),
    /// Too many weights for JSON.
    #[error(
        "the network keeps {0} weights, and JSON is for small ones of at most {MOST_JSON_WEIGHTS}; \
         take --safetensors-f32"
    )]
    Large(usize),
}

/// Writes the network as float32 tensors in pixel levels. Ticks are parts of a level by a power of two, so
/// the floats are exact.
///
/// Of each layer: `layers.{l}.starts`, I32 `[units + 1]`, where each unit's weights start and the last
/// one's end; `layers.{l}.inputs`, I32 `[weights]`, the input that each sees; `layers.{l}.weights`, F32
/// `[weights]`. Of the last layer also `bias`, F32 `[units]`.
pub fn to_float_safetensors(model: &Model, sha256: &str) -> Result<Vec<u8>, PlainError> {
    let net = &model.net;
    if !net.is_exact_in_f32() {
        return Err(PlainError::Inexact(net.max_magnitude()));
    }
    let levels = |ticks: i32| (ticks as f32 / net.scale() as f32).to_le_bytes();
    let tensor = |name: String, dtype: Dtype, bytes: Vec<u8>| StoredTensor {
        name,
        dtype,
        shape: vec![bytes.len() / 4],
        bytes: bytes.into(),
    };
    let mut tensors = Vec::new();
    for (index, layer) in net.to_sparse().iter().enumerate() {
        let name = |what: &str| format!("layers.{index}.{what}");
        let numbers =
            |numbers: &[u32]| numbers.iter().copied().flat_map(u32::to_le_bytes).collect();
        let weights = layer.weights.iter().copied().flat_map(levels).collect();
        tensors.extend([
            tensor(name("starts"), Dtype::I32, numbers(layer.pattern.starts())),
            tensor(name("inputs"), Dtype::I32, numbers(layer.pattern.columns())),
            tensor(name("weights"), Dtype::F32, weights),
        ]);
    }
    let bias = net.bias().iter().copied().flat_map(levels).collect();
    tensors.push(tensor("bias".into(), Dtype::F32, bias));
    let architecture = net.architecture();
    let architecture: Vec<_> = architecture.iter().map(ToString::to_string).collect();
    let metadata = BTreeMap::from([
        ("format", "linf-dist-net floats".to_owned()),
        ("model_sha256", sha256.to_owned()),
        ("dataset", model.metadata.dataset.clone()),
        ("architecture", architecture.join("-")),
        ("members", net.members().to_string()),
        ("unit", "pixel level".to_owned()),
    ]);
    Ok(safetensors_file(&metadata, tensors))
}

/// What a network is as JSON.
#[derive(Serialize)]
struct Json<'a> {
    dataset: &'a str,
    model_sha256: &'a str,
    /// Ticks per pixel level; all numbers below are in ticks.
    scale: u32,
    members: usize,
    layers: Vec<JsonLayer>,
    bias: &'a [i32],
}

#[derive(Serialize)]
struct JsonLayer {
    inputs: usize,
    /// Of each unit the `[input, weight]` that it has kept.
    units: Vec<Vec<(u32, i32)>>,
}

impl JsonLayer {
    fn of(layer: &CsrLayer) -> Self {
        let pairs = |row: std::ops::Range<usize>| {
            let columns = layer.pattern.columns()[row.clone()].iter().copied();
            columns.zip(layer.weights[row].iter().copied()).collect()
        };
        Self {
            inputs: layer.inputs(),
            units: layer.pattern.rows().map(pairs).collect(),
        }
    }
}

/// Writes a small network as JSON, for teaching: integers in ticks, and of each unit its kept weights.
pub fn to_json(model: &Model, sha256: &str) -> Result<String, PlainError> {
    let kept = model.net.weights_kept().iter().map(|(kept, _)| kept).sum();
    if kept > MOST_JSON_WEIGHTS {
        return Err(PlainError::Large(kept));
    }
    let json = Json {
        dataset: &model.metadata.dataset,
        model_sha256: sha256,
        scale: model.net.scale(),
        members: model.net.members(),
        layers: model.net.to_sparse().iter().map(JsonLayer::of).collect(),
        bias: model.net.bias(),
    };
    Ok(serde_json::to_string(&json).expect("strings and numbers are JSON") + "\n")
}
