//! From a trained float net to integers: fold normalisation and mean shift into the weights,
//! then round once.
//!
//! In pixel levels, 255·std times the normalised input unit, the whole float net is distances
//! only: the first layer's weights become `255(mean + std·w)`; a deeper layer sees its input
//! before the mean shift, so its weights become `255·std·(w + running mean of the input unit)`;
//! the last bias becomes `255·std·b`. Every logit is then 255·std times the float net's.

use thiserror::Error;

use super::{DenseLayer, DenseNet, MAX_LEVEL, NetError, VALUE_LIMIT};
use crate::float_net::FloatNet;

/// Why a float net cannot become an integer net.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum FoldError {
    /// The input normalisation is not one.
    #[error("input mean {mean} and std {std} are no normalisation: both finite, std above 0")]
    Normalisation {
        /// Mean given.
        mean: f32,
        /// Standard deviation given.
        std: f32,
    },
    /// A list of numbers does not have the length that the layer's shape asks for.
    #[error("the {what} of layer {layer} should be {expected} numbers, but are {found}")]
    Count {
        /// `inputs`, `weights` or `running means`.
        what: &'static str,
        /// Index of the layer, from 0.
        layer: usize,
        /// Numbers that the shape asks for.
        expected: usize,
        /// Numbers given.
        found: usize,
    },
    /// A weight or bias is NaN or infinite, or too large to be rounded to units.
    #[error(
        "a number of layer {layer} folds to {levels} pixel levels, which is not finite or beyond \
         2^30 units; the training diverged, or the scale is too large"
    )]
    Magnitude {
        /// Index of the layer, from 0.
        layer: usize,
        /// The folded number, in pixel levels.
        levels: f64,
    },
    /// The rounded net is not one.
    #[error("the rounded weights are no network")]
    Net(#[from] NetError),
}

impl DenseNet {
    /// Folds `net` in `f64` and rounds every weight and bias to the nearest 1/`scale` of a pixel
    /// level, halves away from zero.
    pub fn fold(net: &FloatNet, scale: u32) -> Result<Self, FoldError> {
        let (mean, std) = (net.input_mean, net.input_std);
        if !mean.is_finite() || !std.is_finite() || std <= 0.0 {
            return Err(FoldError::Normalisation { mean, std });
        }
        let full_scale = f64::from(MAX_LEVEL);
        let level = full_scale * f64::from(std);
        // What to add to each weight of the next layer, per input, in levels.
        let inputs = net.layers.first().map_or(0, |layer| layer.inputs);
        let mut shift = vec![full_scale * f64::from(mean); inputs];
        let mut layers = Vec::with_capacity(net.layers.len());
        for (index, layer) in net.layers.iter().enumerate() {
            let count = |what, expected, found| {
                if found == expected {
                    return Ok(());
                }
                Err(FoldError::Count {
                    what,
                    layer: index,
                    expected,
                    found,
                })
            };
            let is_last = index + 1 == net.layers.len();
            let means = if is_last { 0 } else { layer.outputs };
            count("weights", layer.inputs * layer.outputs, layer.weight.len())?;
            count("running means", means, layer.mean.len())?;
            count("inputs", shift.len(), layer.inputs)?;
            let weights =
                layer.weight.iter().enumerate().map(|(i, &w)| {
                    round(level * f64::from(w) + shift[i % layer.inputs], scale, index)
                });
            layers.push(DenseLayer {
                inputs: layer.inputs,
                outputs: layer.outputs,
                weight: weights.collect::<Result<_, _>>()?,
            });
            shift = layer.mean.iter().map(|&m| level * f64::from(m)).collect();
        }
        let last = net.layers.len().saturating_sub(1);
        let bias = net
            .bias
            .iter()
            .map(|&b| round(level * f64::from(b), scale, last));
        Ok(Self::new(scale, layers, bias.collect::<Result<_, _>>()?)?)
    }
}

/// Pixel levels to the nearest unit.
fn round(levels: f64, scale: u32, layer: usize) -> Result<i32, FoldError> {
    let units = (levels * f64::from(scale)).round();
    // Written so that NaN fails it.
    if units.abs() <= VALUE_LIMIT as f64 {
        Ok(units as i32)
    } else {
        Err(FoldError::Magnitude { layer, levels })
    }
}
