//! Attacks along the sign of a gradient: FGSM (Goodfellow, Shlens, Szegedy, ICLR 2015) and PGD
//! (Madry, Makelov, Schmidt, Tsipras, Vladu, ICLR 2018).
//!
//! The loss is the margin itself. An ℓ∞-dist net's own gradient has one pixel per logit in each member,
//! so the starts of a round use different surrogate gradients. They also differ in where they begin and
//! which runner-up they aim at.

use std::sync::Arc;

use super::Ball;
use super::classifier::{Surrogate, runner_up_of};
use super::method::{Context, Method, Round};
use super::random::uniform;

/// The surrogate gradients that take turns.
const SURROGATES: [Surrogate; 5] = [
    Surrogate::P(64),
    Surrogate::P(16),
    Surrogate::P(256),
    Surrogate::P(1024),
    Surrogate::Exact,
];

/// FGSM.
#[derive(Clone, Copy, Debug)]
pub struct Fgsm;

impl Method for Fgsm {
    fn name(&self) -> &'static str {
        "fgsm"
    }

    fn title(&self) -> &'static str {
        "FGSM"
    }

    fn summary(&self) -> &'static str {
        "one step along the sign of the gradient"
    }

    fn repeats(&self) -> bool {
        false
    }

    fn begin(&self, _context: &mut Context<'_>, _round: u64) -> Box<dyn Round> {
        Box::new(FgsmRound)
    }
}

#[derive(Debug)]
struct FgsmRound;

impl Round for FgsmRound {
    /// Takes one full step along the sign of the gradient at the image itself: towards every other
    /// class, the strongest first, with every surrogate gradient.
    fn step(&mut self, context: &mut Context<'_>) -> bool {
        let (ball, label) = (context.ball, context.label());
        let logits = context.classifier.logits(ball.centre());
        let aims = ranking(logits, label).into_iter();
        let (runners_up, surrogates): (Vec<_>, Vec<_>) = aims
            .flat_map(|runner_up| SURROGATES.map(|surrogate| (Some(runner_up), surrogate)))
            .unzip();
        let mut inputs = ball.centre().repeat(runners_up.len());
        let answer = context
            .classifier
            .gradients(&inputs, label, &runners_up, &surrogates);
        let (_, gradients) = answer;
        descend(ball, &mut inputs, &gradients, ball.radius().signed());
        context.count_step();
        context.query(&inputs);
        false
    }
}

/// PGD.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pgd {
    /// Steps of each start.
    pub steps: u32,
    /// Starts of a round; the first is the image itself, the others are uniform in the ball.
    pub restarts: u32,
    /// Step size as a share of the radius.
    pub step_size: f32,
}

impl Default for Pgd {
    fn default() -> Self {
        Self {
            steps: 100,
            restarts: 10,
            step_size: 0.025,
        }
    }
}

impl Method for Pgd {
    fn name(&self) -> &'static str {
        "pgd"
    }

    fn title(&self) -> &'static str {
        "PGD"
    }

    fn summary(&self) -> &'static str {
        "many steps along the sign of the gradient, each projected back into ε"
    }

    fn shortened(&self) -> Option<Arc<dyn Method>> {
        Some(Arc::new(Self {
            steps: 20,
            restarts: 10,
            step_size: 0.125,
        }))
    }

    /// The first start of the first round descends from the image itself, away from its label; others
    /// aim at a class, the strongest runners-up first.
    fn begin(&self, context: &mut Context<'_>, round: u64) -> Box<dyn Round> {
        let (ball, label) = (context.ball, context.label());
        let restarts = self.restarts as usize;
        let ranking = ranking(context.classifier.logits(ball.centre()), label);
        let start = |index| {
            if index == 0 && round == 0 {
                ball.centre().to_vec()
            } else {
                uniform(ball, context.rng)
            }
        };
        Box::new(PgdRound {
            pgd: *self,
            inputs: (0..restarts).flat_map(start).collect(),
            runners_up: (0..restarts)
                .map(|index| (index % 2 == 1).then(|| ranking[index / 2 % ranking.len()]))
                .collect(),
            surrogates: (0..restarts)
                .map(|index| SURROGATES[index / 2 % SURROGATES.len()])
                .collect(),
            steps: 0,
        })
    }
}

/// All starts of a round, which move together.
#[derive(Debug)]
struct PgdRound {
    pgd: Pgd,
    inputs: Vec<i32>,
    runners_up: Vec<Option<usize>>,
    surrogates: Vec<Surrogate>,
    steps: u32,
}

impl Round for PgdRound {
    /// Evaluates every start, then moves it.
    fn step(&mut self, context: &mut Context<'_>) -> bool {
        let ball = context.ball;
        if self.steps == self.pgd.steps {
            context.query(&self.inputs);
            return false;
        }
        let gradients = context.query_gradients(&self.inputs, &self.runners_up, &self.surrogates);
        let size = self.pgd.step_size * ball.radius().get() as f32 / ball.step() as f32;
        let size = (size.round() as i32).max(1) * ball.step();
        descend(ball, &mut self.inputs, &gradients, size);
        self.steps += 1;
        context.count_step();
        true
    }
}

/// The classes but `label`, the strongest first.
fn ranking(mut logits: Vec<f64>, label: usize) -> Vec<usize> {
    let classes = logits.len();
    let mut next = || {
        let runner_up = runner_up_of(&logits, label);
        logits[runner_up] = f64::NEG_INFINITY;
        runner_up
    };
    (1..classes).map(|_| next()).collect()
}

/// Moves every pixel by `size` ticks against the sign of its gradient, within the ball.
fn descend(ball: &Ball, inputs: &mut [i32], gradients: &[f32], size: i32) {
    let images = inputs.chunks_mut(ball.pixels());
    for (input, gradient) in images.zip(gradients.chunks(ball.pixels())) {
        for (pixel, (value, &slope)) in input.iter_mut().zip(gradient).enumerate() {
            if slope > 0.0 {
                *value = ball.clamp(pixel, *value - size);
            } else if slope < 0.0 {
                *value = ball.clamp(pixel, *value + size);
            }
        }
    }
}
