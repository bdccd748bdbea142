//! Runs one attack on one image, a number of queries at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::argmax_path::PathRound;
use super::min_norm::{Bracket, Search};
use super::perturbation::{Found, Record, Sample, label};
use super::pgd::{self, Pgd, PgdRound};
use super::random;
use super::square::SquareRound;
use super::{Ball, Classifier, Grid};
use crate::exact::Ticks;

/// The kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attack {
    /// Random perturbations, uniform and at the ball's corners.
    Random,
    /// One step along the sign of the gradient.
    Fgsm,
    /// Many such steps, from many starts.
    Pgd,
    /// Moves critical pixels along the arg-max paths.
    ArgmaxPath,
    /// Random squares, without gradients.
    Square,
    /// All of these by turns, without end.
    All,
    /// Minimum-norm: searches for the smallest radius at which one of them succeeds.
    MinNorm,
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Random => "random",
            Self::Fgsm => "fgsm",
            Self::Pgd => "pgd",
            Self::ArgmaxPath => "argmax_path",
            Self::Square => "square",
            Self::All => "all",
            Self::MinNorm => "min_norm",
        })
    }
}

/// The turns of [`Attack::All`], and of [`Attack::MinNorm`] at every radius.
const ROTATION: [Attack; 4] = [
    Attack::Fgsm,
    Attack::ArgmaxPath,
    Attack::Pgd,
    Attack::Square,
];

/// Steps of a round of random images.
const RANDOM_STEPS: u32 = 32;

/// Settings of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The attack.
    pub attack: Attack,
    /// The radius.
    pub radius: Ticks,
    /// The values that a pixel may take.
    pub grid: Grid,
    /// Everything random follows from it.
    pub seed: u64,
    /// How PGD works.
    pub pgd: Pgd,
    /// Queries of a round of [`Attack::Square`], to which its schedule of sizes is scaled.
    pub square_queries: u32,
    /// After how many rounds the run is done; never, if none. [`Attack::Fgsm`] always has one round, since
    /// every round would be the same. A round of [`Attack::MinNorm`] is a sweep; that attack is also done
    /// when nothing is left between proof and success.
    pub rounds: Option<u64>,
    /// The radius that is proved, none if the label is not even proved for the image itself.
    /// [`Attack::MinNorm`] does not search within it. Nothing else depends on it.
    pub proved: Option<Ticks>,
    /// Keeps one query in so many, on average, to be checked by other means.
    pub sample_every: Option<NonZeroU64>,
}

impl Settings {
    /// The usual settings of an attack: [`Attack::Random`] and [`Attack::All`] never end, others take one
    /// round.
    pub fn new(attack: Attack, radius: Ticks, grid: Grid, seed: u64) -> Self {
        let endless = matches!(attack, Attack::Random | Attack::All);
        Self {
            attack,
            radius,
            grid,
            seed,
            pgd: Pgd::default(),
            square_queries: 5000,
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
#[derive(Clone, Debug)]
pub struct Run {
    settings: Settings,
    ball: Ball,
    rng: ChaCha8Rng,
    record: Record,
    /// Rounds begun.
    begun: u64,
    round: Option<Round>,
    /// Of [`Attack::MinNorm`].
    search: Option<Search>,
}

/// One start of an attack, at work.
#[derive(Clone, Debug)]
enum Round {
    Random { steps: u32 },
    Fgsm,
    Pgd(PgdRound),
    Path(PathRound),
    Square(SquareRound),
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
        let smallest = settings.attack == Attack::MinNorm;
        Ok(Self {
            settings,
            search: smallest.then(|| Search::new(ball.clone(), settings.proved)),
            ball,
            rng: ChaCha8Rng::seed_from_u64(settings.seed),
            record: Record::new(label, settings.attack, settings.sample_every, settings.seed),
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
            let goes_on = round.step(classifier, &self.ball, &mut self.rng, &mut self.record);
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
        } else if self.round.is_none() && search.turn == ROTATION.len() {
            search.fail(self.ball.radius().signed());
        }
    }

    /// Whether no query is left.
    pub fn is_done(&self) -> bool {
        if self.round.is_some() {
            return false;
        }
        let rounds = match self.settings.attack {
            Attack::Fgsm => Some(1),
            _ => self.settings.rounds,
        };
        let (begun, closed) = match &self.search {
            Some(search) => (search.sweeps, search.ball().is_none()),
            None => (self.begun, false),
        };
        closed || rounds.is_some_and(|rounds| begun >= rounds)
    }

    /// The attack at work, or the last that was.
    pub fn attack(&self) -> Attack {
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

    /// How many of them each attack made.
    pub fn queries_by(&self) -> &BTreeMap<Attack, u64> {
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

    /// The perturbation of the smallest margin so far. For [`Attack::MinNorm`] the misclassified one of the
    /// smallest radius, and while there is none, that of the smallest margin at the current radius.
    pub fn strongest(&self) -> Option<&Found> {
        let smallest = self
            .search
            .as_ref()
            .and_then(|search| search.broken.as_ref());
        smallest.or(self.record.strongest.as_ref())
    }

    /// What is known of the robust radius; for [`Attack::MinNorm`] only.
    pub fn bracket(&self) -> Option<Bracket> {
        let search = self.search.as_ref()?;
        Some(Bracket {
            proved: self.settings.proved,
            broken: search.broken.as_ref().map(|found| found.perturbed.radius),
        })
    }

    /// Begins the next round.
    fn begin(&mut self, classifier: &mut impl Classifier) -> Round {
        let (attack, round) = match (self.settings.attack, &mut self.search) {
            (_, Some(search)) => {
                if search.turn == 0 {
                    self.ball = search.ball().expect("the search is not done");
                    self.record.strongest = None;
                    classifier.enter(&self.ball);
                }
                search.turn += 1;
                (ROTATION[search.turn - 1], search.sweeps)
            }
            (Attack::All, None) => {
                let turns = ROTATION.len() as u64;
                match (ROTATION[(self.begun % turns) as usize], self.begun / turns) {
                    // It has no more than one round; random images take its later turns.
                    (Attack::Fgsm, 1..) => (Attack::Random, 0),
                    turn => turn,
                }
            }
            (attack, None) => (attack, self.begun),
        };
        self.begun += 1;
        let (ball, rng, record) = (&self.ball, &mut self.rng, &mut self.record);
        (record.attack, record.steps) = (attack, 0);
        let begun = match attack {
            Attack::Random | Attack::All | Attack::MinNorm => Round::Random { steps: 0 },
            Attack::Fgsm => Round::Fgsm,
            Attack::Pgd => {
                let label = record.label;
                let pgd = self.settings.pgd;
                Round::Pgd(PgdRound::new(pgd, classifier, ball, rng, label, round == 0))
            }
            Attack::ArgmaxPath => Round::Path(PathRound::new(classifier, ball, rng, record, round)),
            Attack::Square => {
                let queries = self.settings.square_queries;
                Round::Square(SquareRound::new(queries, classifier, ball, rng, record))
            }
        };
        begun.resume(classifier);
        begun
    }
}

impl Round {
    /// Readies the classifier, which other rounds may have used.
    fn resume(&self, classifier: &mut impl Classifier) {
        match self {
            Self::Path(round) => round.resume(classifier),
            Self::Square(round) => round.resume(classifier),
            Self::Random { .. } | Self::Fgsm | Self::Pgd(_) => {}
        }
    }

    /// Takes one step. Returns whether the round goes on.
    fn step(
        &mut self,
        classifier: &mut impl Classifier,
        ball: &Ball,
        rng: &mut ChaCha8Rng,
        record: &mut Record,
    ) -> bool {
        match self {
            Self::Random { steps } => {
                random::step(classifier, ball, rng, record);
                *steps += 1;
                *steps < RANDOM_STEPS
            }
            Self::Fgsm => {
                pgd::fgsm(classifier, ball, record);
                false
            }
            Self::Pgd(round) => round.step(classifier, ball, record),
            Self::Path(round) => round.step(classifier, ball, record),
            Self::Square(round) => round.step(classifier, ball, rng, record),
        }
    }
}
