//! What training minimises.

use burn::Tensor;
use burn::tensor::activation::{log_softmax, relu};

use crate::ordinary::ReluNet;

/// Mean cross-entropy of logits `[batch, classes]` for one-hot `targets` of the same shape.
pub(super) fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    (log_softmax(logits, 1) * targets).sum_dim(1).mean().neg()
}

/// The worst logits that intervals allow when no input moves by more than ε, less the label's own:
/// upper bounds of `z_j − z_y`, `[batch, classes]`, 0 for the label y itself (Gowal et al., 2018,
/// section 3). `x` is of full scale 1.0, `targets` one-hot.
pub(super) fn worst_logits(
    net: &ReluNet,
    x: Tensor<2>,
    targets: Tensor<2>,
    epsilon: f32,
) -> Tensor<2> {
    let lower = x.clone().sub_scalar(epsilon).clamp_min(0.0);
    let upper = x.add_scalar(epsilon).clamp_max(1.0);
    let (last, hidden) = net.layers.split_last().expect("a network has a layer");
    // Midpoints and half-widths take two products a layer where ends would take four.
    let halves = |lower: Tensor<2>, upper: Tensor<2>| {
        let middle = (lower.clone() + upper.clone()).mul_scalar(0.5);
        (middle, (upper - lower).mul_scalar(0.5))
    };
    let (middle, width) = hidden
        .iter()
        .fold(halves(lower, upper), |(middle, width), layer| {
            let middle = layer.forward(middle);
            let width = layer.reach(width);
            halves(relu(middle.clone() - width.clone()), relu(middle + width))
        });
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
    logits - of_label + width
}
