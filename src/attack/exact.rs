//! The exact integer network under attack.
//!
//! Every answer comes from the integer network itself. Only the gradients are floats, and they only
//! propose: a bad gradient weakens the attack and makes no answer wrong.

use super::Ball;
use super::classifier::{Change, Classifier, Surrogate, runner_up_of};
use crate::exact::{Evaluator, ExactNet, IncrementalEvaluator, RestrictedWeight, decisive};

/// Gradients, and shares of a gradient, that are smaller than this are left out.
const NEGLIGIBLE: f32 = 1.0 / (1 << 20) as f32;

/// An [`ExactNet`] under attack.
#[derive(Clone, Debug)]
pub struct ExactClassifier<'net> {
    evaluator: Evaluator<'net>,
    entered: Entered,
}

/// The entered ball, and the network restricted to it. Restricting takes longer than many queries, so
/// it is worth keeping for the next classifier of the same network.
#[derive(Clone, Debug, Default)]
pub struct Entered(Option<(Ball, IncrementalEvaluator)>);

impl<'net> ExactClassifier<'net> {
    /// Buffers to attack with; keep them for many images.
    pub fn new(net: &'net ExactNet) -> Self {
        Self::resumed(net, Entered::default())
    }

    /// Makes a classifier that has entered what another one of the same network has left.
    pub fn resumed(net: &'net ExactNet, entered: Entered) -> Self {
        Self {
            evaluator: net.evaluator(),
            entered,
        }
    }

    /// What was entered, for [`Self::resumed`].
    pub fn leave(self) -> Entered {
        self.entered
    }

    fn incremental(&mut self) -> &mut IncrementalEvaluator {
        let Entered(entered) = &mut self.entered;
        &mut entered.as_mut().expect("a ball is entered first").1
    }
}

/// The gradient, `[inputs]`, of `z_label − z_runner_up` at the input that was last run.
fn gradient(
    local: &IncrementalEvaluator,
    label: usize,
    runner_up: usize,
    surrogate: Surrogate,
) -> Vec<f32> {
    let (layers, values) = (local.net().layers(), local.values());
    let mut slopes: Vec<f32> = vec![0.0; values[layers.len()].len()];
    for member in slopes.chunks_exact_mut(local.net().classes()) {
        // What a member adds to a logit is minus its unit's value.
        (member[label], member[runner_up]) = (-1.0, 1.0);
    }
    let power = match surrogate {
        Surrogate::Exact => None,
        Surrogate::P(p) => Some(Power::new(p)),
    };
    let mut passed = Vec::new();
    for (index, layer) in layers.iter().enumerate().rev() {
        let (x, units) = (&values[index], &values[index + 1]);
        let mut before = vec![0.0; layer.inputs()];
        for (unit, &slope) in slopes.iter().enumerate() {
            let value = units[unit];
            if slope.abs() < NEGLIGIBLE || value == 0 {
                continue;
            }
            let weights = layer.row(unit);
            let row = Row { weights, x, value };
            match &power {
                None => row.pass_exact(slope, &mut before),
                Some(power) => row.pass_surrogate(power, slope, &mut before, &mut passed),
            }
        }
        slopes = before;
    }
    slopes
}

/// A unit's kept weights, its inputs and its value.
struct Row<'a> {
    weights: &'a [RestrictedWeight],
    x: &'a [i32],
    value: i32,
}

impl Row<'_> {
    /// `(input, x − w)` of the weights, the longest reach first.
    fn differences(weights: &[RestrictedWeight], x: &[i32]) -> impl Iterator<Item = (usize, i32)> {
        weights.iter().map(|weight| {
            let input = usize::from(weight.input);
            (input, x[input] - weight.weight)
        })
    }

    /// Passes the unit's slope on along the arg-max path. A unit at its floor has no such input:
    /// nothing in the ball can lower it.
    fn pass_exact(&self, slope: f32, before: &mut [f32]) {
        let all = Self::differences(self.weights, self.x);
        let distances = all.map(|(input, difference)| (input, difference.abs(), difference));
        if let Some((input, difference)) = decisive(distances, self.value) {
            before[input] += slope * difference.signum() as f32;
        }
    }

    /// Passes the unit's slope on as ‖·‖_p does: `(|d_i| / ‖d‖∞)^(p−1) / Σ (|d| / ‖d‖∞)^p` each.
    ///
    /// That is the gradient of ‖d‖_p but for the factor `(Σ …)^(1/p)`, hardly above 1, which is
    /// left out so that only additions, multiplications and divisions occur and every machine
    /// computes the same bits. `passed` is room for what is passed on.
    fn pass_surrogate(&self, power: &Power, slope: f32, before: &mut [f32], passed: &mut Vec<f32>) {
        let value = self.value as f32;
        let least = power.least_reach(self.value);
        let mut sum = 0.0;
        passed.clear();
        for weights in self.weights.chunks(LANES) {
            // The longest reach comes first.
            let counting = weights
                .iter()
                .filter(|weight| weight.reach >= least)
                .count();
            let weights = &weights[..counting];
            if weights.is_empty() {
                break;
            }
            let (mut distances, mut signs) = ([0.0; LANES], [0.0; LANES]);
            for (lane, (_, d)) in Self::differences(weights, self.x).enumerate() {
                distances[lane] = d.abs() as f32;
                signs[lane] = d.signum() as f32;
            }
            let [less, full] = power.raise(distances.map(|distance| distance / value));
            full[..weights.len()].iter().for_each(|term| sum += term);
            let signed: [f32; LANES] = std::array::from_fn(|lane| less[lane] * signs[lane]);
            passed.extend_from_slice(&signed[..weights.len()]);
        }
        if sum == 0.0 {
            return;
        }
        for (weight, passed) in self.weights.iter().zip(passed) {
            before[usize::from(weight.input)] += slope * (*passed / sum);
        }
    }
}

/// Numbers that are raised to a power together.
const LANES: usize = 8;

/// Raises shares to the powers p − 1 and p.
struct Power {
    p: u16,
    /// The smallest share whose power p − 1 is not negligible.
    smallest_share: f32,
}

impl Power {
    fn new(p: u16) -> Self {
        // Rounding keeps the order of products, so the power grows with the share; and the bits of
        // numbers that are not negative are in their order.
        let (mut below, mut from) = (0u32, f32::INFINITY.to_bits());
        while below < from {
            let middle = (below + from) / 2;
            if power(f32::from_bits(middle), p - 1) >= NEGLIGIBLE {
                from = middle;
            } else {
                below = middle + 1;
            }
        }
        Self {
            p,
            smallest_share: f32::from_bits(from),
        }
    }

    /// The shortest reach whose share of a unit's `value` is not negligible.
    fn least_reach(&self, value: i32) -> i32 {
        let counts = |reach: i32| reach as f32 / value as f32 >= self.smallest_share;
        let mut reach = (self.smallest_share * value as f32) as i32;
        // The product and the quotient need not round alike.
        while counts(reach) && reach > 0 {
            reach -= 1;
        }
        while !counts(reach) {
            reach += 1;
        }
        reach
    }

    /// The powers p − 1, then the powers p, to the bit those of [`power`].
    #[inline(always)]
    fn raise(&self, shares: [f32; LANES]) -> [[f32; LANES]; 2] {
        if !self.p.is_power_of_two() {
            return [self.p - 1, self.p].map(|p| shares.map(|share| power(share, p)));
        }
        // The squares on the way to the one make up the other.
        let (mut less, mut square) = ([1.0; LANES], shares);
        for _ in 0..self.p.trailing_zeros() {
            for lane in 0..LANES {
                less[lane] *= square[lane];
                square[lane] *= square[lane];
            }
        }
        [less, square]
    }
}

/// `base^exponent` by squaring.
fn power(mut base: f32, mut exponent: u16) -> f32 {
    let mut power = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            power *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    power
}

impl Classifier for ExactClassifier<'_> {
    fn scale(&self) -> u32 {
        self.evaluator.net().scale()
    }

    fn inputs(&self) -> usize {
        self.evaluator.net().inputs()
    }

    fn classes(&self) -> usize {
        self.evaluator.net().classes()
    }

    fn members(&self) -> usize {
        self.evaluator.net().members()
    }

    fn enter(&mut self, ball: &Ball) {
        let is_there = |(entered, _): &(Ball, _)| entered == ball;
        if self.entered.0.as_ref().is_some_and(is_there) {
            return;
        }
        let local = ExactNet::restrict(&mut self.evaluator, ball.centre(), ball.radius());
        let local = IncrementalEvaluator::new(local.expect("a ball is in the domain"));
        self.entered = Entered(Some((ball.clone(), local)));
    }

    fn logits(&mut self, inputs: &[i32]) -> Vec<f64> {
        exact(&self.incremental().batch_logits(inputs)).collect()
    }

    fn gradients(
        &mut self,
        inputs: &[i32],
        label: usize,
        runners_up: &[Option<usize>],
        surrogates: &[Surrogate],
    ) -> (Vec<f64>, Vec<f32>) {
        let (mut logits, mut gradients) = (Vec::new(), Vec::new());
        let aims = runners_up.iter().zip(surrogates);
        for (input, (&runner_up, &surrogate)) in inputs.chunks(self.inputs()).zip(aims) {
            let local = self.incremental();
            let own: Vec<_> = exact(&local.logits(input)).collect();
            let runner_up = runner_up.unwrap_or_else(|| runner_up_of(&own, label));
            gradients.extend(gradient(local, label, runner_up, surrogate));
            logits.extend(own);
        }
        (logits, gradients)
    }

    fn hold(&mut self, input: &[i32]) {
        self.incremental().hold(input);
    }

    fn try_changes(&mut self, changes: &[Change]) -> Vec<f64> {
        let changes = changes.iter().map(|change| (change.pixel, change.value));
        exact(&self.incremental().try_changes(changes)).collect()
    }

    fn keep_changes(&mut self) {
        self.incremental().keep_changes();
    }
}

/// Integer logits as the numbers in which all networks' are compared; nothing is rounded.
fn exact(logits: &[i32]) -> impl Iterator<Item = f64> {
    logits.iter().copied().map(f64::from)
}
