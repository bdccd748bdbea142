//! The arg-max-path attack: follows the exact gradient, one or two pixels of each member at a time.
//!
//! The exact gradient of an ℓ∞-dist net's margin has two pixels in each member: the critical pixels of
//! the two logits. The attack moves them to the ends of the ball. That lowers the margin until another
//! arg-max path takes over, which is then followed. The gradients of other networks have every pixel;
//! there the steepest are moved.

use rand_chacha::ChaCha8Rng;

use super::classifier::Surrogate;
use super::perturbation::Record;
use super::random::{corner, uniform};
use super::{Ball, Change, Classifier};

/// The steepest pixels that are moved together, for each member.
const PIXELS: usize = 2;

/// One round.
#[derive(Clone, Debug)]
pub(super) struct PathRound {
    input: Vec<i32>,
    logits: Vec<f64>,
    margin: f64,
}

impl PathRound {
    /// Begins a round: the first at the image itself, others at a corner of the ball or anywhere in it.
    pub(super) fn new(
        classifier: &mut impl Classifier,
        ball: &Ball,
        rng: &mut ChaCha8Rng,
        record: &mut Record,
        round: u64,
    ) -> Self {
        let input = match round {
            0 => ball.centre().to_vec(),
            _ if round % 2 == 1 => corner(ball, rng),
            _ => uniform(ball, rng),
        };
        let logits = classifier.logits(&input);
        let margin = record.count(ball, &input, &logits);
        Self {
            input,
            logits,
            margin,
        }
    }

    /// Makes the round's image the base of changes, after others have used the classifier.
    pub(super) fn resume(&self, classifier: &mut impl Classifier) {
        classifier.hold(&self.input);
    }

    /// Tries to push each runner-up past the label, the strongest first, until one push lowers the
    /// margin. Returns whether the round goes on.
    pub(super) fn step(
        &mut self,
        classifier: &mut impl Classifier,
        ball: &Ball,
        record: &mut Record,
    ) -> bool {
        let label = record.label;
        let mut runners_up: Vec<_> = (0..self.logits.len()).filter(|&k| k != label).collect();
        runners_up.sort_by(|&a, &b| self.logits[b].total_cmp(&self.logits[a]));
        let starts = self.input.repeat(runners_up.len());
        let aims: Vec<_> = runners_up
            .iter()
            .map(|&runner_up| Some(runner_up))
            .collect();
        let exact = vec![Surrogate::Exact; runners_up.len()];
        let (_, gradients) = classifier.gradients(&starts, label, &aims, &exact);
        record.steps += 1;
        for gradient in gradients.chunks(ball.pixels()) {
            let changes = self.steepest(ball, gradient, PIXELS * classifier.members());
            if changes.is_empty() {
                continue;
            }
            let logits = classifier.try_changes(&changes);
            let mut moved = self.input.clone();
            for change in &changes {
                moved[change.pixel] = change.value;
            }
            let margin = record.count(ball, &moved, &logits);
            if margin < self.margin {
                (self.input, self.logits, self.margin) = (moved, logits, margin);
                classifier.keep_changes();
                return true;
            }
        }
        false
    }

    /// Moves up to so many of the steepest pixels that can still go down the gradient to their ends.
    fn steepest(&self, ball: &Ball, gradient: &[f32], most: usize) -> Vec<Change> {
        let moves = gradient
            .iter()
            .enumerate()
            .filter(|(_, slope)| **slope != 0.0);
        let mut changes: Vec<_> = moves
            .map(|(pixel, &slope)| (slope.abs(), pixel, ball.end(pixel, slope < 0.0)))
            .filter(|&(_, pixel, value)| value != self.input[pixel])
            .collect();
        changes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        changes.truncate(most);
        let change = |(_, pixel, value)| Change { pixel, value };
        changes.into_iter().map(change).collect()
    }
}
