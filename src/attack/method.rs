//! The interface of an attack, and the list of those that this crate has.

use std::fmt::Debug;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::argmax_path::ArgmaxPath;
use super::perturbation::Record;
use super::pgd::{Fgsm, Pgd};
use super::random::Random;
use super::square::Square;
use super::{Ball, Change, Classifier, Surrogate};

/// The registered methods, in the order in which [`Attack::all`](super::Attack::all) takes turns. The
/// first takes the later turns of a method that has only one round.
pub(super) fn registered() -> Vec<Arc<dyn Method>> {
    vec![
        Arc::new(Random),
        Arc::new(Fgsm),
        Arc::new(ArgmaxPath),
        Arc::new(Pgd::default()),
        Arc::new(Square::default()),
    ]
}

/// A way to search for a misclassified image, in rounds of steps.
///
/// A method is plain data: its hyperparameters. Another crate adds one by implementing this trait and
/// running [`Attack::single`](super::Attack::single) of it, or [`Attack::all`](super::Attack::all) with
/// it.
pub trait Method: Debug + Send + Sync {
    /// The name in JSON, in links and on the command line: lower-case words joined by `_`.
    fn name(&self) -> &'static str;

    /// The name for people.
    fn title(&self) -> &'static str;

    /// What it does, in a few words.
    fn summary(&self) -> &'static str;

    /// Rounds that an image has to withstand in a
    /// [`RobustnessEvaluation`](super::RobustnessEvaluation).
    fn rounds(&self) -> u64 {
        1
    }

    /// Whether a later round tries other images than the first.
    fn repeats(&self) -> bool {
        true
    }

    /// Whether a run by itself goes on until it is stopped, instead of ending after one round.
    fn endless(&self) -> bool {
        false
    }

    /// The same method with shorter rounds, so that a thousand queries hold a round of each; none if
    /// they are short already.
    fn shortened(&self) -> Option<Arc<dyn Method>> {
        None
    }

    /// Begins a round; the first one is number 0.
    fn begin(&self, context: &mut Context<'_>, round: u64) -> Box<dyn Round>;
}

/// One start of a method, at work.
pub trait Round: Debug + Send {
    /// Readies the classifier, which others may have used since the last step: calls
    /// [`Classifier::hold`] in rounds that make changes to a base.
    fn resume(&self, _classifier: &mut dyn Classifier) {}

    /// Takes one step. Returns whether the round goes on.
    fn step(&mut self, context: &mut Context<'_>) -> bool;
}

/// What a round works with. Queries made through it are counted.
pub struct Context<'a> {
    /// The network under attack. What it is asked directly is not counted as a query: use this for the
    /// unperturbed image and for images that have been counted before.
    pub classifier: &'a mut dyn Classifier,
    /// The images that may be tried.
    pub ball: &'a Ball,
    /// Everything random has to come from here.
    pub rng: &'a mut ChaCha8Rng,
    pub(super) record: &'a mut Record,
}

impl Context<'_> {
    /// The label under attack.
    pub fn label(&self) -> usize {
        self.record.label
    }

    /// Adds one to the steps of the round, which a [`Found`](super::Found) reports.
    pub fn count_step(&mut self) {
        self.record.steps += 1;
    }

    /// Queries images, `[n, inputs]` in ticks, all of them in the ball. Returns their logits,
    /// `[n, classes]`.
    pub fn query(&mut self, inputs: &[i32]) -> Vec<f64> {
        let logits = self.classifier.logits(inputs);
        self.record.count_all(self.ball, inputs, &logits);
        logits
    }

    /// Queries one image, `[inputs]`. Returns its logits, `[classes]`, and how far the label is above
    /// every other class.
    pub fn query_one(&mut self, input: &[i32]) -> (Vec<f64>, f64) {
        let logits = self.classifier.logits(input);
        let margin = self.record.count(self.ball, input, &logits);
        (logits, margin)
    }

    /// Queries images, `[n, inputs]`, and returns the gradients, `[n, inputs]`, of
    /// [`Classifier::gradients`] there.
    pub fn query_gradients(
        &mut self,
        inputs: &[i32],
        runners_up: &[Option<usize>],
        surrogates: &[Surrogate],
    ) -> Vec<f32> {
        let label = self.label();
        let answer = self
            .classifier
            .gradients(inputs, label, runners_up, surrogates);
        let (logits, gradients) = answer;
        self.record.count_all(self.ball, inputs, &logits);
        gradients
    }

    /// Queries the base that the classifier holds with some changes, which make it `changed`. Returns
    /// logits and margin as [`query_one`](Self::query_one) does.
    pub fn query_changes(&mut self, changes: &[Change], changed: &[i32]) -> (Vec<f64>, f64) {
        let logits = self.classifier.try_changes(changes);
        let margin = self.record.count(self.ball, changed, &logits);
        (logits, margin)
    }
}
