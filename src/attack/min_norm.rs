//! The minimum-norm attack: searches for the smallest radius at which the label can be changed.
//!
//! The robust radius lies between the proved radius and the smallest one at which an attack has
//! succeeded. The search divides that bracket. It attacks at a radius, shrinks a perturbation that is
//! misclassified, goes on below it, and goes up where every attack has failed. A failure proves nothing,
//! so a finished search begins again between the proof and the smallest success, with other random
//! numbers.

use super::perturbation::{Found, Record};
use super::{Ball, Classifier};
use crate::exact::Ticks;

/// Levels by which the first radius exceeds what is proved.
const FIRST_STRIDE: i32 = 32;

/// What is known of the robust radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// It is proved that no perturbation up to this radius changes the label.
    pub proved: Option<Ticks>,
    /// A perturbation of this radius changes it.
    pub broken: Option<Ticks>,
}

/// A search at work. Its radii are in ticks and multiples of the grid's step.
#[derive(Clone, Debug)]
pub(super) struct Search {
    /// The ball of the largest radius that is looked at.
    limit: Ball,
    /// What is proved; below 0 if nothing is, not even the image itself.
    proved: i32,
    /// The largest radius where all attacks of this sweep failed, or what is proved.
    failed: i32,
    /// The misclassified perturbation of the smallest radius.
    pub(super) broken: Option<Found>,
    /// Sweeps that have come to their end.
    pub(super) sweeps: u64,
    /// Methods begun at the radius at hand.
    pub(super) turn: usize,
}

impl Search {
    /// Begins a search in `limit`, outside of the `proved` radius.
    pub(super) fn new(limit: Ball, proved: Option<Ticks>) -> Self {
        let ticks = proved.map_or(-1, Ticks::signed);
        let proved = ticks.div_euclid(limit.step()) * limit.step();
        Self {
            limit,
            proved,
            failed: proved,
            broken: None,
            sweeps: 0,
            turn: 0,
        }
    }

    /// The ball to attack in now; none when nothing lies between proof and success.
    pub(super) fn ball(&self) -> Option<Ball> {
        let radius = match &self.broken {
            Some(found) => {
                let broken = found.perturbed.radius.signed();
                if broken - self.failed <= self.limit.step() {
                    return None;
                }
                self.middle(broken)
            }
            // Far up, where it is easy; what is found there soon shrinks. Where nothing was
            // found at all, the next sweep looks nearer to the proof.
            None => {
                let first = FIRST_STRIDE * self.limit.scale().cast_signed();
                let stride = (first >> self.sweeps.min(31)).max(self.limit.step());
                self.failed + stride.max(self.failed - self.proved)
            }
        };
        let ball = self.limit.resized(Ticks::new(radius.unsigned_abs()));
        (ball.radius().signed() > self.failed).then_some(ball)
    }

    /// Notes that every attack has failed at a radius.
    pub(super) fn fail(&mut self, radius: i32) {
        self.failed = radius;
        self.settle();
    }

    /// Shrinks a misclassified perturbation of `ball` by cutting its changes to ever smaller radii, and
    /// keeps the smallest.
    pub(super) fn shrink(
        &mut self,
        classifier: &mut impl Classifier,
        ball: &Ball,
        record: &mut Record,
        mut found: Found,
    ) {
        let failed = self.failed;
        while self.failed + ball.step() < found.perturbed.radius.signed() {
            let radius = self.middle(found.perturbed.radius.signed());
            let cut = ball.resized(Ticks::new(radius.unsigned_abs()));
            let pixels = found.perturbed.input.iter().enumerate();
            let input: Vec<_> = pixels.map(|(pixel, &x)| cut.clamp(pixel, x)).collect();
            let logits = classifier.logits(&input);
            if record.count(ball, &input, &logits) <= 0.0 {
                found = record.found(ball, &input, &logits);
            } else {
                self.failed = cut.radius().signed();
            }
        }
        // It was only this perturbation that failed in between.
        self.failed = failed;
        self.broken = Some(found);
        self.settle();
    }

    /// The multiple of the grid's step halfway between the last failure and `broken`, above the former.
    fn middle(&self, broken: i32) -> i32 {
        let step = self.limit.step();
        let middle = (self.failed + broken).div_euclid(2 * step) * step;
        middle.max(self.failed + step).min(broken - step)
    }

    /// Goes on at another radius, in a new sweep where none is left.
    fn settle(&mut self) {
        self.turn = 0;
        if self.ball().is_none() {
            self.sweeps += 1;
            self.failed = self.proved;
        }
    }
}
