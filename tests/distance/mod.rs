//! What the tests of the distance's kernels, on the CPU and on the GPU, compute and compare with.

use linf_dist_net::norm_dist::Sizes;
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// One distance computation, with the gradient that comes in.
pub struct Case {
    pub x: Vec<f32>,
    pub w: Vec<f32>,
    pub grad: Vec<f32>,
    pub sizes: Sizes,
}

impl Case {
    /// Random numbers, those of `x` and `w` up to `scale`.
    pub fn new([batch, outputs, inputs]: [usize; 3], scale: f32, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut numbers = |count: usize, scale: f32| -> Vec<f32> {
            (0..count)
                .map(|_| rng.random_range(-scale..scale))
                .collect()
        };
        Self {
            x: numbers(batch * inputs, scale),
            w: numbers(outputs * inputs, scale),
            grad: numbers(batch * outputs, 1.0),
            sizes: Sizes {
                batch,
                outputs,
                inputs,
            },
        }
    }
}

/// Every number within `relative` of what it should be, and `absolute` beside that.
#[track_caller]
pub fn assert_close(what: &str, got: &[f32], want: &[f64], relative: f64, absolute: f64) {
    assert_eq!(got.len(), want.len());
    for (k, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(
            error <= relative * want.abs() + absolute,
            "{what}: element {k} is {got}, should be {want}"
        );
    }
}
