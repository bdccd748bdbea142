//! Bounds the values that the f32 evaluation of a [`BaselineNet`](super::BaselineNet) computes over a box.
//!
//! Interval bound propagation (Gowal et al., 2018) bounds the real-valued function. The evaluation
//! rounds, so it computes another function, about which those bounds prove nothing. Every interval
//! here is therefore widened until it holds the *computed* value, whatever the order of summation.
//!
//! # The bound
//!
//! A unit computes `Σ wᵢxᵢ + b` from n floats `xᵢ` in n products and n additions, in some order,
//! with or without fused multiply-adds, in blocks or not. Every operation rounds to nearest: its
//! result is the exact one times 1 + δ, |δ| ≤ u = 2⁻²⁴, and a product that falls below the normal
//! range is off by at most 2⁻¹⁵⁰ more. (Sums there are exact, and so is adding to 0, where
//! accumulators start.) Whatever the order, a term meets at most its product and n additions, so
//! by Higham (*Accuracy and Stability of Numerical Algorithms*, 2nd ed., lemma 3.1 and section 4.2)
//!
//! ```text
//! |computed − exact| ≤ γ · (Σ|wᵢxᵢ| + |b|) + n · 2⁻¹⁴⁹,    γ = (n+1)u / (1 − (n+1)u)
//! ```
//!
//! where the last term has room for the growth of the 2⁻¹⁵⁰ on their way. ReLU rounds nothing. By
//! induction over the layers, intervals that are widened by this bound, taken at the largest |xᵢ|
//! of the box, hold every value that the evaluation computes for any f32 input in the box.
//!
//! The bounds are computed in f64. Their own rounding is below `γ₆₄ · (Σ|wᵢxᵢ| + |b|)`, where γ₆₄
//! has a u of 2⁻⁵³ and a few more operations than γ; widening γ by the factor 1 + 2⁻²⁰ makes room
//! for that several times over.
//!
//! No partial sum exceeds `(1 + γ)(Σ|wᵢxᵢ| + |b|)`: where the magnitude in brackets stays below
//! half of the largest f32, nothing overflows. That is checked once, for the box of all images.

use super::Layer;
use crate::exact::{Levels, MAX_LEVEL, Ticks};

/// Intervals of values that are not negative, as pixels and units after ReLU are.
#[derive(Clone, Debug)]
pub(super) struct Intervals {
    lower: Vec<f64>,
    upper: Vec<f64>,
}

/// What a sum of products can be over a box.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    /// Bounds of the exact sum, as far as f64 computes them; see [`Sum::error`].
    pub lower: f64,
    /// The upper one.
    pub upper: f64,
    /// `Σ|wᵢ|·upperᵢ + |b|`.
    magnitude: f64,
    products: usize,
}

/// Unit roundoff of f32.
const ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;
/// Smallest positive f32, 2⁻¹⁴⁹.
const SMALLEST: f64 = f32::from_bits(1) as f64;
/// Room for the rounding of the bounds themselves.
const WIDEN: f64 = 1.0 + 1.0 / (1 << 20) as f64;

impl Intervals {
    /// All pixels within `radius` of `levels` and within 0 to 255.
    pub fn around(levels: impl Iterator<Item = f64>, radius: Levels) -> Self {
        let (radius, limit) = (radius.get(), f64::from(MAX_LEVEL));
        let ends = levels.map(|level| ((level - radius).max(0.0), (level + radius).min(limit)));
        let (lower, upper) = ends.unzip();
        Self { lower, upper }
    }

    /// The computed values of a layer's units after ReLU.
    pub fn through(&self, layer: &Layer) -> Self {
        let ends = self.sums(layer).into_iter().map(|sum| {
            let [lower, upper] = sum.computed();
            (lower.max(0.0), upper.max(0.0))
        });
        let (lower, upper) = ends.unzip();
        Self { lower, upper }
    }

    /// The sums of a layer's units, `[channels, side, side]`.
    pub fn sums(&self, layer: &Layer) -> Vec<Sum> {
        let windows = layer.geometry.windows();
        let mut sums = vec![Sum::default(); layer.outputs()];
        for (place, window) in windows.iter().enumerate() {
            let seen = Self {
                lower: window.iter().map(|&input| self.lower[input]).collect(),
                upper: window.iter().map(|&input| self.upper[input]).collect(),
            };
            let rows = layer.rows().zip(&layer.bias);
            for (channel, (row, &bias)) in rows.enumerate() {
                let weights = row.iter().map(|&weight| f64::from(weight));
                sums[channel * windows.len() + place] = seen.sum(weights, bias.into());
            }
        }
        sums
    }

    /// `Σ wᵢxᵢ + b` over the box.
    pub fn sum(&self, weights: impl Iterator<Item = f64>, bias: f64) -> Sum {
        // Products with the lower and with the upper ends, of positive and of negative weights.
        let (mut positive, mut negative) = ([0.0; 2], [0.0; 2]);
        for ((weight, lower), upper) in weights.zip(&self.lower).zip(&self.upper) {
            let (above, below) = (weight.max(0.0), weight.min(0.0));
            positive[0] += above * lower;
            positive[1] += above * upper;
            negative[0] += below * lower;
            negative[1] += below * upper;
        }
        Sum {
            lower: positive[0] + negative[1] + bias,
            upper: positive[1] + negative[0] + bias,
            magnitude: positive[1] - negative[1] + bias.abs(),
            products: self.lower.len(),
        }
    }
}

impl Sum {
    /// How far the value that f32 computes can be from the exact one anywhere in the box, with
    /// room for the rounding of `lower` and `upper`.
    pub fn error(&self) -> f64 {
        let n = self.products as f64;
        let roundings = (n + 1.0) * ROUNDOFF;
        if roundings >= 1.0 {
            return f64::INFINITY;
        }
        let gamma = roundings / (1.0 - roundings);
        WIDEN * (gamma * self.magnitude + n * SMALLEST)
    }

    /// Bounds of the value that f32 computes.
    pub fn computed(&self) -> [f64; 2] {
        let error = self.error();
        [self.lower - error, self.upper + error]
    }
}

/// The first layer in which a value could leave the range of f32 for some image, if there is one.
pub(super) fn first_overflow(layers: &[Layer]) -> Option<usize> {
    let limit = f64::from(f32::MAX) / 2.0;
    let pixels = layers.first()?.geometry.inputs();
    let everywhere = std::iter::repeat_n(0.0, pixels);
    let full_scale = Ticks::new(MAX_LEVEL.unsigned_abs()).levels(1);
    let mut domain = Intervals::around(everywhere, full_scale);
    for (index, layer) in layers.iter().enumerate() {
        let fits = |sum: Sum| sum.magnitude <= limit && sum.error() <= limit;
        // A weight that is no number has no place in an interval; its magnitude would hide in `max`.
        let finite = layer.weight.iter().all(|weight| weight.is_finite());
        if !finite || !domain.sums(layer).into_iter().all(fits) {
            return Some(index);
        }
        domain = domain.through(layer);
    }
    None
}
