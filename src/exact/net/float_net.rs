//! A trained net as plain numbers. The trainer writes one, and quantization makes an exact integer
//! network from it. It knows neither Burn nor files.

use std::sync::Arc;

use super::Csr;
use crate::data::Normalisation;

/// A float ℓ∞-dist net, as trained.
///
/// Input pixels in 0..1 are first normalised, `(pixel − mean) / std`; each layer then
/// computes `‖x − w‖∞` per unit and hidden layers subtract their running mean. The last layer adds
/// `bias` and its logits are `z_k = −(u_k + b_k)`.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNet {
    /// What every pixel is normalised with.
    pub normalisation: Normalisation,
    /// The layers, input side first.
    pub layers: Vec<FloatLayer>,
    /// Bias of the last layer, `[classes]`, on the scale of the normalised input.
    pub bias: Vec<f32>,
}

/// One ℓ∞-dist layer of a [`FloatNet`].
#[derive(Clone, Debug, PartialEq)]
pub struct FloatLayer {
    /// Number of inputs of each unit.
    pub inputs: usize,
    /// Number of units.
    pub outputs: usize,
    /// Weights, `[outputs, inputs]` row-major, on the scale of the normalised input; `[weights]` of the
    /// pattern where there is one.
    pub weight: Vec<f32>,
    /// Which weights there are; all without a pattern. Others take no part in their unit's maximum.
    pub pattern: Option<Arc<Csr>>,
    /// Running mean subtracted from each output, `[outputs]`; empty in the last layer.
    pub mean: Vec<f32>,
}
