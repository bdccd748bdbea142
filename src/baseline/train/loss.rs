//! The losses of baseline training.

use burn::Tensor;
use burn::tensor::activation::{log_softmax, relu};

use super::relu_net::ReluNet;

/// Computes the mean cross-entropy of logits `[batch, classes]` for one-hot `targets` of the same shape.
pub(super) fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    (log_softmax(logits, 1) * targets).sum_dim(1).mean().neg()
}

/// Computes the worst-case logits of interval bound propagation when no input moves by more than ε,
/// relative to the label's: upper bounds of `z_j − z_y`, `[batch, classes]`, 0 for the label y itself
/// (Gowal et al., 2018, section 3). `x` is a fraction of full scale 1.0, `targets` is one-hot.
///
/// Beside them come the intervals on the way, for [`regulariser`].
pub(super) fn worst_logits(
    net: &ReluNet,
    x: Tensor<2>,
    targets: Tensor<2>,
    epsilon: f32,
) -> (Tensor<2>, Intervals) {
    let lower = x.clone().sub_scalar(epsilon).clamp_min(0.0);
    let upper = x.add_scalar(epsilon).clamp_max(1.0);
    let (last, hidden) = net.layers.split_last().expect("a network has a layer");
    // Midpoints and half-widths take two matrix products a layer; lower and upper ends would take four.
    let halves = |lower: Tensor<2>, upper: Tensor<2>| {
        let middle = (lower.clone() + upper.clone()).mul_scalar(0.5);
        (middle, (upper - lower).mul_scalar(0.5))
    };
    let (mut middle, mut width) = halves(lower, upper);
    let mut intervals = Intervals {
        of_image: width.clone(),
        of_units: Vec::new(),
    };
    for layer in hidden {
        middle = layer.forward(middle);
        width = layer.reach(width);
        intervals.of_units.push((middle.clone(), width.clone()));
        (middle, width) = halves(relu(middle.clone() - width.clone()), relu(middle + width));
    }
    let logits = last.forward(middle);
    let of_label = (logits.clone() * targets.clone()).sum_dim(1);
    // |w_j − w_y| for every pair of classes, as the rows of one matrix.
    let weight = last.weight.val();
    let [classes, inputs] = weight.dims();
    let pairs = weight.clone().unsqueeze_dim::<3>(1) - weight.unsqueeze_dim::<3>(0);
    let pairs = pairs.abs().reshape([classes * classes, inputs]);
    let widths = width
        .matmul(pairs.transpose())
        .reshape([-1, classes as i32, classes as i32]);
    let width = (widths * targets.unsqueeze_dim::<3>(2))
        .sum_dim(1)
        .squeeze_dim::<2>(1);
    (logits - of_label + width, intervals)
}

/// What interval bound propagation met on its way.
pub(super) struct Intervals {
    /// Half-widths of the pixels, `[batch, pixels]`.
    of_image: Tensor<2>,
    /// Midpoints and half-widths of each hidden layer's units before ReLU, `[batch, units]`.
    of_units: Vec<(Tensor<2>, Tensor<2>)>,
}

/// Computes the regulariser of Shi et al. (2021, section 3.3), `[1]`: how much wider the intervals of the
/// hidden layers' units are, on average, than the image's, and how unevenly the units are above and
/// below 0.
pub(super) fn regulariser(intervals: Intervals) -> Tensor<1> {
    let Intervals { of_image, of_units } = intervals;
    let at_image = of_image.mean();
    let share = 1.0 / (TOLERANCE * of_units.len().max(1) as f32);
    let mut sum = at_image.zeros_like();
    for (middle, width) in of_units {
        let widening = at_image.clone() / width.mean().add_scalar(TINY);
        for ratio in [widening, balance(middle)] {
            // τ − ratio, as far as it is above 0.
            let excess = relu(ratio.neg().add_scalar(TOLERANCE));
            sum = sum + excess.mul_scalar(share);
        }
    }
    sum
}

/// The tolerance τ of the regularisers (Shi et al., 2021, section 4).
const TOLERANCE: f32 = 0.5;
/// Keeps a quotient of widths finite.
const TINY: f32 = 1e-12;

/// The mean of the values above 0 by that of those below, or the other way round where that is less.
fn balance(values: Tensor<2>) -> Tensor<1> {
    let mean = |part: Tensor<2>| {
        let count = part.clone().greater_elem(0.0).float().sum();
        part.sum() / count.clamp_min(1.0)
    };
    let above = mean(relu(values.clone())).add_scalar(TINY);
    let below = mean(relu(values.neg())).add_scalar(TINY);
    (above.clone() / below.clone()).min_pair(below / above)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::train::relu_net::to_vec;
    use crate::baseline::{Geometry, Layer};
    use burn::tensor::Device;

    const EPSILON: f32 = 0.2;
    const LABEL: usize = 1;

    fn dense(inputs: usize, outputs: usize) -> Layer {
        let number = |k: usize| ((k * 37 + 11) % 23) as f32 / 10.0 - 1.1;
        Layer {
            geometry: Geometry::Dense { inputs },
            weight: (0..inputs * outputs).map(number).collect(),
            bias: (0..outputs).map(number).collect(),
        }
    }

    fn image(device: &Device) -> Tensor<2> {
        Tensor::from_data([[0.0, 0.1, 0.5, 0.9, 1.0]], device)
    }

    /// The worst-case logits, and the largest `z_j − z_y` at any corner of the box.
    fn worst_and_corners(layers: &[Layer]) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex();
        let net = ReluNet::new(layers, &device);
        let targets = Tensor::from_data([[0.0, 1.0, 0.0]], &device);
        let x = image(&device);
        let worst = to_vec(worst_logits(&net, x.clone(), targets, EPSILON).0);
        let pixels = to_vec(x);
        let mut highest = vec![f32::NEG_INFINITY; 3];
        for corner in 0..1 << pixels.len() {
            let moved: Vec<f32> = pixels
                .iter()
                .enumerate()
                .map(|(k, pixel)| {
                    let step = if corner >> k & 1 == 1 {
                        EPSILON
                    } else {
                        -EPSILON
                    };
                    (pixel + step).clamp(0.0, 1.0)
                })
                .collect();
            let moved = Tensor::<1>::from_floats(moved.as_slice(), &device).unsqueeze();
            let logits = to_vec(net.forward(moved));
            for (highest, logit) in highest.iter_mut().zip(&logits) {
                *highest = highest.max(logit - logits[LABEL]);
            }
        }
        (worst, highest)
    }

    #[test]
    fn worst_logits_of_one_layer_are_reached_at_a_corner() {
        let (worst, corners) = worst_and_corners(&[dense(5, 3)]);
        for (worst, corner) in worst.iter().zip(&corners) {
            assert!((worst - corner).abs() < 1e-5, "{worst} and {corner}");
        }
    }

    #[test]
    fn worst_logits_are_no_better_than_any_corner() {
        let (worst, corners) = worst_and_corners(&[dense(5, 7), dense(7, 3)]);
        assert_eq!(worst[LABEL], 0.0);
        for class in [0, 2] {
            assert!(worst[class] > corners[class], "{worst:?} and {corners:?}");
        }
    }

    #[test]
    fn the_regulariser_is_zero_where_intervals_keep_their_width_and_values_balance() {
        let device = Device::flex();
        // Two units per input, one its negative: as much above 0 as below, and as wide as the input.
        let pairs = |gain: f32| {
            let mut weight = vec![0.0; 10 * 5];
            for k in 0..5 {
                weight[2 * k * 5 + k] = gain;
                weight[(2 * k + 1) * 5 + k] = -gain;
            }
            Layer {
                geometry: Geometry::Dense { inputs: 5 },
                weight,
                bias: vec![0.0; 10],
            }
        };
        let of = |gain| {
            let net = ReluNet::new(&[pairs(gain), dense(10, 3)], &device);
            let targets = Tensor::from_data([[0.0, 1.0, 0.0]], &device);
            to_vec(regulariser(
                worst_logits(&net, image(&device), targets, EPSILON).1,
            ))[0]
        };
        assert_eq!(of(1.0), 0.0);
        // Four times as wide: (τ − 1/4) / τ.
        assert!((of(4.0) - 0.5).abs() < 1e-5, "{}", of(4.0));
    }
}
