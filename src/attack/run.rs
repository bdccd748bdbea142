//! One attack on one image, advanced by a number of tries at a time.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::gradient::{self, Pgd, PgdRound};
use super::path::PathRound;
use super::random;
use super::record::{Found, Record, label};
use super::square::SquareRound;
use super::{Ball, Grid, Target};

/// What is done to the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Attack {
    /// Random perturbations, uniform and at the ball's corners.
    Random,
    /// One step along the sign of the gradient.
    Fgsm,
    /// Many such steps, from many starts.
    Pgd,
    /// Along the pixels that decide.
    Path,
    /// Random squares, without gradients.
    Square,
    /// All of these by turns, for ever.
    All,
}

/// The turns of [`Attack::All`].
const ROTATION: [Attack; 4] = [Attack::Fgsm, Attack::Path, Attack::Pgd, Attack::Square];

/// Steps of a round of random images.
const RANDOM_STEPS: u32 = 32;

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The attack.
    pub attack: Attack,
    /// The radius in units.
    pub radius: u32,
    /// The values that a pixel may take.
    pub grid: Grid,
    /// Everything random follows from it.
    pub seed: u64,
    /// How PGD works.
    pub pgd: Pgd,
    /// After how many rounds the run is done; never, if none. [`Attack::Fgsm`] has one round in
    /// any case, since it is the same each time.
    pub rounds: Option<u64>,
}

impl Settings {
    /// The usual settings of an attack: random images and all attacks never end, others take one
    /// round.
    pub fn new(attack: Attack, radius: u32, grid: Grid, seed: u64) -> Self {
        let endless = matches!(attack, Attack::Random | Attack::All);
        Self {
            attack,
            radius,
            grid,
            seed,
            pgd: Pgd::default(),
            rounds: (!endless).then_some(1),
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
    /// The pixels do not make a square.
    #[error("{0} pixels make no square image, which the attacks need")]
    NotSquare(usize),
    /// The network has no such class.
    #[error("label {label} is attacked, but the network has {classes} classes, from 0")]
    Label {
        /// Label given.
        label: usize,
        /// Classes of the network.
        classes: usize,
    },
    /// A tie is no label that could be taken away.
    #[error("the network's largest logits are tied for this image: there is no label to attack")]
    Tie,
}

/// The label that `target` itself gives to an 8-bit image.
pub fn own_label(target: &mut impl Target, image: &[u8]) -> Result<usize, AttackError> {
    let (found, expected) = (image.len(), target.inputs());
    if found != expected {
        return Err(AttackError::Pixels { found, expected });
    }
    let scale = target.scale().cast_signed();
    let input: Vec<_> = image.iter().map(|&x| i32::from(x) * scale).collect();
    label(&target.logits(&input)).ok_or(AttackError::Tie)
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
    /// An attack on `label` of an 8-bit image. The image itself is not a try.
    pub fn new(
        target: &impl Target,
        image: &[u8],
        label: usize,
        settings: Settings,
    ) -> Result<Self, AttackError> {
        let (found, expected, classes) = (image.len(), target.inputs(), target.classes());
        if found != expected {
            return Err(AttackError::Pixels { found, expected });
        }
        if found.isqrt().pow(2) != found {
            return Err(AttackError::NotSquare(found));
        }
        if label >= classes {
            return Err(AttackError::Label { label, classes });
        }
        Ok(Self {
            settings,
            ball: Ball::new(image, target.scale(), settings.radius, settings.grid),
            rng: ChaCha8Rng::seed_from_u64(settings.seed),
            record: Record::new(label, settings.attack),
            begun: 0,
            round: None,
        })
    }

    /// Makes at least `tries` more tries, and at most a step of the attack more, unless the run
    /// is done before.
    pub fn advance(&mut self, target: &mut impl Target, tries: u64) {
        let goal = self.record.tries + tries;
        if let Some(round) = &self.round {
            round.resume(target);
        }
        while self.record.tries < goal && !self.is_done() {
            let mut round = match self.round.take() {
                Some(round) => round,
                None => self.begin(target),
            };
            let goes_on = round.step(target, &self.ball, &mut self.rng, &mut self.record);
            self.round = goes_on.then_some(round);
        }
    }

    /// Whether no try is left to be made.
    pub fn is_done(&self) -> bool {
        let rounds = match self.settings.attack {
            Attack::Fgsm => Some(1),
            _ => self.settings.rounds,
        };
        self.round.is_none() && rounds.is_some_and(|rounds| self.begun >= rounds)
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
    pub fn tries(&self) -> u64 {
        self.record.tries
    }

    /// How many of them lost the label.
    pub fn flips(&self) -> u64 {
        self.record.flips
    }

    /// The perturbation of the smallest margin so far.
    pub fn strongest(&self) -> Option<&Found> {
        self.record.strongest.as_ref()
    }

    /// Begins the next round.
    fn begin(&mut self, target: &mut impl Target) -> Round {
        let (attack, round) = match self.settings.attack {
            Attack::All => {
                let turns = ROTATION.len() as u64;
                match (ROTATION[(self.begun % turns) as usize], self.begun / turns) {
                    // It has no more than one round; random images take its later turns.
                    (Attack::Fgsm, 1..) => (Attack::Random, 0),
                    turn => turn,
                }
            }
            attack => (attack, self.begun),
        };
        self.begun += 1;
        let (ball, rng, record) = (&self.ball, &mut self.rng, &mut self.record);
        (record.attack, record.steps) = (attack, 0);
        let begun = match attack {
            Attack::Random | Attack::All => Round::Random { steps: 0 },
            Attack::Fgsm => Round::Fgsm,
            Attack::Pgd => {
                let label = record.label;
                let pgd = self.settings.pgd;
                Round::Pgd(PgdRound::new(pgd, target, ball, rng, label, round == 0))
            }
            Attack::Path => Round::Path(PathRound::new(target, ball, rng, record, round)),
            Attack::Square => Round::Square(SquareRound::new(target, ball, rng, record)),
        };
        begun.resume(target);
        begun
    }
}

impl Round {
    /// Readies the target, which other rounds may have used.
    fn resume(&self, target: &mut impl Target) {
        match self {
            Self::Path(round) => round.resume(target),
            Self::Square(round) => round.resume(target),
            Self::Random { .. } | Self::Fgsm | Self::Pgd(_) => {}
        }
    }

    /// Takes one step. Whether the round goes on.
    fn step(
        &mut self,
        target: &mut impl Target,
        ball: &Ball,
        rng: &mut ChaCha8Rng,
        record: &mut Record,
    ) -> bool {
        match self {
            Self::Random { steps } => {
                random::step(target, ball, rng, record);
                *steps += 1;
                *steps < RANDOM_STEPS
            }
            Self::Fgsm => {
                gradient::fgsm(target, ball, record);
                false
            }
            Self::Pgd(round) => round.step(target, ball, record),
            Self::Path(round) => round.step(target, ball, record),
            Self::Square(round) => round.step(target, ball, rng, record),
        }
    }
}
