//! Random perturbations: uniform in the ball, and its corners.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Ball;
use super::method::{Context, Method, Round};

/// Perturbations that are evaluated together.
const BATCH: usize = 32;

/// Steps of a round.
const STEPS: u32 = 32;

/// Random images: alternately corners, where every pixel moves as far as it may, and images uniform on
/// the grid.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Method for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn title(&self) -> &'static str {
        "Random"
    }

    fn summary(&self) -> &'static str {
        "random images within ε"
    }

    fn rounds(&self) -> u64 {
        4
    }

    fn endless(&self) -> bool {
        true
    }

    fn begin(&self, _context: &mut Context<'_>, _round: u64) -> Box<dyn Round> {
        Box::new(RandomRound { steps: 0 })
    }
}

#[derive(Debug)]
struct RandomRound {
    steps: u32,
}

impl Round for RandomRound {
    /// Evaluates one batch.
    fn step(&mut self, context: &mut Context<'_>) -> bool {
        let (ball, rng) = (context.ball, &mut *context.rng);
        let inputs: Vec<_> = (0..BATCH)
            .flat_map(|index| {
                if index % 2 == 0 {
                    corner(ball, rng)
                } else {
                    uniform(ball, rng)
                }
            })
            .collect();
        context.count_step();
        context.query(&inputs);
        self.steps += 1;
        self.steps < STEPS
    }
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
