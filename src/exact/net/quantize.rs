//! Quantizes a trained float net: absorbs normalisation and mean shift into the weights, then rounds
//! every number once.
//!
//! A step of 1 of the normalised input is 255·std pixel levels. In levels the float net consists of
//! distances only: the first layer's weights become `255(mean + std·w)`; a deeper layer sees its input
//! before the mean shift, so its weights become `255·std·(w + running mean of that input)`;
//! the last bias becomes `255·std·b`. Every logit is then 255·std times the float net's.

use thiserror::Error;

use super::{Csr, CsrLayer, DenseLayer, DenseNet, ExactNet, FloatLayer, FloatNet};
use crate::data::Normalisation;
use crate::exact::{MAX_LEVEL, NetError, VALUE_LIMIT};

/// Why a float net cannot become an integer net.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum QuantizeError {
    /// The input normalisation is invalid.
    #[error(
        "input mean {} and std {} are no normalisation: both must be finite, std above 0",
        .0.mean, .0.std
    )]
    Normalisation(Normalisation),
    /// A list of numbers does not have the length that the layer's shape asks for.
    #[error("the {what} of layer {layer} should be {expected} numbers, but are {found}")]
    Count {
        /// `inputs`, `units`, `weights` or `running means`.
        what: &'static str,
        /// Index of the layer, from 0.
        layer: usize,
        /// Numbers that the shape asks for.
        expected: usize,
        /// Numbers given.
        found: usize,
    },
    /// A dense net was asked for where a layer has not all of its weights.
    #[error(
        "layer {layer} has only some of its weights, so there is no dense net; quantize it to an exact one"
    )]
    Sparse {
        /// Index of the layer, from 0.
        layer: usize,
    },
    /// A weight or bias is NaN or infinite, or too large to be rounded to ticks.
    #[error(
        "a number of layer {layer} becomes {levels} pixel levels, which is not finite or beyond \
         2^30 ticks; the training diverged, or the scale is too large"
    )]
    Magnitude {
        /// Index of the layer, from 0.
        layer: usize,
        /// The quantized number, in pixel levels.
        levels: f64,
    },
    /// The rounded net is refused.
    #[error("the rounded weights are no valid network")]
    Net(#[from] NetError),
}

/// Weights of every layer, in the order of the floats, and the bias, all in ticks.
struct Quantized {
    weights: Vec<Vec<i32>>,
    bias: Vec<i32>,
}

impl DenseNet {
    /// Quantizes `net`: computes in `f64` and rounds every weight and bias to the nearest 1/`scale` of a pixel
    /// level, halves away from zero. Fails where a layer has not all of its weights: that is for
    /// [`ExactNet::quantize`].
    pub fn quantize(net: &FloatNet, scale: u32) -> Result<Self, QuantizeError> {
        if let Some(layer) = net.layers.iter().position(|layer| layer.pattern.is_some()) {
            return Err(QuantizeError::Sparse { layer });
        }
        let Quantized { weights, bias } = quantized(net, scale)?;
        let layers = net.layers.iter().zip(weights);
        let layers = layers.map(|(layer, weight)| DenseLayer {
            inputs: layer.inputs,
            outputs: layer.outputs,
            weight,
        });
        Ok(Self::new(scale, layers.collect(), bias)?)
    }
}

impl ExactNet {
    /// Folds and rounds as [`DenseNet::quantize`] does, whichever weights the layers of `net` have, and
    /// drops what no input can make decide, as [`DenseNet::prune`] does.
    pub fn quantize(net: &FloatNet, scale: u32) -> Result<Self, QuantizeError> {
        if net.layers.iter().all(|layer| layer.pattern.is_none()) {
            return Ok(DenseNet::quantize(net, scale)?.prune()?);
        }
        let Quantized { weights, bias } = quantized(net, scale)?;
        let layers = net.layers.iter().zip(weights).map(sparse_layer);
        Ok(Self::new(scale, &layers.collect::<Vec<_>>(), bias)?.prune())
    }
}

fn sparse_layer((layer, weights): (&FloatLayer, Vec<i32>)) -> CsrLayer {
    let mut sparse = CsrLayer::empty(layer.inputs);
    match &layer.pattern {
        Some(pattern) => pattern.rows().for_each(|row| {
            let columns = pattern.columns()[row.clone()].iter();
            sparse.push_row(
                columns
                    .map(|&column| column as usize)
                    .zip(weights[row].iter().copied()),
            );
        }),
        None => weights
            .chunks_exact(layer.inputs)
            .for_each(|row| sparse.push_row(row.iter().copied().enumerate())),
    }
    sparse
}

/// Computes the integers in `f64` and rounds.
fn quantized(net: &FloatNet, scale: u32) -> Result<Quantized, QuantizeError> {
    let Normalisation { mean, std } = net.normalisation;
    if !mean.is_finite() || !std.is_finite() || std <= 0.0 {
        return Err(QuantizeError::Normalisation(net.normalisation));
    }
    let full_scale = f64::from(MAX_LEVEL);
    let level = full_scale * f64::from(std);
    // What to add to each weight of the next layer, per input, in levels.
    let inputs = net.layers.first().map_or(0, |layer| layer.inputs);
    let mut shift = vec![full_scale * f64::from(mean); inputs];
    let mut weights = Vec::with_capacity(net.layers.len());
    for (index, layer) in net.layers.iter().enumerate() {
        let count = |what, expected, found| {
            if found == expected {
                return Ok(());
            }
            Err(QuantizeError::Count {
                what,
                layer: index,
                expected,
                found,
            })
        };
        let pattern = layer.pattern.as_deref();
        let is_last = index + 1 == net.layers.len();
        let means = if is_last { 0 } else { layer.outputs };
        let all = pattern.map_or(layer.inputs * layer.outputs, Csr::weights);
        count("weights", all, layer.weight.len())?;
        if let Some(pattern) = pattern {
            count("inputs", layer.inputs, pattern.inputs())?;
            count("units", layer.outputs, pattern.outputs())?;
        }
        count("running means", means, layer.mean.len())?;
        count("inputs", shift.len(), layer.inputs)?;
        let input = |k: usize| match pattern {
            Some(pattern) => pattern.columns()[k] as usize,
            None => k % layer.inputs,
        };
        let floats = layer.weight.iter().enumerate();
        let ticks =
            floats.map(|(k, &w)| round(level * f64::from(w) + shift[input(k)], scale, index));
        weights.push(ticks.collect::<Result<_, _>>()?);
        shift = layer.mean.iter().map(|&m| level * f64::from(m)).collect();
    }
    let last = net.layers.len().saturating_sub(1);
    let bias = net
        .bias
        .iter()
        .map(|&b| round(level * f64::from(b), scale, last));
    Ok(Quantized {
        weights,
        bias: bias.collect::<Result<_, _>>()?,
    })
}

/// Pixel levels to the nearest tick.
fn round(levels: f64, scale: u32, layer: usize) -> Result<i32, QuantizeError> {
    let ticks = (levels * f64::from(scale)).round();
    // Written so that NaN fails it.
    if ticks.abs() <= VALUE_LIMIT as f64 {
        Ok(ticks as i32)
    } else {
        Err(QuantizeError::Magnitude { layer, levels })
    }
}
