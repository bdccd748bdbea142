//! Runs one attack on one image, a number of queries at a time.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use thiserror::Error;

use super::method::{Context, Round};
use super::min_norm::{Bracket, Search};
use super::perturbation::{Found, Record, Sample, label};
use super::plan::{Attack, AttackName};
use super::{Ball, Classifier, Grid};
use crate::exact::Ticks;

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The attack.
    pub attack: Attack,
    /// The radius.
    pub radius: Ticks,
    /// The values that a pixel may take.
    pub grid: Grid,
    /// Everything random follows from it.
    pub seed: u64,
    /// After how many rounds the run is done; never, if none. A method that does not repeat always has one
    /// round. A round of [`Attack::min_norm`] is a sweep; that attack is also done when nothing is left
    /// between proof and success.
    pub rounds: Option<u64>,
    /// The radius that is proved, none if the label is not even proved for the image itself.
    /// [`Attack::min_norm`] does not search within it. Nothing else depends on it.
    pub proved: Option<Ticks>,
    /// Keeps one query in so many, on average, to be checked by other means.
    pub sample_every: Option<NonZeroU64>,
}

impl Settings {
    /// The usual settings of an attack. It ends after one round, unless it is endless.
    pub fn new(attack: Attack, radius: Ticks, grid: Grid, seed: u64) -> Self {
        let endless = attack.is_endless();
        Self {
            attack,
            radius,
            grid,
            seed,
            rounds: (!endless).then_some(1),
            proved: None,
            sample_every: None,
        }
    }
}

/// Why an image cannot be attacked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AttackError {
    /// The number of pixels differs from the network's inputs.
    #[error("the image has {found} pixels, but the network takes {expected}")]
    Pixels {
        /// Pixels given.
        found: usize,
        /// Inputs of the network.
        expected: usize,
    },
    /// The network has no such class.
    #[error("label {label} is attacked, but the network has {classes} classes, from 0")]
    Label {
        /// Label given.
        label: usize,
        /// Classes of the network.
        classes: usize,
    },
    /// The largest logits are tied, so there is no label to attack.
    #[error("the network's largest logits are tied for this image: there is no label to attack")]
    Tie,
}

/// The label that the network itself gives to an 8-bit image.
pub fn own_label(classifier: &mut impl Classifier, image: &[u8]) -> Result<usize, AttackError> {
    let (found, expected) = (image.len(), classifier.inputs());
    if found != expected {
        return Err(AttackError::Pixels { found, expected });
    }
    let ball = Ball::new(image, classifier.scale(), Ticks::ZERO, Grid::Levels);
    classifier.enter(&ball);
    label(&classifier.logits(ball.centre())).ok_or(AttackError::Tie)
}

/// One attack on one image.
#[derive(Debug)]
pub struct Run {
    settings: Settings,
    ball: Ball,
    rng: ChaCha8Rng,
    record: Record,
    /// Rounds begun.
    begun: u64,
    round: Option<Box<dyn Round>>,
    /// Of [`Attack::min_norm`].
    search: Option<Search>,
}

impl Run {
    /// Begins an attack on `label` of an 8-bit image. The image itself is not a query.
    pub fn new(
        classifier: &impl Classifier,
        image: &[u8],
        label: usize,
        settings: Settings,
    ) -> Result<Self, AttackError> {
        let (found, expected, classes) = (image.len(), classifier.inputs(), classifier.classes());
        if found != expected {
            return Err(AttackError::Pixels { found, expected });
        }
        if label >= classes {
            return Err(AttackError::Label { label, classes });
        }
        let ball = Ball::new(image, classifier.scale(), settings.radius, settings.grid);
        let search = settings.attack.is_min_norm();
        let name = settings.attack.name();
        Ok(Self {
            search: search.then(|| Search::new(ball.clone(), settings.proved)),
            ball,
            rng: ChaCha8Rng::seed_from_u64(settings.seed),
            record: Record::new(label, name, settings.sample_every, settings.seed),
            settings,
            begun: 0,
            round: None,
        })
    }

    /// Makes at least `queries` more queries, and at most a step of the attack more, unless the run
    /// is done before.
    pub fn advance(&mut self, classifier: &mut impl Classifier, queries: u64) {
        let goal = self.record.queries + queries;
        classifier.enter(&self.ball);
        if let Some(round) = &self.round {
            round.resume(classifier);
        }
        while self.record.queries < goal && !self.is_done() {
            let mut round = match self.round.take() {
                Some(round) => round,
                None => self.begin(classifier),
            };
            let goes_on = round.step(&mut self.context(classifier));
            self.round = goes_on.then_some(round);
            self.search_on(classifier);
        }
    }

    /// Continues a minimum-norm search after a success, or after the last attack's failure.
    fn search_on(&mut self, classifier: &mut impl Classifier) {
        let Some(search) = &mut self.search else {
            return;
        };
        let strongest = self.record.strongest.as_ref();
        if strongest.is_some_and(|found| found.perturbed.misclassified()) {
            let found = self.record.strongest.take().expect("just seen");
            search.shrink(classifier, &self.ball, &mut self.record, found);
            self.round = None;
        } else if self.round.is_none() && search.turn == self.settings.attack.turns().len() {
            search.fail(self.ball.radius().signed());
        }
    }

    /// Whether no query is left.
    pub fn is_done(&self) -> bool {
        if self.round.is_some() {
            return false;
        }
        let rounds = match self.settings.attack.repeats() {
            false => Some(1),
            true => self.settings.rounds,
        };
        let (begun, closed) = match &self.search {
            Some(search) => (search.sweeps, search.ball().is_none()),
            None => (self.begun, false),
        };
        closed || rounds.is_some_and(|rounds| begun >= rounds)
    }

    /// Name of the method at work, or of the last that was; before the first round, of the attack.
    pub fn attack(&self) -> &'static str {
        self.record.attack
    }

    /// The label under attack.
    pub fn label(&self) -> usize {
        self.record.label
    }

    /// The images that may be tried.
    pub fn ball(&self) -> &Ball {
        &self.ball
    }

    /// Perturbed images evaluated so far.
    pub fn queries(&self) -> u64 {
        self.record.queries
    }

    /// How many of them each method made.
    pub fn queries_by(&self) -> &BTreeMap<AttackName, u64> {
        &self.record.queries_by
    }

    /// The queries that were kept to be checked.
    pub fn samples(&self) -> &[Sample] {
        &self.record.samples
    }

    /// How many of all are misclassified.
    pub fn misclassifications(&self) -> u64 {
        self.record.misclassifications
    }

    /// The perturbation of the smallest margin so far. For [`Attack::min_norm`] the misclassified one of the
    /// smallest radius, and while there is none, that of the smallest margin at the current radius.
    pub fn strongest(&self) -> Option<&Found> {
        let smallest = self
            .search
            .as_ref()
            .and_then(|search| search.broken.as_ref());
        smallest.or(self.record.strongest.as_ref())
    }

    /// What is known of the robust radius; for [`Attack::min_norm`] only.
    pub fn bracket(&self) -> Option<Bracket> {
        let search = self.search.as_ref()?;
        Some(Bracket {
            proved: self.settings.proved,
            broken: search.broken.as_ref().map(|found| found.perturbed.radius),
        })
    }

    /// Begins the next round.
    fn begin(&mut self, classifier: &mut impl Classifier) -> Box<dyn Round> {
        let attack = &self.settings.attack;
        let (method, round) = match &mut self.search {
            Some(search) => {
                if search.turn == 0 {
                    self.ball = search.ball().expect("the search is not done");
                    self.record.strongest = None;
                    classifier.enter(&self.ball);
                }
                search.turn += 1;
                (&attack.turns()[search.turn - 1], search.sweeps)
            }
            None => attack.turn(self.begun),
        };
        self.begun += 1;
        (self.record.attack, self.record.steps) = (method.name(), 0);
        let method = Arc::clone(method);
        let begun = method.begin(&mut self.context(classifier), round);
        begun.resume(classifier);
        begun
    }

    fn context<'a>(&'a mut self, classifier: &'a mut impl Classifier) -> Context<'a> {
        Context {
            classifier,
            ball: &self.ball,
            rng: &mut self.rng,
            record: &mut self.record,
        }
    }
}
