//! The exact integer network under attack.
//!
//! What counts is always the integer network itself. Only the gradients are floats, and they only
//! propose: a wrong one costs the attack its strength, and nobody a wrong answer.

use super::target::{Change, Smoothing, Target, strongest_rival};
use crate::exact::{Evaluator, ExactNet, SparseLayer};

/// Gradients smaller than this share of a logit's are left out.
const NEGLIGIBLE: f32 = 1.0 / (1 << 20) as f32;

/// An exact network with what attacks need beside it. Many threads may attack it at once.
#[derive(Clone, Debug)]
pub struct ExactTargetNet {
    net: ExactNet,
    layers: Vec<SparseLayer>,
}

impl ExactTargetNet {
    /// Prepares a network.
    pub fn new(net: ExactNet) -> Self {
        let layers = net.to_sparse();
        Self { net, layers }
    }

    /// The network.
    pub fn net(&self) -> &ExactNet {
        &self.net
    }

    /// Buffers to attack with; keep them for many images.
    pub fn target(&self) -> ExactTarget<'_> {
        ExactTarget {
            prepared: self,
            evaluator: self.net.evaluator(),
            base: vec![0; self.net.inputs()],
            tried: vec![0; self.net.inputs()],
        }
    }
}

/// An [`ExactNet`] under attack.
#[derive(Clone, Debug)]
pub struct ExactTarget<'net> {
    prepared: &'net ExactTargetNet,
    evaluator: Evaluator<'net>,
    base: Vec<i32>,
    tried: Vec<i32>,
}

impl ExactTarget<'_> {
    /// Logits in units of one input.
    fn run(&mut self, input: &[i32]) -> impl Iterator<Item = f64> {
        let logits = self.evaluator.logits_at(input);
        let logits = logits.expect("attacks stay in the domain of the net");
        logits.iter().map(|&logit| f64::from(logit))
    }

    /// The gradient, `[inputs]`, of `z_label − z_rival` at the input that was last run.
    fn gradient(&self, label: usize, rival: usize, smoothing: Smoothing) -> Vec<f32> {
        let mut slopes: Vec<f32> = vec![0.0; self.prepared.net.classes()];
        // A logit is minus its unit's value.
        (slopes[label], slopes[rival]) = (-1.0, 1.0);
        let values = self.evaluator.values();
        for (index, layer) in self.prepared.layers.iter().enumerate().rev() {
            let (x, units) = (&values[index], &values[index + 1]);
            let mut before = vec![0.0; layer.inputs];
            for (unit, &slope) in slopes.iter().enumerate() {
                if slope.abs() < NEGLIGIBLE || units[unit] == 0 {
                    continue;
                }
                let row = layer.starts[unit]..layer.starts[unit + 1];
                let columns = &layer.columns[row.clone()];
                let weights = &layer.weights[row];
                let row = Row {
                    columns,
                    weights,
                    x,
                    value: units[unit],
                };
                match smoothing {
                    Smoothing::Exact => row.pass_exact(slope, &mut before),
                    Smoothing::P(p) => row.pass_smoothed(p, slope, &mut before),
                }
            }
            slopes = before;
        }
        slopes
    }
}

/// A unit's kept weights, its inputs and its value.
struct Row<'a> {
    columns: &'a [u16],
    weights: &'a [i32],
    x: &'a [i32],
    value: i32,
}

impl Row<'_> {
    /// `(column, x − w)` of every weight.
    fn differences(&self) -> impl Iterator<Item = (usize, i32)> {
        let columns = self.columns.iter().map(|&column| usize::from(column));
        let weights = columns.zip(self.weights);
        weights.map(|(column, weight)| (column, self.x[column] - weight))
    }

    /// Passes the unit's slope to the lowest of its largest coordinates.
    fn pass_exact(&self, slope: f32, before: &mut [f32]) {
        let mut largest = self.differences().filter(|(_, d)| d.abs() == self.value);
        let (column, difference) = largest
            .next()
            .expect("a unit's value is one of its distances");
        before[column] += slope * difference.signum() as f32;
    }

    /// Passes the unit's slope on as ‖·‖_p does: `(|d_i| / ‖d‖∞)^(p−1) / Σ (|d| / ‖d‖∞)^p` each.
    ///
    /// That is the gradient of ‖d‖_p but for the factor `(Σ …)^(1/p)`, hardly above 1, which is
    /// left out so that only additions, multiplications and divisions occur and every machine
    /// computes the same bits.
    fn pass_smoothed(&self, p: u16, slope: f32, before: &mut [f32]) {
        let share = |difference: i32| difference.unsigned_abs() as f32 / self.value as f32;
        let power = |difference: i32| power(share(difference), p - 1);
        let sum: f32 = self.differences().map(|(_, d)| power(d) * share(d)).sum();
        for (column, difference) in self.differences() {
            before[column] += slope * power(difference) / sum * difference.signum() as f32;
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
        self.prepared.net.scale()
    }

    fn inputs(&self) -> usize {
        self.prepared.net.inputs()
    }

    fn classes(&self) -> usize {
        self.prepared.net.classes()
    }

    fn logits(&mut self, inputs: &[i32]) -> Vec<f64> {
        let mut logits = Vec::new();
        for input in inputs.chunks(self.inputs()) {
            logits.extend(self.run(input));
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
            let own: Vec<_> = self.run(input).collect();
            let rival = rival.unwrap_or_else(|| strongest_rival(&own, label));
            gradients.extend(self.gradient(label, rival, smoothing));
            logits.extend(own);
        }
        (logits, gradients)
    }

    fn hold(&mut self, input: &[i32]) {
        self.base.copy_from_slice(input);
    }

    fn try_changes(&mut self, changes: &[Change]) -> Vec<f64> {
        self.tried.copy_from_slice(&self.base);
        for change in changes {
            self.tried[change.pixel] = change.value;
        }
        let tried = std::mem::take(&mut self.tried);
        let logits = self.run(&tried).collect();
        self.tried = tried;
        logits
    }

    fn keep_changes(&mut self) {
        self.base.copy_from_slice(&self.tried);
    }
}
