//! The exact integer network under attack.
//!
//! What counts is always the integer network itself. Only the gradients are floats, and they only
//! propose: a wrong one costs the attack its strength, and nobody a wrong answer.

use super::Ball;
use super::target::{Change, Smoothing, Target, strongest_rival};
use crate::exact::{Evaluator, ExactNet, LocalEvaluator, LocalWeight};

/// Gradients, and shares of a gradient, that are smaller than this are left out.
const NEGLIGIBLE: f32 = 1.0 / (1 << 20) as f32;

/// An [`ExactNet`] under attack.
#[derive(Clone, Debug)]
pub struct ExactTarget<'net> {
    evaluator: Evaluator<'net>,
    /// The network in the ball that was entered.
    local: Option<LocalEvaluator>,
}

impl<'net> ExactTarget<'net> {
    /// Buffers to attack with; keep them for many images.
    pub fn new(net: &'net ExactNet) -> Self {
        Self {
            evaluator: net.evaluator(),
            local: None,
        }
    }

    fn local(&mut self) -> &mut LocalEvaluator {
        self.local.as_mut().expect("a ball is entered first")
    }
}

/// The gradient, `[inputs]`, of `z_label − z_rival` at the input that was last run.
fn gradient(local: &LocalEvaluator, label: usize, rival: usize, smoothing: Smoothing) -> Vec<f32> {
    let (layers, values) = (local.net().layers(), local.values());
    let mut slopes: Vec<f32> = vec![0.0; values[layers.len()].len()];
    // A logit is minus its unit's value.
    (slopes[label], slopes[rival]) = (-1.0, 1.0);
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
            match smoothing {
                Smoothing::Exact => row.pass_exact(slope, &mut before),
                Smoothing::P(p) => row.pass_smoothed(p, slope, &mut before),
            }
        }
        slopes = before;
    }
    slopes
}

/// A unit's kept weights, its inputs and its value.
struct Row<'a> {
    weights: &'a [LocalWeight],
    x: &'a [i32],
    value: i32,
}

impl Row<'_> {
    /// `(input, x − w)` of the weights, the longest reach first.
    fn differences(weights: &[LocalWeight], x: &[i32]) -> impl Iterator<Item = (usize, i32)> {
        weights.iter().map(|weight| {
            let input = usize::from(weight.input);
            (input, x[input] - weight.weight)
        })
    }

    /// Passes the unit's slope to the lowest of its largest coordinates. A unit at its floor has
    /// none: nothing in the ball can lower it.
    fn pass_exact(&self, slope: f32, before: &mut [f32]) {
        let all = Self::differences(self.weights, self.x);
        if let Some((input, difference)) = all.filter(|(_, d)| d.abs() == self.value).min() {
            before[input] += slope * difference.signum() as f32;
        }
    }

    /// Passes the unit's slope on as ‖·‖_p does: `(|d_i| / ‖d‖∞)^(p−1) / Σ (|d| / ‖d‖∞)^p` each.
    ///
    /// That is the gradient of ‖d‖_p but for the factor `(Σ …)^(1/p)`, hardly above 1, which is
    /// left out so that only additions, multiplications and divisions occur and every machine
    /// computes the same bits.
    fn pass_smoothed(&self, p: u16, slope: f32, before: &mut [f32]) {
        let share = |distance: i32| distance as f32 / self.value as f32;
        let end = self
            .weights
            .partition_point(|weight| power(share(weight.reach), p - 1) >= NEGLIGIBLE);
        let weights = &self.weights[..end];
        let sum: f32 = Self::differences(weights, self.x)
            .map(|(_, d)| power(share(d.abs()), p))
            .sum();
        if sum == 0.0 {
            return;
        }
        for (input, difference) in Self::differences(weights, self.x) {
            let passed = power(share(difference.abs()), p - 1) / sum;
            before[input] += slope * passed * difference.signum() as f32;
        }
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

impl Target for ExactTarget<'_> {
    fn scale(&self) -> u32 {
        self.evaluator.net().scale()
    }

    fn inputs(&self) -> usize {
        self.evaluator.net().inputs()
    }

    fn classes(&self) -> usize {
        self.evaluator.net().classes()
    }

    fn enter(&mut self, ball: &Ball) {
        let radius = ball.radius().unsigned_abs();
        let local = ExactNet::local(&mut self.evaluator, ball.centre(), radius);
        self.local = Some(LocalEvaluator::new(local.expect("a ball is in the domain")));
    }

    fn logits(&mut self, inputs: &[i32]) -> Vec<f64> {
        let mut logits = Vec::new();
        for input in inputs.chunks(self.inputs()) {
            logits.extend(exact(&self.local().logits(input)));
        }
        logits
    }

    fn gradients(
        &mut self,
        inputs: &[i32],
        label: usize,
        rivals: &[Option<usize>],
        smoothings: &[Smoothing],
    ) -> (Vec<f64>, Vec<f32>) {
        let (mut logits, mut gradients) = (Vec::new(), Vec::new());
        let aims = rivals.iter().zip(smoothings);
        for (input, (&rival, &smoothing)) in inputs.chunks(self.inputs()).zip(aims) {
            let local = self.local();
            let own: Vec<_> = exact(&local.logits(input)).collect();
            let rival = rival.unwrap_or_else(|| strongest_rival(&own, label));
            gradients.extend(gradient(local, label, rival, smoothing));
            logits.extend(own);
        }
        (logits, gradients)
    }

    fn hold(&mut self, input: &[i32]) {
        self.local().hold(input);
    }

    fn try_changes(&mut self, changes: &[Change]) -> Vec<f64> {
        let changes = changes.iter().map(|change| (change.pixel, change.value));
        exact(&self.local().try_changes(changes)).collect()
    }

    fn keep_changes(&mut self) {
        self.local().keep_changes();
    }
}

/// Integer logits as the numbers in which all networks' are compared; nothing is rounded.
fn exact(logits: &[i32]) -> impl Iterator<Item = f64> {
    logits.iter().copied().map(f64::from)
}
