//! The two losses of ℓ∞-dist nets, on logits `[batch, classes]`.
//!
//! With `m_j = z_j − z_y + θ` for `j ≠ y`, an image is certified at ε = θ/2 iff every `m_j < 0`.

use burn::Tensor;
use burn::tensor::activation::{log_softmax, relu};

use crate::norm_dist::Norm;

/// Computes `m_j` for j ≠ y, and 0 for j = y; `targets` is one-hot, `[batch, classes]`.
fn shortfalls(logits: Tensor<2>, targets: Tensor<2>, theta: f32) -> Tensor<2> {
    let of_label = (logits.clone() * targets.clone()).sum_dim(1);
    let others = targets.neg().add_scalar(1.0);
    (logits - of_label).add_scalar(theta) * others
}

/// Hinge loss (Zhang et al., ICML 2021): `mix·mean_b max_j relu(m_j) + (1−mix)·mean relu(m_j)`, the
/// second mean counting all classes. `targets` is one-hot, `[batch, classes]`; `theta` is a difference of
/// logits. Returns a scalar, `[1]`.
pub fn hinge_loss(logits: Tensor<2>, targets: Tensor<2>, theta: f32, mix: f32) -> Tensor<1> {
    let hinge = relu(shortfalls(logits, targets, theta));
    hinge.clone().max_dim(1).mean().mul_scalar(mix) + hinge.mean().mul_scalar(1.0 - mix)
}

/// Mixture loss (Zhang et al., ICLR 2022): `mean_b max_j clamp(m_j/θ, 0, 1) + λ·CE(scale·z, y)`.
/// `targets` is one-hot, `[batch, classes]`; `scale` is a learnable scalar, `[1]`. Returns a scalar,
/// `[1]`.
pub fn mixture_loss(
    logits: Tensor<2>,
    targets: Tensor<2>,
    scale: Tensor<1>,
    theta: f32,
    lambda: f32,
) -> Tensor<1> {
    let clipped = shortfalls(logits.clone(), targets.clone(), theta)
        .div_scalar(theta)
        .clamp(0.0, 1.0);
    let cross_entropy = (log_softmax(logits * scale.unsqueeze(), 1) * targets)
        .sum_dim(1)
        .mean()
        .neg();
    clipped.max_dim(1).mean() + cross_entropy.mul_scalar(lambda)
}

/// Takes one step of the ℓp weight decay of ICML 2021 on the rows of a weight matrix
/// `[outputs, inputs]`:
/// `w_i −= rate·(|w_i|/‖w‖_p)^{p−2}·w_i`, where `rate` is learning rate times strength. At p = ∞
/// only the largest weight of each row decays. p is at least 2.
pub fn lp_weight_decay(weight: Tensor<2>, norm: Norm, rate: f32) -> Tensor<2> {
    let sizes = weight.clone().abs();
    let largest = sizes.clone().max_dim(1).clamp_min(f32::MIN_POSITIVE);
    let share = match norm {
        Norm::Inf => sizes.greater_equal(largest).float(),
        Norm::P(p) => {
            let relative = sizes / largest;
            let length = relative
                .clone()
                .powf_scalar(p)
                .sum_dim(1)
                .powf_scalar(1.0 / p);
            // The largest weight contributes 1, so only a row of zeros is below 1.
            let length = length.clamp_min(1.0);
            (relative / length).powf_scalar(p - 2.0)
        }
    };
    weight.clone() - weight * share.mul_scalar(rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::to_vec;
    use burn::tensor::Device;

    fn logits(device: &Device) -> Tensor<2> {
        Tensor::from_data([[2.0, 1.0, -1.0], [0.0, 0.5, 3.0]], device)
    }

    fn targets(device: &Device) -> Tensor<2> {
        Tensor::from_data([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], device)
    }

    #[test]
    fn golden_hinge() {
        let device = Device::flex();
        // θ = 2: m is (1, −1) for the first image and (1.5, 4.5) for the second.
        let loss = to_vec(hinge_loss(logits(&device), targets(&device), 2.0, 0.75))[0];
        assert!((loss - (0.75 * (1.0 + 4.5) / 2.0 + 0.25 * 7.0 / 6.0)).abs() < 1e-6);
    }

    #[test]
    fn golden_mixture() {
        let device = Device::flex();
        let scale = Tensor::from_data([2.0], &device);
        let loss = to_vec(mixture_loss(
            logits(&device),
            targets(&device),
            scale,
            2.0,
            0.1,
        ))[0];
        let cross_entropy = |z: [f64; 3], y: usize| {
            z.iter().map(|v| (2.0 * v).exp()).sum::<f64>().ln() - 2.0 * z[y]
        };
        let expected = (0.5 + 1.0) / 2.0
            + 0.1 * (cross_entropy([2.0, 1.0, -1.0], 0) + cross_entropy([0.0, 0.5, 3.0], 1)) / 2.0;
        assert!((f64::from(loss) - expected).abs() < 1e-6);
    }

    #[test]
    fn weight_decay_pulls_at_the_large_weights_only() {
        let device = Device::flex();
        let weight = Tensor::<2>::from_data([[3.0, -4.0, 0.0], [0.0, 0.0, 0.0]], &device);
        let decayed = to_vec(lp_weight_decay(weight.clone(), Norm::P(4.0), 0.1));
        let length = (81.0f32 + 256.0).powf(0.25);
        let expected = [
            3.0 - 0.1 * (3.0 / length).powi(2) * 3.0,
            -4.0 + 0.1 * (4.0 / length).powi(2) * 4.0,
            0.0,
            0.0,
            0.0,
            0.0,
        ];
        assert!(
            decayed
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-5),
            "{decayed:?}"
        );
        assert_eq!(
            to_vec(lp_weight_decay(weight, Norm::Inf, 0.1)),
            [3.0, -3.6, 0.0, 0.0, 0.0, 0.0]
        );
    }
}
