//! Random perturbations: uniform in the ball, and its corners.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::perturbation::Record;
use super::{Ball, Classifier};

/// Perturbations that are evaluated together.
const BATCH: usize = 32;

/// Evaluates one batch of random images: alternately corners, where every pixel moves as far as it may,
/// and images uniform on the grid.
pub(super) fn step(
    classifier: &mut impl Classifier,
    ball: &Ball,
    rng: &mut ChaCha8Rng,
    record: &mut Record,
) {
    let inputs: Vec<_> = (0..BATCH)
        .flat_map(|index| {
            if index % 2 == 0 {
                corner(ball, rng)
            } else {
                uniform(ball, rng)
            }
        })
        .collect();
    let logits = classifier.logits(&inputs);
    record.steps += 1;
    record.count_all(ball, &inputs, &logits);
}

/// Every pixel at one of its two ends.
pub(super) fn corner(ball: &Ball, rng: &mut ChaCha8Rng) -> Vec<i32> {
    (0..ball.pixels())
        .map(|pixel| ball.end(pixel, rng.random()))
        .collect()
}

/// Every pixel anywhere between its ends.
pub(super) fn uniform(ball: &Ball, rng: &mut ChaCha8Rng) -> Vec<i32> {
    (0..ball.pixels())
        .map(|pixel| {
            let (lower, upper) = (ball.lower(pixel), ball.upper(pixel));
            lower + ball.step() * rng.random_range(0..=(upper - lower) / ball.step())
        })
        .collect()
}
