//! Chooses the kind of kernel for a pass at a p of the middle range, from a sample of its pairs.

use super::forward::{FORWARD_CHUNKS, NEGLIGIBLE_FORWARD, PLAIN_FORWARD};
use super::rows::CHUNK;
use crate::norm_dist::Sizes;
use crate::norm_dist::power::{LAST_MIDDLE_HALF, quick_half};

/// Up to this half of p, both passes take plain powers where more than [`DENSE`] of the groups count.
pub(super) const PLAIN_MOST: u32 = LAST_MIDDLE_HALF;
pub(super) const DENSE: f32 = 0.5;
/// Up to this p-th power of the largest differences (as a power of two), the forward pass scales
/// nothing, which saves a copy of all weights.
const UNSCALED: f32 = 90.0;
/// The largest scale (as a power of two). A larger one could take inputs out of range.
const MOST_SCALED: f32 = 40.0;
/// Pairs of rows in the sample.
const SAMPLES: usize = 32;

/// Returns the power of two to scale both matrices by if the forward pass takes plain powers at a p
/// of the middle range; None if it does not. The scale brings the p-th powers of the largest
/// differences into the middle of f32's range.
pub(super) fn dense_scale(x: &[f32], w: &[f32], sizes: Sizes, p: f32) -> Option<f32> {
    let half = quick_half(p)?;
    if !(PLAIN_FORWARD + 1..=PLAIN_MOST).contains(&half) {
        return None;
    }
    if sizes.batch == 0 || sizes.outputs == 0 {
        return None;
    }
    let columns = FORWARD_CHUNKS * CHUNK;
    let sample = Sample::new(x, w, sizes, columns, (NEGLIGIBLE_FORWARD / p).exp2());
    let exponent = sample.largest.log2();
    if sample.active <= DENSE {
        None
    } else if exponent.abs() * p <= UNSCALED {
        Some(1.0)
    } else {
        unit_scale(exponent.round())
    }
}

/// Returns the factor that brings numbers near 2^exponent to about 1, unless it is too extreme.
pub(super) fn unit_scale(exponent: f32) -> Option<f32> {
    (exponent.abs() <= MOST_SCALED).then(|| (-exponent).exp2())
}

/// Statistics of a few pairs of rows, as an estimate for all of them.
pub(super) struct Sample {
    /// The mean of their largest differences.
    pub(super) largest: f32,
    /// The share of the groups of columns that have a difference that counts.
    pub(super) active: f32,
}

impl Sample {
    /// Takes the sample. A difference counts from `smallest` times the largest of its pair. There must
    /// be a pair.
    pub(super) fn new(x: &[f32], w: &[f32], sizes: Sizes, columns: usize, smallest: f32) -> Self {
        let Sizes {
            batch,
            outputs,
            inputs,
        } = sizes;
        let groups = inputs.div_ceil(columns);
        let mut largest_of = vec![0.0f32; groups];
        let (mut sum, mut active) = (0.0, 0);
        for k in 0..SAMPLES {
            let (b, o) = (k * batch / SAMPLES, k * 7 % SAMPLES * outputs / SAMPLES);
            let x = x[b * inputs..][..inputs].chunks(columns);
            let w = w[o * inputs..][..inputs].chunks(columns);
            for ((largest, x), w) in largest_of.iter_mut().zip(x).zip(w) {
                let differences = x.iter().zip(w).map(|(x, w)| (x - w).abs());
                *largest = differences.fold(0.0, f32::max);
            }
            let largest = largest_of.iter().copied().fold(0.0, f32::max);
            let counts = |of_group: &&f32| **of_group >= smallest * largest;
            active += largest_of.iter().filter(counts).count();
            sum += largest;
        }
        Self {
            largest: sum / SAMPLES as f32,
            active: active as f32 / (SAMPLES * groups) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::norm_dist::{Norm, cpu};

    const SIZES: Sizes = Sizes {
        batch: 3,
        outputs: 40,
        inputs: 500,
    };

    /// Numbers spread over [−scale, scale].
    fn wave(count: usize, step: usize, scale: f32) -> Vec<f32> {
        let number = |k: usize| (k * step % 10_007) as f32 / 5_003.0 - 1.0;
        (0..count).map(|k| scale * number(k)).collect()
    }

    #[test]
    fn plain_powers_are_taken_at_larger_p_only_where_most_columns_count() {
        let x = wave(SIZES.batch * SIZES.inputs, 7919, 100.0);
        let mut w = wave(SIZES.outputs * SIZES.inputs, 6007, 100.0);
        let scale = |w: &[f32], p| dense_scale(&x, w, SIZES, p);
        // Differences up to 200, whose 26th power is beyond f32.
        assert_eq!(scale(&w, 26.0), Some((-8f32).exp2()));
        for p in [18.0, 27.0, 82.0] {
            assert_eq!(scale(&w, p), None);
        }
        // One column is far above all others.
        for row in w.chunks_exact_mut(SIZES.inputs) {
            row[17] = 1000.0;
        }
        assert_eq!(scale(&w, 26.0), None);
    }

    #[test]
    fn equal_rows_are_not_scaled() {
        let rows = [1.5; 3 * 500];
        let w = [1.5; 40 * 500];
        assert_eq!(dense_scale(&rows, &w, SIZES, 26.0), None);
        let u = cpu::forward(&rows, &w, SIZES, Norm::P(26.0));
        assert_eq!(u, [0.0; 3 * 40]);
    }
}
