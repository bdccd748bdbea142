//! A baseline under attack: Burn evaluates it and gives its gradients.

use burn::Tensor;
use burn::tensor::{Device, TensorData};

use super::relu_net::to_vec;
use super::{BaselineNet, ReluNet};
use crate::attack::{Ball, Change, Classifier, Surrogate, runner_up_of};

/// A baseline under attack. A tick is 1/`scale` of a pixel level.
///
/// Its logits are dimensionless. They are multiplied by `scale`, as those of an exact network are in
/// ticks; that is exact, since `scale` is a power of two.
#[derive(Debug)]
pub struct BaselineClassifier {
    net: ReluNet,
    device: Device,
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
        let device = Device::flex();
        Self {
            net: ReluNet::from_net(plain, &device),
            device,
            inputs: plain.inputs(),
            classes: plain.classes(),
            scale,
            base: vec![0; plain.inputs()],
            tried: vec![0; plain.inputs()],
        }
    }

    /// Inputs in ticks as a batch of levels. Both are exact in f32.
    fn batch(&self, inputs: &[i32]) -> Tensor<2> {
        let levels = inputs.iter().map(|&ticks| ticks as f32 / self.scale as f32);
        let shape = [inputs.len() / self.inputs, self.inputs];
        Tensor::from_data(
            TensorData::new(levels.collect::<Vec<_>>(), shape),
            &self.device,
        )
    }

    fn scaled(&self, logits: Tensor<2>) -> Vec<f64> {
        let logits = to_vec(logits).into_iter();
        logits
            .map(|logit| f64::from(logit) * f64::from(self.scale))
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
        self.scaled(self.net.forward(self.batch(inputs)))
    }

    fn gradients(
        &mut self,
        inputs: &[i32],
        label: usize,
        runners_up: &[Option<usize>],
        _surrogates: &[Surrogate],
    ) -> (Vec<f64>, Vec<f32>) {
        let classes = self.classes;
        let device = &self.device;
        let margins = |logits: Tensor<2>| {
            let values = to_vec(logits.clone().inner());
            let mut direction = vec![0.0f32; values.len()];
            let rows = values.chunks(classes).zip(direction.chunks_mut(classes));
            for ((logits, direction), runner_up) in rows.zip(runners_up) {
                let logits: Vec<f64> = logits.iter().copied().map(f64::from).collect();
                let runner_up = runner_up.unwrap_or_else(|| runner_up_of(&logits, label));
                (direction[label], direction[runner_up]) = (1.0, -1.0);
            }
            let direction = TensorData::new(direction, logits.shape());
            (logits * Tensor::from_data(direction, device)).sum()
        };
        let (logits, gradients) = self.net.input_gradient(self.batch(inputs), margins);
        (self.scaled(logits), to_vec(gradients))
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
        self.scaled(self.net.forward(self.batch(&self.tried)))
    }

    fn keep_changes(&mut self) {
        self.base.copy_from_slice(&self.tried);
    }
}
