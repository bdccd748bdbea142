//! A baseline under attack.

use super::{BaselineNet, Evaluator};
use crate::attack::{Ball, Change, Classifier, Surrogate, runner_up_of};

/// A baseline under attack. A tick is 1/`scale` of a pixel level.
///
/// Its logits are dimensionless. They are multiplied by `scale`, as those of an exact network are in
/// ticks; that is exact, since `scale` is a power of two.
#[derive(Debug)]
pub struct BaselineClassifier {
    net: Evaluator,
    inputs: usize,
    classes: usize,
    scale: u32,
    base: Vec<i32>,
    tried: Vec<i32>,
}

impl BaselineClassifier {
    /// Makes a classifier to attack in ticks of 1/`scale` of a level; `scale` is a power of two.
    pub fn new(plain: &BaselineNet, scale: u32) -> Self {
        debug_assert!(scale.is_power_of_two());
        Self {
            net: Evaluator::new(plain),
            inputs: plain.inputs(),
            classes: plain.classes(),
            scale,
            base: vec![0; plain.inputs()],
            tried: vec![0; plain.inputs()],
        }
    }

    /// Inputs in ticks as levels, which are exact in f32.
    fn levels(&self, inputs: &[i32]) -> Vec<f32> {
        let scale = self.scale as f32;
        inputs.iter().map(|&ticks| ticks as f32 / scale).collect()
    }

    fn scaled(&self, logits: &[f32]) -> Vec<f64> {
        let scale = f64::from(self.scale);
        logits
            .iter()
            .map(|&logit| f64::from(logit) * scale)
            .collect()
    }
}

impl Classifier for BaselineClassifier {
    fn scale(&self) -> u32 {
        self.scale
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn classes(&self) -> usize {
        self.classes
    }

    /// There is nothing to prepare.
    fn enter(&mut self, _ball: &Ball) {}

    fn logits(&mut self, inputs: &[i32]) -> Vec<f64> {
        self.scaled(&self.net.logits(&self.levels(inputs)))
    }

    fn gradients(
        &mut self,
        inputs: &[i32],
        label: usize,
        runners_up: &[Option<usize>],
        _surrogates: &[Surrogate],
    ) -> (Vec<f64>, Vec<f32>) {
        let classes = self.classes;
        let activations = self.net.activations(&self.levels(inputs));
        let logits = self.scaled(activations.logits());
        let mut direction = vec![0.0; logits.len()];
        let rows = logits.chunks(classes).zip(direction.chunks_mut(classes));
        for ((logits, direction), runner_up) in rows.zip(runners_up) {
            let runner_up = runner_up.unwrap_or_else(|| runner_up_of(logits, label));
            (direction[label], direction[runner_up]) = (1.0, -1.0);
        }
        let gradients = self.net.input_gradients(&activations, direction);
        (logits, gradients)
    }

    fn hold(&mut self, input: &[i32]) {
        self.base.copy_from_slice(input);
    }

    /// Evaluates the whole network: sums that are only brought up to date round otherwise than
    /// those of the network that runs.
    fn try_changes(&mut self, changes: &[Change]) -> Vec<f64> {
        self.tried.copy_from_slice(&self.base);
        for change in changes {
            self.tried[change.pixel] = change.value;
        }
        self.scaled(&self.net.logits(&self.levels(&self.tried)))
    }

    fn keep_changes(&mut self) {
        self.base.copy_from_slice(&self.tried);
    }
}
