//! Records what an attack has found so far.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::classifier::margin;
use super::plan::AttackName;
use super::{Ball, Classifier};
use crate::exact::Ticks;

/// A perturbed image and what the network makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Perturbed {
    /// The perturbed image in ticks.
    pub input: Vec<i32>,
    /// Its logits; of an exact network in ticks.
    pub logits: Vec<f64>,
    /// How far the attacked label's logit is above every other; at most 0 when misclassified.
    pub margin: f64,
    /// The largest change of a pixel.
    pub radius: Ticks,
}

/// A perturbation, and when it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The perturbation.
    pub perturbed: Perturbed,
    /// Name of the method that found it.
    pub attack: &'static str,
    /// How many queries had been made by then, this one included.
    pub queries: u64,
    /// How many steps its round had taken.
    pub steps: u64,
}

impl Perturbed {
    /// Evaluates one image of `ball`.
    pub fn evaluate(
        classifier: &mut impl Classifier,
        ball: &Ball,
        label: usize,
        input: Vec<i32>,
    ) -> Self {
        classifier.enter(ball);
        let logits = classifier.logits(&input);
        Self::new(ball, label, input, logits)
    }

    pub(super) fn new(ball: &Ball, label: usize, input: Vec<i32>, logits: Vec<f64>) -> Self {
        let changes = input.iter().zip(ball.centre()).map(|(x, c)| x.abs_diff(*c));
        Self {
            radius: Ticks::new(changes.max().unwrap_or(0)),
            margin: margin(&logits, label),
            input,
            logits,
        }
    }

    /// Whether the attacked label does not have the largest logit alone.
    pub fn misclassified(&self) -> bool {
        self.margin <= 0.0
    }

    /// The class of the largest logit; none when several are the largest.
    pub fn label(&self) -> Option<usize> {
        label(&self.logits)
    }
}

/// The class of the largest logit; none when several are the largest, or when a logit is not a number.
pub fn label<T: PartialOrd>(logits: &[T]) -> Option<usize> {
    let classes = 0..logits.len();
    let top = classes.clone().reduce(|best, class| {
        if logits[class] > logits[best] {
            class
        } else {
            best
        }
    })?;
    let mut others = classes.filter(|&class| class != top);
    others
        .all(|class| logits[class] < logits[top])
        .then_some(top)
}

/// A query that is kept to be checked: a perturbed image in ticks and its logits.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The perturbed image.
    pub input: Vec<i32>,
    /// Its logits as the attack saw them.
    pub logits: Vec<f64>,
}

/// Counts the queries of a run and keeps the strongest perturbation.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) label: usize,
    /// Name of the method at work.
    pub(super) attack: &'static str,
    /// Steps of the round at work.
    pub(super) steps: u64,
    pub(super) queries: u64,
    pub(super) queries_by: BTreeMap<AttackName, u64>,
    pub(super) misclassifications: u64,
    /// The query of the smallest margin, the first of equal ones.
    pub(super) strongest: Option<Found>,
    pub(super) samples: Vec<Sample>,
    sampler: Option<Sampler>,
}

/// Chooses queries at random, at gaps of `every` on average and the first within one such gap.
#[derive(Clone, Debug)]
struct Sampler {
    every: u64,
    rng: ChaCha8Rng,
    /// The number of the next query to take.
    next: u64,
}

impl Sampler {
    fn new(every: u64, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // The attack's own numbers are those of stream 0.
        rng.set_stream(1);
        // No run as long as the mean gap goes without a sample.
        let next = rng.random_range(1..=every);
        Self { every, rng, next }
    }

    fn takes(&mut self, queries: u64) -> bool {
        let taken = queries == self.next;
        if taken {
            self.next += self.rng.random_range(1..2 * self.every);
        }
        taken
    }
}

impl Record {
    /// Makes an empty record. It keeps one query in `sample_every` on average, if that is given.
    pub(super) fn new(
        label: usize,
        attack: &'static str,
        sample_every: Option<NonZeroU64>,
        seed: u64,
    ) -> Self {
        Self {
            label,
            attack,
            steps: 0,
            queries: 0,
            queries_by: BTreeMap::new(),
            misclassifications: 0,
            strongest: None,
            samples: Vec::new(),
            sampler: sample_every.map(|every| Sampler::new(every.get(), seed)),
        }
    }

    /// Counts one query; returns its margin.
    pub(super) fn count(&mut self, ball: &Ball, input: &[i32], logits: &[f64]) -> f64 {
        debug_assert!(ball.contains(input));
        let margin = margin(logits, self.label);
        self.queries += 1;
        *self.queries_by.entry(self.attack.into()).or_default() += 1;
        self.misclassifications += u64::from(margin <= 0.0);
        if self
            .sampler
            .as_mut()
            .is_some_and(|sampler| sampler.takes(self.queries))
        {
            self.samples.push(Sample {
                input: input.to_vec(),
                logits: logits.to_vec(),
            });
        }
        let strongest = self.strongest.as_ref();
        if strongest.is_none_or(|best| margin < best.perturbed.margin) {
            self.strongest = Some(self.found(ball, input, logits));
        }
        margin
    }

    /// The query that was counted last.
    pub(super) fn found(&self, ball: &Ball, input: &[i32], logits: &[f64]) -> Found {
        Found {
            perturbed: Perturbed::new(ball, self.label, input.to_vec(), logits.to_vec()),
            attack: self.attack,
            queries: self.queries,
            steps: self.steps,
        }
    }

    /// Counts a batch of queries: inputs, `[n, inputs]`, and their logits, `[n, classes]`.
    pub(super) fn count_all(&mut self, ball: &Ball, inputs: &[i32], logits: &[f64]) {
        let images = inputs.chunks(ball.pixels());
        let classes = logits.len() / images.len();
        for (input, logits) in images.zip(logits.chunks(classes)) {
            self.count(ball, input, logits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn equal_logits_are_no_label() {
        assert_eq!(label(&[1, 5, 5]), None);
        assert_eq!(label(&[-1.5, -0.5, -2.0]), Some(1));
        assert_eq!(label(&[f64::NAN, 1.0]), None);
        assert_eq!(label::<i32>(&[]), None);
    }
}
