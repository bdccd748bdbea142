//! The arg-max-path attack: follows the exact gradient, one or two pixels of each member at a time.
//!
//! The exact gradient of an ℓ∞-dist net's margin has two pixels in each member: the critical pixels of
//! the two logits. The attack moves them to the ends of the ball. That lowers the margin until another
//! arg-max path takes over, which is then followed. The gradients of other networks have every pixel;
//! there the steepest are moved.

use super::classifier::Surrogate;
use super::method::{Context, Method, Round};
use super::random::{corner, uniform};
use super::{Ball, Change, Classifier};

/// The steepest pixels that are moved together, for each member.
const PIXELS: usize = 2;

/// The arg-max-path attack.
#[derive(Clone, Copy, Debug)]
pub struct ArgmaxPath;

impl Method for ArgmaxPath {
    fn name(&self) -> &'static str {
        "argmax_path"
    }

    fn title(&self) -> &'static str {
        "Arg-max path"
    }

    fn summary(&self) -> &'static str {
        "moves the critical pixels along the arg-max paths"
    }

    fn rounds(&self) -> u64 {
        20
    }

    /// Begins the first round at the image itself, others at a corner of the ball or anywhere in it.
    fn begin(&self, context: &mut Context<'_>, round: u64) -> Box<dyn Round> {
        let ball = context.ball;
        let input = match round {
            0 => ball.centre().to_vec(),
            _ if round % 2 == 1 => corner(ball, context.rng),
            _ => uniform(ball, context.rng),
        };
        let (logits, margin) = context.query_one(&input);
        Box::new(PathRound {
            input,
            logits,
            margin,
        })
    }
}

#[derive(Debug)]
struct PathRound {
    input: Vec<i32>,
    logits: Vec<f64>,
    margin: f64,
}

impl Round for PathRound {
    fn resume(&self, classifier: &mut dyn Classifier) {
        classifier.hold(&self.input);
    }

    /// Tries to push each runner-up past the label, the strongest first, until one push lowers the
    /// margin.
    fn step(&mut self, context: &mut Context<'_>) -> bool {
        let (ball, label) = (context.ball, context.label());
        let mut runners_up: Vec<_> = (0..self.logits.len()).filter(|&k| k != label).collect();
        runners_up.sort_by(|&a, &b| self.logits[b].total_cmp(&self.logits[a]));
        let starts = self.input.repeat(runners_up.len());
        let aims: Vec<_> = runners_up
            .iter()
            .map(|&runner_up| Some(runner_up))
            .collect();
        let exact = vec![Surrogate::Exact; runners_up.len()];
        // The start has been counted.
        let answer = context.classifier.gradients(&starts, label, &aims, &exact);
        let (_, gradients) = answer;
        context.count_step();
        for gradient in gradients.chunks(ball.pixels()) {
            let changes = self.steepest(ball, gradient, PIXELS * context.classifier.members());
            if changes.is_empty() {
                continue;
            }
            let mut moved = self.input.clone();
            for change in &changes {
                moved[change.pixel] = change.value;
            }
            let (logits, margin) = context.query_changes(&changes, &moved);
            if margin < self.margin {
                (self.input, self.logits, self.margin) = (moved, logits, margin);
                context.classifier.keep_changes();
                return true;
            }
        }
        false
    }
}

impl PathRound {
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
