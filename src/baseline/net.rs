//! A baseline as plain numbers: convolutions and fully connected layers, ReLU between.
//!
//! Training leaves one, the evaluator runs one, the certificate bounds one; none of them needs to know the
//! others. Inputs are pixel *levels*, 0 to 255: dividing by 255 is quantized into the first layer,
//! so that an input reaches the first multiplication without having been rounded.

use thiserror::Error;

use super::interval;

/// Layers with ReLU between them, on pixel levels.
///
/// Every value that its evaluation in f32 can meet, in whatever order it sums, is finite for every
/// image: [`BaselineNet::new`] has proved it.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineNet {
    layers: Vec<Layer>,
}

/// One layer: every unit is `w·x + b` over the inputs that it sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Which units see which inputs.
    pub geometry: Geometry,
    /// Weights, `[channels, fan-in]` row-major: of a dense layer a row per unit, of a convolution
    /// a row per channel of its output.
    pub weight: Vec<f32>,
    /// Added to each unit, `[channels]`.
    pub bias: Vec<f32>,
}

/// Which inputs the units of a layer see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Geometry {
    /// Every unit sees all of them.
    Dense {
        /// Their number.
        inputs: usize,
    },
    /// The units of each channel see one square after another of a stack of square images,
    /// `[channels, side, side]`; nothing is padded.
    Conv {
        /// Channels of the input.
        channels: usize,
        /// Rows, and columns, of the input.
        side: usize,
        /// Rows, and columns, of the square.
        kernel: usize,
        /// How far one square is from the next.
        stride: usize,
    },
}

/// Why layers are not a network that can be run and proved.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum BaselineNetError {
    /// There is no layer.
    #[error("the network has no layer; it needs at least the last one")]
    NoLayer,
    /// A layer without inputs or without units.
    #[error("layer {layer} is {geometry:?} with {channels} channels, which makes no unit")]
    Empty {
        /// Index of the layer, from 0.
        layer: usize,
        /// Its geometry.
        geometry: Geometry,
        /// Its rows of weights.
        channels: usize,
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
    /// The last layer gives no logits to tell apart.
    #[error("the last layer must be dense and have at least two units, one for each class")]
    Classes,
    /// A weight or bias is infinite or no number, or so large that some image could overflow.
    #[error("layer {layer} could leave the range of f32 for some image; its weights are too large")]
    Overflow {
        /// Index of the layer, from 0.
        layer: usize,
    },
}

impl Geometry {
    /// Number of inputs of the layer.
    pub fn inputs(self) -> usize {
        match self {
            Self::Dense { inputs } => inputs,
            Self::Conv { channels, side, .. } => channels * side * side,
        }
    }

    /// Number of inputs that each unit sees.
    pub fn fan_in(self) -> usize {
        match self {
            Self::Dense { inputs } => inputs,
            Self::Conv {
                channels, kernel, ..
            } => channels * kernel * kernel,
        }
    }

    /// Rows, and columns, of the output; 1 of a dense layer, whose every unit is a channel.
    pub fn output_side(self) -> usize {
        match self {
            Self::Dense { .. } => 1,
            Self::Conv {
                side,
                kernel,
                stride,
                ..
            } => match stride > 0 && (1..=side).contains(&kernel) {
                true => (side - kernel) / stride + 1,
                false => 0,
            },
        }
    }

    /// The inputs that the units at each place of the output see, in the order of the weights.
    pub fn windows(self) -> Vec<Vec<usize>> {
        match self {
            Self::Dense { inputs } => vec![(0..inputs).collect()],
            Self::Conv {
                channels,
                side,
                kernel,
                stride,
            } => {
                let places = 0..self.output_side();
                let corners = places
                    .clone()
                    .flat_map(|row| places.clone().map(move |column| [row, column]));
                let window = |[row, column]: [usize; 2]| {
                    let mut inputs = Vec::with_capacity(self.fan_in());
                    for channel in 0..channels {
                        for y in row * stride..row * stride + kernel {
                            let from = (channel * side + y) * side + column * stride;
                            inputs.extend(from..from + kernel);
                        }
                    }
                    inputs
                };
                corners.map(window).collect()
            }
        }
    }
}

impl Layer {
    /// Rows of weights.
    pub fn channels(&self) -> usize {
        self.bias.len()
    }

    /// Number of units: `[channels, side, side]` of the output.
    pub fn outputs(&self) -> usize {
        self.channels() * self.geometry.output_side().pow(2)
    }

    /// The weights of each channel, `[fan-in]` each.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.weight.chunks_exact(self.geometry.fan_in())
    }
}

impl BaselineNet {
    /// A network of the given layers, input side first.
    ///
    /// # Errors
    /// Fails if the layers do not fit together, or if for some image a value could overflow.
    pub fn new(layers: Vec<Layer>) -> Result<Self, BaselineNetError> {
        let last = layers.last().ok_or(BaselineNetError::NoLayer)?;
        for (index, layer) in layers.iter().enumerate() {
            let (geometry, channels) = (layer.geometry, layer.channels());
            if geometry.inputs() == 0 || layer.outputs() == 0 {
                return Err(BaselineNetError::Empty {
                    layer: index,
                    geometry,
                    channels,
                });
            }
            let (found, expected) = (layer.weight.len(), geometry.fan_in() * channels);
            if found != expected {
                return Err(BaselineNetError::WeightCount {
                    layer: index,
                    expected,
                    found,
                });
            }
        }
        for (index, pair) in layers.windows(2).enumerate() {
            let (outputs, inputs) = (pair[0].outputs(), pair[1].geometry.inputs());
            if inputs != outputs {
                return Err(BaselineNetError::Chain {
                    layer: index + 1,
                    inputs,
                    outputs,
                });
            }
        }
        if !matches!(last.geometry, Geometry::Dense { .. }) || last.channels() < 2 {
            return Err(BaselineNetError::Classes);
        }
        if let Some(layer) = interval::first_overflow(&layers) {
            return Err(BaselineNetError::Overflow { layer });
        }
        Ok(Self { layers })
    }

    /// The layers, input side first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The last layer, and the hidden ones before it.
    pub(super) fn split_last(&self) -> (&Layer, &[Layer]) {
        self.layers.split_last().expect("a network has a layer")
    }

    /// Number of pixels that the network takes.
    pub fn inputs(&self) -> usize {
        self.layers[0].geometry.inputs()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.split_last().0.channels()
    }

    /// The layers in the words of the model file, such as `784-48-10`.
    pub fn architecture(&self) -> String {
        super::architecture::describe(&self.layers)
    }
}
