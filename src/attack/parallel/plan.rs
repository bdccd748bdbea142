//! The rounds of a parallel attack, as numbers: what the lanes begin with, and how many steps they take.

use std::sync::LazyLock;

use super::random::Key;
use super::surrogate::least_share;
use crate::attack::Ball;
use crate::attack::square::width;

/// Lanes of a round, but for FGSM, which has one for each class and surrogate.
pub const LANES: usize = 1024;

/// Steps of a round of random images.
const RANDOM_STEPS: u32 = 64;
/// Images that each lane of PGD tries: its start, then one after each step.
const PGD_STEPS: u32 = 101;
/// The step size of PGD is the radius divided by this.
const PGD_SIZE: i32 = 40;
/// Images that each lane of Square tries, to which its schedule of sizes is scaled.
const SQUARE_STEPS: u32 = 1000;

/// How often the shares of the surrogates are squared; 0 is the exact gradient.
const SQUARINGS: [u32; 5] = [6, 4, 8, 10, 0];

/// A way to search in many lanes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParallelMethod {
    /// Corners of the ball in even lanes, images uniform in it in odd ones, anew in every step.
    Random,
    /// One full step from the image itself against the sign of the gradient: a lane for each other class
    /// and surrogate, the strongest class first.
    Fgsm,
    /// Many steps along the sign of the gradient. The first lane of the first round begins at the image
    /// itself, others anywhere in the ball; every second one aims at a class.
    Pgd,
    /// Square attack: from stripes, squares of ever smaller size go to an end of the ball; what lowers the
    /// margin stays.
    Square,
}

impl ParallelMethod {
    /// The methods, in the order in which [`ParallelAttack::named`] `all` takes turns.
    const ALL: [Self; 4] = [Self::Fgsm, Self::Pgd, Self::Square, Self::Random];

    /// The name: that of the [`Method`](crate::attack::Method) to which it is related.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Fgsm => "fgsm",
            Self::Pgd => "pgd",
            Self::Square => "square",
        }
    }
}

/// A parallel attack: one method, or all by turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParallelAttack {
    /// None: all by turns.
    method: Option<ParallelMethod>,
}

impl ParallelAttack {
    /// One method.
    pub fn single(method: ParallelMethod) -> Self {
        Self {
            method: Some(method),
        }
    }

    /// All methods by turns; random images take the later turns of FGSM, which has only one round.
    pub fn all() -> Self {
        Self { method: None }
    }

    /// Every method by itself, then all by turns.
    pub fn registered() -> Vec<Self> {
        let single = ParallelMethod::ALL.map(Self::single);
        single.into_iter().chain([Self::all()]).collect()
    }

    /// The attack of that name; the names are those of [`Attack`](crate::attack::Attack), of which
    /// `argmax_path` and `min_norm` have no relative here.
    pub fn named(name: &str) -> Option<Self> {
        let mut attacks = Self::registered().into_iter();
        attacks.find(|attack| attack.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.method.map_or("all", ParallelMethod::name)
    }

    /// The method of the round after `begun` others and the number of that round, if there is one before
    /// the attack ends: `random` and `all` never do, the others after one round.
    pub(super) fn turn(self, begun: u64) -> Option<(ParallelMethod, u64)> {
        let Some(method) = self.method else {
            let turns = [
                ParallelMethod::Fgsm,
                ParallelMethod::Pgd,
                ParallelMethod::Square,
            ];
            let (method, round) = (turns[(begun % 3) as usize], begun / 3);
            return Some(match method {
                ParallelMethod::Fgsm if round > 0 => (ParallelMethod::Random, round - 1),
                _ => (method, round),
            });
        };
        (begun == 0 || method == ParallelMethod::Random).then_some((method, begun))
    }
}

/// Where a lane begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The unperturbed image.
    Centre,
    /// Anywhere in the ball.
    Uniform,
    /// Every pixel at one of its ends.
    Corner,
    /// Every column of pixels at one of its ends.
    Stripes,
}

/// One of the lanes of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Where it begins.
    pub start: Start,
    /// The class at which its gradient aims; the strongest other one, if none.
    pub rival: Option<usize>,
    /// Its surrogate: how often a share is squared; 0 for the exact gradient.
    pub squarings: u32,
    /// The smallest share that counts then.
    pub(crate) least_share: u32,
}

/// A round: what its lanes do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The method.
    pub method: ParallelMethod,
    /// The lanes.
    pub lanes: Vec<Lane>,
    /// Images that each lane tries.
    pub steps: u32,
    /// How far a pixel moves in one step along a gradient, in ticks.
    pub move_size: i32,
    /// From which its random numbers follow.
    pub(super) key: Key,
}

impl Round {
    /// The round of that number. `ranking` has the classes but the label, the strongest first.
    pub(super) fn new(
        method: ParallelMethod,
        number: u64,
        lanes: usize,
        seed: u32,
        ball: &Ball,
        ranking: &[usize],
    ) -> Self {
        let tag = method as u32;
        let radius = ball.radius().signed();
        let (lanes, steps, move_size) = match method {
            ParallelMethod::Random => {
                let start = |index| match index % 2 {
                    0 => Start::Corner,
                    _ => Start::Uniform,
                };
                let lane = |index| Lane::new(start(index), None, 0);
                ((0..lanes).map(lane).collect(), RANDOM_STEPS, 0)
            }
            ParallelMethod::Fgsm => {
                let lanes = ranking.iter().flat_map(|&rival| {
                    SQUARINGS.map(|squarings| Lane::new(Start::Centre, Some(rival), squarings))
                });
                (lanes.collect(), 1, radius)
            }
            ParallelMethod::Pgd => {
                let lane = |index: usize| {
                    let start = match index == 0 && number == 0 {
                        true => Start::Centre,
                        false => Start::Uniform,
                    };
                    let aim = index / 2 % ranking.len();
                    let rival = (index % 2 == 1).then(|| ranking[aim]);
                    Lane::new(start, rival, SQUARINGS[index / 2 % SQUARINGS.len()])
                };
                // The nearest multiple of the grid's step, and at least one.
                let steps = (radius / ball.step() + PGD_SIZE / 2) / PGD_SIZE;
                let size = steps.max(1) * ball.step();
                ((0..lanes).map(lane).collect(), PGD_STEPS, size)
            }
            ParallelMethod::Square => {
                let lane = Lane::new(Start::Stripes, None, 0);
                (vec![lane; lanes], SQUARE_STEPS, 0)
            }
        };
        Self {
            method,
            lanes,
            steps,
            move_size,
            key: Key::new(seed, tag, number),
        }
    }

    /// Whether its lanes move along gradients.
    pub fn descends(&self) -> bool {
        matches!(self.method, ParallelMethod::Fgsm | ParallelMethod::Pgd)
    }

    /// Whether the lanes move before their first query: the image itself is none.
    pub fn moves_first(&self) -> bool {
        self.method == ParallelMethod::Fgsm
    }

    /// Rows and columns of the square that is tried in a step.
    pub(crate) fn square(&self, ball: &Ball, step: u32) -> [usize; 2] {
        let width = width(ball.shape(), step, self.steps);
        [width.min(ball.shape()[0]), width]
    }

    /// What the random numbers follow from.
    #[cfg(feature = "gpu")]
    pub(crate) fn key(&self) -> [u32; 4] {
        self.key.0
    }
}

impl Lane {
    fn new(start: Start, rival: Option<usize>, squarings: u32) -> Self {
        Self {
            start,
            rival,
            squarings,
            least_share: LEAST_SHARES[squarings as usize / 2],
        }
    }
}

/// Of 0, 2, 4, 6, 8 and 10 squarings.
static LEAST_SHARES: LazyLock<[u32; 6]> = LazyLock::new(|| [0, 2, 4, 6, 8, 10].map(least_share));
