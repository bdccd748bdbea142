//! An ordinary network as plain numbers: fully connected layers with ReLU between them.
//!
//! Training leaves one, Burn runs one, the certificate bounds one; none of them needs to know the
//! others. Inputs are pixel *levels*, 0 to 255: dividing by 255 is folded into the first layer,
//! so that an input reaches the first multiplication without having been rounded.

use thiserror::Error;

use super::interval;

/// Fully connected layers with ReLU between them, on pixel levels.
///
/// Every value that its evaluation in f32 can meet, in whatever order it sums, is finite for every
/// image: [`Mlp::new`] has proved it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    layers: Vec<Linear>,
}

/// One layer, `z = W·x + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Number of inputs of each unit.
    pub inputs: usize,
    /// Weights, `[outputs, inputs]` row-major.
    pub weight: Vec<f32>,
    /// Added to each unit, `[outputs]`.
    pub bias: Vec<f32>,
}

/// Why layers are not a network that can be run and proved.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum MlpError {
    /// There is no layer.
    #[error("the network has no layer; it needs at least the last one")]
    NoLayer,
    /// A layer without inputs or without units.
    #[error("layer {layer} is {inputs} → {outputs}; it needs at least one input and one unit")]
    Width {
        /// Index of the layer, from 0.
        layer: usize,
        /// Its inputs.
        inputs: usize,
        /// Its units.
        outputs: usize,
    },
    /// A layer's weights do not fill its shape.
    #[error("layer {layer} should have {expected} weights, but has {found}")]
    WeightCount {
        /// Index of the layer, from 0.
        layer: usize,
        /// Number of weights that its shape asks for.
        expected: usize,
        /// Number of weights given.
        found: usize,
    },
    /// Consecutive layers do not fit together.
    #[error("layer {layer} takes {inputs} inputs, but the layer before it has {outputs} units")]
    Chain {
        /// Index of the layer, from 0.
        layer: usize,
        /// Inputs of that layer.
        inputs: usize,
        /// Units of the layer before it.
        outputs: usize,
    },
    /// A network with one class has nothing to tell apart.
    #[error("the last layer has one unit; a classifier needs at least two")]
    OneClass,
    /// A weight or bias is infinite or no number, or so large that some image could overflow.
    #[error("layer {layer} could leave the range of f32 for some image; its weights are too large")]
    Overflow {
        /// Index of the layer, from 0.
        layer: usize,
    },
}

impl Linear {
    /// Number of units.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weights of each unit, `[inputs]` each.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.weight.chunks_exact(self.inputs)
    }
}

impl Mlp {
    /// A network of the given layers, input side first.
    ///
    /// # Errors
    /// Fails if the layers do not fit together, or if for some image a value could overflow.
    pub fn new(layers: Vec<Linear>) -> Result<Self, MlpError> {
        let last = layers.last().ok_or(MlpError::NoLayer)?;
        let classes = last.outputs();
        for (index, layer) in layers.iter().enumerate() {
            let (inputs, outputs) = (layer.inputs, layer.outputs());
            if inputs == 0 || outputs == 0 {
                return Err(MlpError::Width {
                    layer: index,
                    inputs,
                    outputs,
                });
            }
            let (found, expected) = (layer.weight.len(), inputs * outputs);
            if found != expected {
                return Err(MlpError::WeightCount {
                    layer: index,
                    expected,
                    found,
                });
            }
        }
        for (index, pair) in layers.windows(2).enumerate() {
            let (outputs, inputs) = (pair[0].outputs(), pair[1].inputs);
            if inputs != outputs {
                return Err(MlpError::Chain {
                    layer: index + 1,
                    inputs,
                    outputs,
                });
            }
        }
        if classes < 2 {
            return Err(MlpError::OneClass);
        }
        if let Some(layer) = interval::first_overflow(&layers) {
            return Err(MlpError::Overflow { layer });
        }
        Ok(Self { layers })
    }

    /// The layers, input side first.
    pub fn layers(&self) -> &[Linear] {
        &self.layers
    }

    /// The last layer, and the hidden ones before it.
    pub(super) fn split_last(&self) -> (&Linear, &[Linear]) {
        self.layers.split_last().expect("a network has a layer")
    }

    /// Number of pixels that the network takes.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.split_last().0.outputs()
    }

    /// The widths from pixels to classes, such as `[784, 64, 10]`.
    pub fn architecture(&self) -> Vec<usize> {
        let outputs = self.layers.iter().map(Linear::outputs);
        std::iter::once(self.inputs()).chain(outputs).collect()
    }
}
