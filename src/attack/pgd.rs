//! Attacks along the sign of a gradient: FGSM (Goodfellow, Shlens, Szegedy, ICLR 2015) and PGD
//! (Madry, Makelov, Schmidt, Tsipras, Vladu, ICLR 2018).
//!
//! The loss is the margin itself. An ℓ∞-dist net's own gradient has one pixel per logit in each member,
//! so the starts of a round use different surrogate gradients. They also differ in where they begin and
//! which runner-up they aim at.

use rand_chacha::ChaCha8Rng;

use super::classifier::{Surrogate, runner_up_of};
use super::perturbation::Record;
use super::random::uniform;
use super::{Ball, Classifier};

/// The surrogate gradients that take turns.
const SURROGATES: [Surrogate; 5] = [
    Surrogate::P(64),
    Surrogate::P(16),
    Surrogate::P(256),
    Surrogate::P(1024),
    Surrogate::Exact,
];

/// Settings of PGD.
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

/// Takes one full step along the sign of the gradient at the image itself: towards every other class,
/// the strongest first, with every surrogate gradient.
pub(super) fn fgsm(classifier: &mut impl Classifier, ball: &Ball, record: &mut Record) {
    let logits = classifier.logits(ball.centre());
    let aims = ranking(logits, record.label).into_iter();
    let (runners_up, surrogates): (Vec<_>, Vec<_>) = aims
        .flat_map(|runner_up| SURROGATES.map(|surrogate| (Some(runner_up), surrogate)))
        .unzip();
    let starts = ball.centre().repeat(runners_up.len());
    let (_, gradients) = classifier.gradients(&starts, record.label, &runners_up, &surrogates);
    let mut inputs = starts;
    descend(ball, &mut inputs, &gradients, ball.radius().signed());
    let logits = classifier.logits(&inputs);
    record.steps += 1;
    record.count_all(ball, &inputs, &logits);
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

/// One round of PGD: all its starts, which move together.
#[derive(Clone, Debug)]
pub(super) struct PgdRound {
    settings: Pgd,
    inputs: Vec<i32>,
    runners_up: Vec<Option<usize>>,
    surrogates: Vec<Surrogate>,
    steps: u32,
}

impl PgdRound {
    /// Begins a round. The first start descends from the image itself, away from its label; others aim at
    /// a class, the strongest runners-up first.
    pub(super) fn new(
        settings: Pgd,
        classifier: &mut impl Classifier,
        ball: &Ball,
        rng: &mut ChaCha8Rng,
        label: usize,
        first: bool,
    ) -> Self {
        let restarts = settings.restarts as usize;
        let ranking = ranking(classifier.logits(ball.centre()), label);
        let start = |index| {
            if index == 0 && first {
                ball.centre().to_vec()
            } else {
                uniform(ball, rng)
            }
        };
        Self {
            settings,
            inputs: (0..restarts).flat_map(start).collect(),
            runners_up: (0..restarts)
                .map(|index| (index % 2 == 1).then(|| ranking[index / 2 % ranking.len()]))
                .collect(),
            surrogates: (0..restarts)
                .map(|index| SURROGATES[index / 2 % SURROGATES.len()])
                .collect(),
            steps: 0,
        }
    }

    /// Evaluates every start, then moves it. Returns whether the round goes on.
    pub(super) fn step(
        &mut self,
        classifier: &mut impl Classifier,
        ball: &Ball,
        record: &mut Record,
    ) -> bool {
        if self.steps == self.settings.steps {
            let logits = classifier.logits(&self.inputs);
            record.count_all(ball, &self.inputs, &logits);
            return false;
        }
        let (logits, gradients) = classifier.gradients(
            &self.inputs,
            record.label,
            &self.runners_up,
            &self.surrogates,
        );
        record.count_all(ball, &self.inputs, &logits);
        let size = self.settings.step_size * ball.radius().get() as f32 / ball.step() as f32;
        let size = (size.round() as i32).max(1) * ball.step();
        descend(ball, &mut self.inputs, &gradients, size);
        self.steps += 1;
        record.steps += 1;
        true
    }
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
