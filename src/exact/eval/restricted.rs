//! Restricts a network to one box, in which attacks then evaluate it.
//!
//! Inside a box far fewer weights can decide than in the whole domain, so pruning is repeated there:
//! interval bounds give every unit a floor, weights that cannot come above it are dropped, and so are
//! units that no kept weight sees. For every input of the box the logits are those of the
//! [`ExactNet`], bit for bit. [`IncrementalEvaluator`](super::IncrementalEvaluator) evaluates whole
//! inputs and small changes of one.

use super::Evaluator;
use super::batch::{BATCH, ForwardBatch, Values, forward};
use crate::exact::certify::ibp::{Intervals, reach};
use crate::exact::net::Layer;
use crate::exact::{ExactNet, InputError, Ticks, logits_of_members};

/// Weights of a row between two checks for early exit.
const STRIDE: usize = 8;

/// An [`ExactNet`] pruned for the inputs of one box.
#[derive(Clone, Debug)]
pub struct RestrictedNet {
    /// Input side first; each sees the units that are kept of the layer before it.
    layers: Vec<RestrictedLayer>,
    bias: Vec<i32>,
    classes: usize,
}

/// The kept units of one layer.
#[derive(Clone, Debug)]
pub(crate) struct RestrictedLayer {
    inputs: usize,
    /// The least value of each unit in the box, at which its maximum begins, `[outputs]`.
    floors: Vec<i32>,
    /// Where each unit's weights start, and where the last one's end, `[outputs + 1]`.
    starts: Vec<usize>,
    /// Longest reach first within a unit.
    pub(super) weights: Vec<RestrictedWeight>,
}

/// A kept weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RestrictedWeight {
    /// Largest `|x − w|` in the box.
    pub(crate) reach: i32,
    /// The input that it sees.
    pub(crate) input: u16,
    /// The weight in ticks.
    pub(crate) weight: i32,
}

impl ExactNet {
    /// Restricts the net to the box of `radius` around `input`, clipped to the domain: the same
    /// function there. `evaluator` is one of this net's.
    pub fn restrict(
        evaluator: &mut Evaluator<'_>,
        input: &[i32],
        radius: Ticks,
    ) -> Result<RestrictedNet, InputError> {
        evaluator.logit_bounds_at(input, radius)?;
        let (net, boxes) = (evaluator.net(), evaluator.boxes());
        // From the logits down, since only what something sees is kept.
        let mut units: Vec<_> = (0..net.bias().len()).collect();
        let mut layers = Vec::new();
        for (index, layer) in net.layers().iter().enumerate().rev() {
            let mut local = RestrictedLayer::new(layer, &units, &boxes[index], &boxes[index + 1]);
            if index > 0 {
                units = local.keep_seen_inputs();
            }
            layers.push(local);
        }
        layers.reverse();
        Ok(RestrictedNet {
            layers,
            bias: net.bias().to_vec(),
            classes: net.classes(),
        })
    }
}

impl RestrictedNet {
    /// The layers, input side first.
    pub(crate) fn layers(&self) -> &[RestrictedLayer] {
        &self.layers
    }

    /// Number of classes; the last layer has so many units in each member.
    pub(crate) fn classes(&self) -> usize {
        self.classes
    }

    /// Number of weights that are kept.
    pub fn weights_kept(&self) -> usize {
        self.layers.iter().map(|layer| layer.weights.len()).sum()
    }

    /// Room for the values of every layer's units.
    pub(super) fn values(&self) -> Vec<Vec<i32>> {
        let inputs = self.layers.iter().map(|layer| vec![0; layer.inputs]);
        inputs.chain([vec![0; self.bias.len()]]).collect()
    }

    /// Room for the values of every layer's units, for a batch of inputs.
    pub(super) fn batch_values(&self) -> Vec<Vec<Values>> {
        let inputs = self
            .layers
            .iter()
            .map(|layer| vec![[0; BATCH]; layer.inputs]);
        inputs.chain([vec![[0; BATCH]; self.bias.len()]]).collect()
    }

    /// Logits in ticks, `[n, classes]`, of up to [`BATCH`] inputs of the box, `[n, inputs]`.
    pub(super) fn batch_logits(&self, inputs: &[i32], values: &mut [Vec<Values>]) -> Vec<i32> {
        let width = values[0].len();
        // A short batch is filled up with its last input.
        let last = inputs.len() / width - 1;
        for (pixel, values) in values[0].iter_mut().enumerate() {
            *values = std::array::from_fn(|lane| inputs[lane.min(last) * width + pixel]);
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, after) = values.split_at_mut(index + 1);
            forward(layer, &before[index], &mut after[0]);
        }
        let outputs = &values[self.layers.len()];
        let logits = (0..=last).flat_map(|lane| {
            logits_of_members(&self.bias, self.classes, move |unit| outputs[unit][lane])
        });
        logits.collect()
    }

    pub(super) fn logits(&self, values: &[Vec<i32>]) -> Vec<i32> {
        let last = values.last().expect("the input is always there");
        logits_of_members(&self.bias, self.classes, |unit| last[unit]).collect()
    }
}

impl RestrictedLayer {
    /// The given `units` of `layer`, for inputs in `before` and hence values in `after`.
    fn new(layer: &Layer, units: &[usize], before: &[Intervals], after: &[Intervals]) -> Self {
        let mut local = Self {
            inputs: layer.inputs(),
            floors: Vec::with_capacity(units.len()),
            starts: vec![0],
            weights: Vec::new(),
        };
        // All boxes are the same one; without the others the ends stay in the first cache level.
        let ends: Vec<_> = before.iter().map(|i| (i.lower[0], i.upper[0])).collect();
        for &unit in units {
            let floor = after[unit].lower[0];
            let start = local.weights.len();
            layer
                .weights_above(unit, floor)
                .for_each(|(input, weight)| {
                    let (lower, upper) = ends[input];
                    let reach = reach(lower, upper, weight);
                    if reach <= floor {
                        return;
                    }
                    // Padding repeats the weight before it.
                    let repeated = local.weights[start..]
                        .last()
                        .is_some_and(|last| usize::from(last.input) == input);
                    if !repeated {
                        local.weights.push(RestrictedWeight {
                            reach,
                            input: input as u16,
                            weight,
                        });
                    }
                });
            // No two weights of a unit see the same input.
            let row = &mut local.weights[start..];
            row.sort_unstable_by_key(|w| (std::cmp::Reverse(w.reach), w.input));
            local.floors.push(floor);
            local.starts.push(local.weights.len());
        }
        local
    }

    /// Leaves only the inputs that some weight sees, and returns what their numbers were.
    fn keep_seen_inputs(&mut self) -> Vec<usize> {
        let mut seen = vec![false; self.inputs];
        for weight in &self.weights {
            seen[usize::from(weight.input)] = true;
        }
        let kept: Vec<_> = (0..self.inputs).filter(|&input| seen[input]).collect();
        let mut numbers = vec![0; self.inputs];
        for (number, &input) in kept.iter().enumerate() {
            numbers[input] = number as u16;
        }
        for weight in &mut self.weights {
            weight.input = numbers[usize::from(weight.input)];
        }
        self.inputs = kept.len();
        kept
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(crate) fn outputs(&self) -> usize {
        self.floors.len()
    }

    /// The unit's least value in the box.
    #[cfg(any(feature = "gpu", feature = "interop"))]
    pub(crate) fn floor(&self, unit: usize) -> i32 {
        self.floors[unit]
    }

    /// The kept weights of a unit.
    pub(crate) fn row(&self, unit: usize) -> &[RestrictedWeight] {
        &self.weights[self.starts[unit]..self.starts[unit + 1]]
    }

    /// The unit's value.
    pub(super) fn value(&self, unit: usize, x: &[i32]) -> i32 {
        let mut largest = self.floors[unit];
        for weights in self.row(unit).chunks(STRIDE) {
            if weights[0].reach <= largest {
                break;
            }
            for weight in weights {
                largest = largest.max((x[usize::from(weight.input)] - weight.weight).abs());
            }
        }
        largest
    }
}

impl ForwardBatch for RestrictedLayer {
    #[inline(always)]
    fn forward_batch(&self, x: &[Values], values: &mut [Values]) {
        for (unit, value) in values.iter_mut().enumerate() {
            let mut largest = [self.floors[unit]; BATCH];
            for weights in self.row(unit).chunks(STRIDE) {
                let least = largest.iter().fold(i32::MAX, |least, &one| least.min(one));
                if weights[0].reach <= least {
                    break;
                }
                for weight in weights {
                    let x = &x[usize::from(weight.input)];
                    for lane in 0..BATCH {
                        largest[lane] = largest[lane].max((x[lane] - weight.weight).abs());
                    }
                }
            }
            *value = largest;
        }
    }
}
