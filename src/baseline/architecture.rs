//! The layers of a baseline in words: `784-conv8k4s2-64-10` is 784 pixels, a convolution
//! of 8 channels with squares of 4×4, 2 pixels from one to the next, then 64 and 10 dense units.

use super::{Geometry, Layer};
use crate::exact::io::entries::plain_number;

/// The layers in words.
pub(super) fn describe(layers: &[Layer]) -> String {
    let pixels = layers.first().map(|layer| layer.geometry.inputs());
    let mut words = pixels.unwrap_or_default().to_string();
    for layer in layers {
        let channels = layer.channels();
        words += &match layer.geometry {
            Geometry::Dense { .. } => format!("-{channels}"),
            Geometry::Conv { kernel, stride, .. } => format!("-conv{channels}k{kernel}s{stride}"),
        };
    }
    words
}

/// Geometry and channels of each layer that the words describe; none if they describe none.
pub(super) fn parse(words: &str) -> Option<Vec<(Geometry, usize)>> {
    let mut words = words.split('-');
    // The output of the layer before: channels of square images.
    let pixels = plain_number(words.next()?)?;
    if pixels > LARGEST_LAYER {
        return None;
    }
    let (mut channels, mut side) = square(pixels);
    let mut layers = Vec::new();
    for word in words {
        let (geometry, outputs) = match word.strip_prefix("conv") {
            None => {
                let inputs = side.checked_mul(side)?.checked_mul(channels)?;
                (Geometry::Dense { inputs }, plain_number(word)?)
            }
            Some(word) => {
                let (outputs, word) = word.split_once('k')?;
                let (kernel, stride) = word.split_once('s')?;
                let (kernel, stride) = (plain_number(kernel)?, plain_number(stride)?);
                if !(1..=side).contains(&kernel) || stride == 0 {
                    return None;
                }
                let geometry = Geometry::Conv {
                    channels,
                    side,
                    kernel,
                    stride,
                };
                // Evaluating bounds takes a list of the inputs that each place sees.
                let places = geometry.output_side().checked_pow(2)?;
                if places.checked_mul(geometry.fan_in())? > MOST_SEEN {
                    return None;
                }
                (geometry, plain_number(outputs)?)
            }
        };
        layers.push((geometry, outputs));
        (channels, side) = (outputs, geometry.output_side());
        // Nothing of this size is ever read; sums and products of sizes stay far from overflow, and
        // what a few words ask for in memory within bounds.
        if channels > LARGEST || side > LARGEST || channels * side * side > LARGEST_LAYER {
            return None;
        }
    }
    Some(layers)
}

/// Inputs, counted once for each place that sees them, beyond which no convolution is.
const MOST_SEEN: usize = 1 << 22;
/// Channels or rows beyond which no file is.
const LARGEST: usize = 1 << 16;
/// Pixels or units of a layer beyond which no file is.
const LARGEST_LAYER: usize = 1 << 20;

/// So many pixels as one square image, or as that many channels of one pixel.
fn square(pixels: usize) -> (usize, usize) {
    let side = pixels.isqrt();
    match side * side == pixels {
        true => (1, side),
        false => (pixels, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_convolution_give_its_geometry() {
        let layers = parse("784-conv8k4s2-64-10").unwrap();
        let conv = Geometry::Conv {
            channels: 1,
            side: 28,
            kernel: 4,
            stride: 2,
        };
        let dense = |inputs| Geometry::Dense { inputs };
        assert_eq!(
            layers,
            [(conv, 8), (dense(8 * 13 * 13), 64), (dense(64), 10)]
        );
    }

    #[test]
    fn other_words_describe_nothing() {
        for words in [
            "",
            "x-10",
            "784-",
            "784-conv8",
            "784-conv8k4",
            "784-99999999",
            "4294967296-conv1k1s65536-10",
            "784-conv65536k1s1-10",
            // A small file whose bounds would take gigabytes.
            "1048576-conv1k512s1-10",
            "784-conv8k0s1-10",
            "784-conv8k4s0-10",
            "784-conv8k29s1-10",
            "+784-10",
            "784-010",
            "784-conv8k+4s2-10",
        ] {
            assert_eq!(parse(words), None, "{words}");
        }
    }
}
