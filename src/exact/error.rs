//! Errors of networks and of their inputs.

use thiserror::Error;

/// Why a set of integer weights is not a network that can be run exactly.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NetError {
    /// The scale S is not a power of two from 2 to 4096.
    #[error("scale {0} is not a power of two from 2 to 4096; 32 is ample")]
    Scale(u32),
    /// There is no layer.
    #[error("the net has no layer; it needs at least the last one")]
    NoLayer,
    /// A layer has no input, no output, or more inputs than a 16-bit index can name.
    #[error("layer {layer} is {inputs} → {outputs}; both widths must be from 1 to 65536")]
    Width {
        /// Index of the layer, from 0.
        layer: usize,
        /// Its inputs.
        inputs: usize,
        /// Its outputs.
        outputs: usize,
    },
    /// A layer has more weights than can be counted everywhere.
    #[error("layer {layer} is {inputs} → {outputs}, which is more than 2^31 weights")]
    Layer {
        /// Index of the layer, from 0.
        layer: usize,
        /// Its inputs.
        inputs: usize,
        /// Its outputs.
        outputs: usize,
    },
    /// Consecutive layers do not fit together.
    #[error("layer {layer} takes {inputs} inputs, but the layer before it has {outputs} outputs")]
    Chain {
        /// Index of the layer, from 0.
        layer: usize,
        /// Inputs of that layer.
        inputs: usize,
        /// Outputs of the layer before it.
        outputs: usize,
    },
    /// A layer's weights do not fill its shape.
    #[error("layer {layer} should have {expected} weights, but has {found}")]
    WeightCount {
        /// Index of the layer, from 0.
        layer: usize,
        /// Number of weights its shape asks for.
        expected: usize,
        /// Number of weights given.
        found: usize,
    },
    /// A layer's row starts, columns and weights do not fit together.
    #[error(
        "row {unit} of layer {layer} is malformed: {problem}; \
         a row lists at least one weight, columns ascending and below the number of inputs"
    )]
    Row {
        /// Index of the layer, from 0.
        layer: usize,
        /// Index of the unit, from 0.
        unit: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The bias does not have one value per unit.
    #[error("the bias has {found} values, but the last layer has {units} units")]
    BiasCount {
        /// Values given.
        found: usize,
        /// Units of the last layer.
        units: usize,
    },
    /// There are fewer than two classes.
    #[error("the last layer has {0} unit for the classes; a classifier needs at least two")]
    Classes(usize),
    /// The last layer's units do not divide evenly among the members.
    #[error("the last layer has {units} units, which do not divide evenly among {members} members")]
    Members {
        /// Units of the last layer.
        units: usize,
        /// Members asked for.
        members: usize,
    },
    /// Some 8-bit image could drive a value beyond the range of the integers.
    #[error(
        "layer {layer} can reach {magnitude} ticks for some image, beyond the limit of 2^30; \
         use a smaller scale or smaller weights"
    )]
    Overflow {
        /// Index of the layer, from 0.
        layer: usize,
        /// The magnitude that can be reached, in ticks.
        magnitude: i64,
    },
}

/// Why an image cannot be given to a network.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InputError {
    /// The number of pixels differs from the network's inputs.
    #[error("the image has {found} pixels, but the network takes {expected}")]
    Pixels {
        /// Pixels given.
        found: usize,
        /// Inputs of the network.
        expected: usize,
    },
    /// The bytes are no whole number of images.
    #[error("{bytes} bytes are not a whole number of images of {pixels} pixels")]
    Images {
        /// Bytes given.
        bytes: usize,
        /// Inputs of the network.
        pixels: usize,
    },
    /// There is nothing to measure on.
    #[error("there are no images to measure on")]
    NoImages,
    /// The numbers of images and labels differ.
    #[error("there are {images} images, but {labels} labels")]
    Labels {
        /// Images given.
        images: usize,
        /// Labels given.
        labels: usize,
    },
    /// A pixel lies outside the domain, 0 to 255·S.
    #[error("pixel {pixel} is {value} ticks, outside 0 to {limit}")]
    Domain {
        /// Index of the pixel.
        pixel: usize,
        /// Its value in ticks.
        value: i32,
        /// 255·S.
        limit: i32,
    },
}
