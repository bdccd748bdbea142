//! The lanes of a round on the CPU: the specification of what a GPU does.

use super::plan::{ParallelMethod, Round, Start};
use super::random::{Key, below};
use super::run::Outcome;
use super::surrogate::gradient;
use crate::attack::{Ball, runner_up_of};
use crate::exact::{BATCH, Evaluator, ExactNet, IncrementalEvaluator};

/// A ball entered by an exact network, and the lanes of a round in it.
#[derive(Clone, Debug)]
pub struct Lanes {
    ball: Ball,
    label: usize,
    local: IncrementalEvaluator,
    lanes: Vec<State>,
    /// The round of the lanes and its next step.
    at: Option<(Key, u32)>,
}

/// One lane between two steps.
#[derive(Clone, Debug)]
struct State {
    /// The image that is evaluated next; of Square the one that it holds.
    input: Vec<i32>,
    /// Of Square: the smallest margin so far.
    smallest: i32,
}

impl Lanes {
    /// Enters a ball, whose `label` is under attack. `evaluator` is one of the net's.
    ///
    /// # Panics
    /// If the ball is one of another number of pixels than the net has inputs.
    pub fn new(evaluator: &mut Evaluator<'_>, ball: Ball, label: usize) -> Self {
        let local = ExactNet::restrict(evaluator, ball.centre(), ball.radius());
        let local = local.expect("a ball is in the domain");
        Self {
            local: IncrementalEvaluator::new(local),
            ball,
            label,
            lanes: Vec::new(),
            at: None,
        }
    }

    /// The ball.
    pub fn ball(&self) -> &Ball {
        &self.ball
    }

    /// The classes but the label, the strongest at the centre first, the lowest of equal ones.
    pub(super) fn ranking(&mut self) -> Vec<usize> {
        let logits = self.local.logits(self.ball.centre());
        let mut logits: Vec<_> = logits.into_iter().map(f64::from).collect();
        let mut next = || {
            let rival = runner_up_of(&logits, self.label);
            logits[rival] = f64::NEG_INFINITY;
            rival
        };
        (1..self.local.net().classes()).map(|_| next()).collect()
    }

    /// The net that is restricted to the ball.
    #[cfg(feature = "gpu")]
    pub(crate) fn net(&self) -> &crate::exact::RestrictedNet {
        self.local.net()
    }

    /// Logits in ticks, `[classes]`, of an image of the ball, `[inputs]`.
    pub(super) fn evaluate(&mut self, input: &[i32]) -> Vec<i32> {
        self.local.logits(input)
    }

    fn logits(&mut self, input: &[i32]) -> Vec<f64> {
        let logits = self.local.logits(input);
        logits.into_iter().map(f64::from).collect()
    }

    /// The step of a round that the lanes take next. Those of [`ParallelMethod::Random`] can take any.
    pub(super) fn reached(&self, round: &Round) -> u32 {
        match (round.method, self.at) {
            (ParallelMethod::Random, _) => u32::MAX,
            (_, Some((key, step))) if key == round.key => step,
            _ => 0,
        }
    }

    /// Takes the steps `first..first + steps` of a round, which begins with step 0. The queries are
    /// numbered from step to step, and within a step from lane to lane.
    pub fn run(&mut self, round: &Round, first: u32, steps: u32) -> Outcome {
        if round.method == ParallelMethod::Random {
            return self.random(round, first, steps);
        }
        if first == 0 || self.at.is_none_or(|(key, _)| key != round.key) {
            self.begin(round);
        }
        self.at = Some((round.key, first + steps));
        let mut outcome = Outcome::default();
        let mut lanes = std::mem::take(&mut self.lanes);
        for (index, lane) in lanes.iter_mut().enumerate() {
            if round.method == ParallelMethod::Square {
                self.local.hold(&lane.input);
            }
            for step in first..first + steps {
                let query = (step - first) as usize * round.lanes.len() + index;
                self.step(round, index, lane, step, query, &mut outcome);
            }
        }
        self.lanes = lanes;
        outcome
    }

    /// Evaluates random images side by side, as no lane depends on its step before.
    fn random(&mut self, round: &Round, first: u32, steps: u32) -> Outcome {
        let mut outcome = Outcome::default();
        let (ball, lanes) = (&self.ball, round.lanes.len());
        let (pixels, classes) = (ball.pixels(), self.local.net().classes());
        for step in first..first + steps {
            for (group, from) in round.lanes.chunks(BATCH).zip((0..).step_by(BATCH)) {
                let starts = group.iter().zip(from..);
                let inputs: Vec<_> = starts
                    .flat_map(|(lane, index)| start(ball, round.key, lane.start, index, step))
                    .collect();
                let logits = self.local.batch_logits(&inputs);
                let before = (step - first) as usize * lanes + from as usize;
                let images = inputs.chunks_exact(pixels);
                for (at, (input, logits)) in images.zip(logits.chunks_exact(classes)).enumerate() {
                    outcome.count(margin(logits, self.label), before + at, input);
                }
            }
        }
        outcome
    }

    fn begin(&mut self, round: &Round) {
        let lanes = round.lanes.iter().zip(0..);
        let starts: Vec<_> = lanes
            .map(|(lane, index)| start(&self.ball, round.key, lane.start, index, 0))
            .collect();
        self.lanes = Vec::with_capacity(starts.len());
        for (index, input) in starts.into_iter().enumerate() {
            let mut lane = State {
                input,
                smallest: i32::MAX,
            };
            if round.moves_first() {
                self.move_on(round, index, &mut lane);
            }
            self.lanes.push(lane);
        }
    }

    fn step(
        &mut self,
        round: &Round,
        index: usize,
        lane: &mut State,
        step: u32,
        query: usize,
        outcome: &mut Outcome,
    ) {
        match round.method {
            ParallelMethod::Square if step == 0 => {
                lane.smallest = self.margin(&lane.input);
                outcome.count(lane.smallest, query, &lane.input);
            }
            ParallelMethod::Square => self.square(round, index, lane, step, query, outcome),
            _ => {
                let margin = self.margin(&lane.input);
                outcome.count(margin, query, &lane.input);
                if step + 1 < round.steps {
                    self.move_on(round, index, lane);
                }
            }
        }
    }

    /// Moves every pixel of the image that a lane evaluated last against the sign of its gradient.
    fn move_on(&mut self, round: &Round, index: usize, lane: &mut State) {
        let settings = round.lanes[index];
        let logits = self.logits(&lane.input);
        let rival = settings
            .rival
            .unwrap_or_else(|| runner_up_of(&logits, self.label));
        let (net, values) = (self.local.net(), self.local.values());
        let gradient = gradient(net, values, self.label, rival, settings.squarings);
        for (pixel, (value, slope)) in lane.input.iter_mut().zip(gradient).enumerate() {
            let moved = *value - round.move_size * slope.signum();
            *value = moved.clamp(self.ball.lower(pixel), self.ball.upper(pixel));
        }
    }

    /// Tries a square: it goes to the end at which its first pixel is not, so that none changes nothing.
    fn square(
        &mut self,
        round: &Round,
        index: usize,
        lane: &mut State,
        step: u32,
        query: usize,
        outcome: &mut Outcome,
    ) {
        let [rows, columns] = self.ball.shape();
        let [height, width] = round.square(&self.ball, step);
        let [row, column, ..] = round.key.words(0, index as u32, step);
        let row = below((rows - height + 1) as u32, row) as usize;
        let column = below((columns - width + 1) as u32, column) as usize;
        let first = row * columns + column;
        let upper = lane.input[first] != self.ball.upper(first);
        let pixels = (row..row + height)
            .flat_map(|row| (column..column + width).map(move |column| row * columns + column));
        let changes: Vec<_> = pixels
            .map(|pixel| (pixel, self.ball.end(pixel, upper)))
            .collect();
        let logits = self.local.try_changes(changes.iter().copied());
        let margin = margin(&logits, self.label);
        let mut tried = lane.input.clone();
        for (pixel, value) in changes {
            tried[pixel] = value;
        }
        outcome.count(margin, query, &tried);
        if margin < lane.smallest {
            (lane.input, lane.smallest) = (tried, margin);
            self.local.keep_changes();
        }
    }

    fn margin(&mut self, input: &[i32]) -> i32 {
        margin(&self.local.logits(input), self.label)
    }
}

/// How far `label` is above every other class; at most 0 when it is lost.
pub(crate) fn margin(logits: &[i32], label: usize) -> i32 {
    let others = logits.iter().enumerate();
    let others = others.filter(|&(class, _)| class != label);
    let most = others.map(|(_, &logit)| logit).max();
    logits[label] - most.expect("a network has at least two classes")
}

/// A perturbed image to begin with.
fn start(ball: &Ball, key: Key, start: Start, lane: u32, step: u32) -> Vec<i32> {
    let [_, columns] = ball.shape();
    let corner = |pixel, at| ball.end(pixel, key.word(at, lane, step) >> 31 == 1);
    let value = |pixel| match start {
        Start::Centre => ball.centre()[pixel],
        Start::Uniform => {
            let (lower, upper) = (ball.lower(pixel), ball.upper(pixel));
            let count = ((upper - lower) / ball.step() + 1).unsigned_abs();
            lower + ball.step() * below(count, key.word(pixel, lane, step)) as i32
        }
        Start::Corner => corner(pixel, pixel),
        Start::Stripes => corner(pixel, pixel % columns),
    };
    (0..ball.pixels()).map(value).collect()
}
