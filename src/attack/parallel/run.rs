//! One parallel attack on one image: what is next, and what has been found.
//!
//! A run does not evaluate anything. [`Lanes`] or a GPU does, a part of a round at a time, and the run
//! counts what came of it. So one may take over from the other between any two parts, and no query is lost
//! or counted twice.

use super::lanes::Lanes;
use super::plan::{LANES, ParallelAttack, ParallelMethod, Round};
use crate::attack::{AttackError, Ball, Found, Grid, Perturbed};
use crate::exact::{ExactNet, Ticks};

/// Settings of a run.
#[derive(Clone, Copy, Debug)]
pub struct ParallelSettings {
    /// The attack.
    pub attack: ParallelAttack,
    /// The radius.
    pub radius: Ticks,
    /// The values that a pixel may take.
    pub grid: Grid,
    /// Everything random follows from it.
    pub seed: u32,
    /// Lanes of a round; [`LANES`], but for tests.
    pub lanes: usize,
}

impl ParallelSettings {
    /// The usual settings of an attack.
    pub fn new(attack: ParallelAttack, radius: Ticks, grid: Grid, seed: u32) -> Self {
        Self {
            attack,
            radius,
            grid,
            seed,
            lanes: LANES,
        }
    }
}

/// What came of some queries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many are misclassified.
    pub misclassified: u64,
    /// The one of the smallest margin, the first of equal ones; none of no queries.
    pub strongest: Option<Strongest>,
}

/// A query of the smallest margin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strongest {
    /// The margin in ticks.
    pub margin: i32,
    /// Its number among the queries, from 0.
    pub query: usize,
    /// The perturbed image in ticks.
    pub input: Vec<i32>,
}

impl Outcome {
    /// Counts a query, in any order of their numbers.
    pub(super) fn count(&mut self, margin: i32, query: usize, input: &[i32]) {
        self.misclassified += u64::from(margin <= 0);
        let strongest = self.strongest.as_ref();
        if strongest.is_none_or(|best| (margin, query) < (best.margin, best.query)) {
            self.strongest = Some(Strongest {
                margin,
                query,
                input: input.to_vec(),
            });
        }
    }
}

/// Some steps of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first of them; 0 begins the round.
    pub first: u32,
    /// How many.
    pub steps: u32,
}

/// One parallel attack on one image.
#[derive(Clone, Debug)]
pub struct ParallelRun {
    settings: ParallelSettings,
    ball: Ball,
    label: usize,
    ranking: Vec<usize>,
    queries: u64,
    misclassifications: u64,
    strongest: Option<Found>,
    /// Rounds begun.
    begun: u64,
    /// The round at work and its next step.
    round: Option<(Round, u32)>,
}

impl ParallelRun {
    /// Begins an attack on `label` of an 8-bit image. Returns the run and the lanes that it can be
    /// advanced with on the CPU.
    pub fn new(
        net: &ExactNet,
        image: &[u8],
        label: usize,
        settings: ParallelSettings,
    ) -> Result<(Self, Lanes), AttackError> {
        let (found, expected, classes) = (image.len(), net.inputs(), net.classes());
        if found != expected {
            return Err(AttackError::Pixels { found, expected });
        }
        if label >= classes {
            return Err(AttackError::Label { label, classes });
        }
        let ball = Ball::new(image, net.scale(), settings.radius, settings.grid);
        let mut lanes = Lanes::new(&mut net.evaluator(), ball.clone(), label);
        let mut run = Self {
            settings,
            ball,
            label,
            ranking: lanes.ranking(),
            queries: 0,
            misclassifications: 0,
            strongest: None,
            begun: 0,
            round: None,
        };
        run.next_round();
        Ok((run, lanes))
    }

    /// The round at work; none once the run is done.
    pub fn round(&self) -> Option<&Round> {
        self.round.as_ref().map(|(round, _)| round)
    }

    /// The next steps of the round at work, at most so many; none once the run is done.
    pub fn part(&self, most: u32) -> Option<Part> {
        let (round, first) = self.round.as_ref()?;
        let steps = most.clamp(1, round.steps - first);
        Some(Part {
            first: *first,
            steps,
        })
    }

    /// Takes note of the outcome of a part that was asked for with [`Self::part`]. `logits` are those of
    /// its strongest query.
    ///
    /// # Panics
    /// If the run is done.
    pub fn record(&mut self, part: Part, outcome: &Outcome, logits: &[i32]) {
        let (round, next) = self.round.as_mut().expect("a part is one of a round");
        debug_assert_eq!(*next, part.first);
        *next += part.steps;
        let (before, lanes) = (self.queries, round.lanes.len());
        let (method, ends) = (round.method.name(), *next == round.steps);
        self.queries += lanes as u64 * u64::from(part.steps);
        self.misclassifications += outcome.misclassified;
        if let Some(strongest) = &outcome.strongest
            && self.is_stronger(strongest.margin)
        {
            let input = strongest.input.clone();
            let logits = logits.iter().copied().map(f64::from).collect();
            self.strongest = Some(Found {
                perturbed: Perturbed::new(&self.ball, self.label, input, logits),
                attack: method,
                queries: before + strongest.query as u64 + 1,
                steps: u64::from(part.first) + (strongest.query / lanes) as u64,
            });
        }
        if ends {
            self.next_round();
        }
    }

    /// Advances the run on the CPU by a part of at most so many steps. Nothing happens once it is done.
    ///
    /// Where the round was begun by others, the lanes first repeat so many of its steps, which count as
    /// nothing.
    pub fn advance(&mut self, lanes: &mut Lanes, most: u32) {
        let (Some(part), Some((round, _))) = (self.part(most), &self.round) else {
            return;
        };
        let reached = lanes.reached(round);
        if reached < part.first {
            lanes.run(round, reached, most.clamp(1, part.first - reached));
            return;
        }
        let outcome = lanes.run(round, part.first, part.steps);
        let logits = outcome.strongest.as_ref();
        let logits = logits.map(|strongest| lanes.evaluate(&strongest.input));
        self.record(part, &outcome, &logits.unwrap_or_default());
    }

    fn next_round(&mut self) {
        let turn = self.settings.attack.turn(self.begun);
        self.begun += 1;
        self.round = turn.map(|(method, number)| {
            let ParallelSettings { lanes, seed, .. } = self.settings;
            let round = Round::new(method, number, lanes, seed, &self.ball, &self.ranking);
            (round, 0)
        });
    }

    /// Whether a query of this margin is the strongest yet.
    pub fn is_stronger(&self, margin: i32) -> bool {
        let strongest = self.strongest.as_ref();
        strongest.is_none_or(|found| f64::from(margin) < found.perturbed.margin)
    }

    /// Whether no query is left.
    pub fn is_done(&self) -> bool {
        self.round.is_none()
    }

    /// Name of the method at work; of the attack once the run is done.
    pub fn attack(&self) -> &'static str {
        let round = self.round();
        round.map_or(self.settings.attack.name(), |round| round.method.name())
    }

    /// The most lanes that a round of this run can have.
    #[cfg(feature = "gpu")]
    pub(crate) fn most_lanes(&self) -> usize {
        let fgsm = Round::new(ParallelMethod::Fgsm, 0, 0, 0, &self.ball, &self.ranking);
        self.settings.lanes.max(fgsm.lanes.len())
    }

    /// The label under attack.
    pub fn label(&self) -> usize {
        self.label
    }

    /// The images that may be tried.
    pub fn ball(&self) -> &Ball {
        &self.ball
    }

    /// Perturbed images evaluated so far.
    pub fn queries(&self) -> u64 {
        self.queries
    }

    /// How many of them are misclassified.
    pub fn misclassifications(&self) -> u64 {
        self.misclassifications
    }

    /// The perturbation of the smallest margin so far, the first of equal ones.
    pub fn strongest(&self) -> Option<&Found> {
        self.strongest.as_ref()
    }
}
