//! The network as it is in one box: what attacks evaluate, which never leave their ball.
//!
//! Inside a box far fewer weights can decide than in the whole domain, so the pruning is repeated
//! there: interval bounds give every unit a floor, weights that cannot come above it are dropped,
//! and so are the units that no kept weight sees. For every input of the box the logits are those
//! of the [`ExactNet`], bit for bit.
//!
//! An input is evaluated whole, with early exit as in the net itself, or as a base with a few
//! changes: then only those units are looked at whose kept weights see something that changed.

use super::net::{Evaluator, Intervals, Layer, logits_of_heads};
use super::neuron::reach;
use super::{ExactNet, InputError};

/// Weights of a row between two looks at whether it can be left.
const STRIDE: usize = 8;

/// An [`ExactNet`] pruned for the inputs of one box.
#[derive(Clone, Debug)]
pub struct LocalNet {
    /// Input side first; each sees the units that are kept of the layer before it.
    layers: Vec<LocalLayer>,
    bias: Vec<i32>,
    classes: usize,
}

/// The units of one layer that something sees.
#[derive(Clone, Debug)]
pub(crate) struct LocalLayer {
    inputs: usize,
    /// The least value of each unit in the box, at which its maximum begins, `[outputs]`.
    floors: Vec<i32>,
    /// Where each unit's weights start, and where the last one's end, `[outputs + 1]`.
    starts: Vec<usize>,
    /// Longest reach first within a unit.
    weights: Vec<LocalWeight>,
}

/// A layer's weights sorted by input.
#[derive(Clone, Debug)]
struct Seen {
    /// Where the weights that see an input start, and the last end, `[inputs + 1]`.
    starts: Vec<usize>,
    /// Unit and weight.
    weights: Vec<(u16, i32)>,
}

/// A kept weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalWeight {
    /// Largest `|x − w|` in the box.
    pub(crate) reach: i32,
    /// The input that it sees.
    pub(crate) input: u16,
    /// The weight in units.
    pub(crate) weight: i32,
}

impl ExactNet {
    /// The same function in the box of `radius` units around `input`, clipped to the domain.
    /// `evaluator` is one of this net's.
    pub fn local(
        evaluator: &mut Evaluator<'_>,
        input: &[i32],
        radius: u32,
    ) -> Result<LocalNet, InputError> {
        evaluator.logit_bounds_at(input, radius)?;
        let (net, boxes) = (evaluator.net(), evaluator.boxes());
        // From the logits down, since only what something sees is kept.
        let mut units: Vec<_> = (0..net.bias().len()).collect();
        let mut layers = Vec::new();
        for (index, layer) in net.layers().iter().enumerate().rev() {
            let mut local = LocalLayer::new(layer, &units, &boxes[index], &boxes[index + 1]);
            if index > 0 {
                units = local.keep_seen_inputs();
            }
            layers.push(local);
        }
        layers.reverse();
        Ok(LocalNet {
            layers,
            bias: net.bias().to_vec(),
            classes: net.classes(),
        })
    }
}

impl LocalNet {
    /// The layers, input side first.
    pub(crate) fn layers(&self) -> &[LocalLayer] {
        &self.layers
    }

    /// Number of classes; the last layer has so many units in each head.
    pub(crate) fn classes(&self) -> usize {
        self.classes
    }

    /// Number of weights that are kept.
    pub fn weights_kept(&self) -> usize {
        self.layers.iter().map(|layer| layer.weights.len()).sum()
    }

    /// Room for the values of every layer's units.
    fn values(&self) -> Vec<Vec<i32>> {
        let inputs = self.layers.iter().map(|layer| vec![0; layer.inputs]);
        inputs.chain([vec![0; self.bias.len()]]).collect()
    }

    fn logits(&self, values: &[Vec<i32>]) -> Vec<i32> {
        let last = values.last().expect("the input is always there");
        logits_of_heads(&self.bias, self.classes, |unit| last[unit]).collect()
    }
}

impl LocalLayer {
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
                        local.weights.push(LocalWeight {
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

    fn outputs(&self) -> usize {
        self.floors.len()
    }

    /// The kept weights of a unit.
    pub(crate) fn row(&self, unit: usize) -> &[LocalWeight] {
        &self.weights[self.starts[unit]..self.starts[unit + 1]]
    }

    /// The unit's value.
    fn value(&self, unit: usize, x: &[i32]) -> i32 {
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

impl Seen {
    fn new(layer: &LocalLayer) -> Self {
        let mut starts = vec![0; layer.inputs + 1];
        for weight in &layer.weights {
            starts[usize::from(weight.input) + 1] += 1;
        }
        for input in 0..layer.inputs {
            starts[input + 1] += starts[input];
        }
        let mut next = starts.clone();
        let mut weights = vec![(0, 0); layer.weights.len()];
        for unit in 0..layer.outputs() {
            for weight in layer.row(unit) {
                let place = &mut next[usize::from(weight.input)];
                weights[*place] = (unit as u16, weight.weight);
                *place += 1;
            }
        }
        Self { starts, weights }
    }

    /// The kept weights that see an input, as unit and weight.
    fn by(&self, input: usize) -> &[(u16, i32)] {
        &self.weights[self.starts[input]..self.starts[input + 1]]
    }
}

/// Evaluates one [`LocalNet`]. Inputs outside its box give numbers without a meaning.
#[derive(Clone, Debug)]
pub struct LocalEvaluator {
    net: LocalNet,
    /// The input that was last run whole, and its values; none before the first.
    values: Vec<Vec<i32>>,
    is_run: bool,
    /// Of every layer, from the first change on: whoever tries none needs none.
    seen: Vec<Seen>,
    base: Base,
}

/// The base of changes.
#[derive(Clone, Debug)]
struct Base {
    /// The input, and the values of every layer; none before an input is held.
    values: Vec<Vec<i32>>,
    is_held: bool,
    /// What the changes that were last tried have replaced: layer, index, value.
    replaced: Vec<(usize, usize, i32)>,
    /// What has changed in the layer at hand: index, value before, value now.
    changed: Vec<(usize, i32, i32)>,
    /// The units that see it, and what it does to them.
    touched: Vec<usize>,
    /// Per unit; at rest outside of [`Base::propagate`].
    touch: Vec<Touch>,
}

/// What changes of its inputs do to a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Touch {
    #[default]
    None,
    /// A distance that was the largest has shrunk, and none is larger: look at all.
    Lost,
    /// A distance is larger than the value was.
    Raised(i32),
}

impl LocalEvaluator {
    /// Buffers for a network.
    pub fn new(net: LocalNet) -> Self {
        let widest = net.layers.iter().map(LocalLayer::outputs).max();
        Self {
            values: net.values(),
            is_run: false,
            seen: Vec::new(),
            base: Base {
                values: net.values(),
                is_held: false,
                replaced: Vec::new(),
                changed: Vec::new(),
                touched: Vec::new(),
                touch: vec![Touch::None; widest.unwrap_or(0)],
            },
            net,
        }
    }

    /// The network.
    pub(crate) fn net(&self) -> &LocalNet {
        &self.net
    }

    /// The input that was last run whole and the values of every layer's kept units.
    pub(crate) fn values(&self) -> &[Vec<i32>] {
        &self.values
    }

    /// Logits in units, `[classes]`, of an input of the box, `[inputs]`.
    ///
    /// An input that was run before, or is the base of changes, is not run again.
    pub fn logits(&mut self, input: &[i32]) -> Vec<i32> {
        if !self.is_run || self.values[0] != input {
            if self.base.is_held && self.base.values[0] == input {
                self.values.clone_from(&self.base.values);
            } else {
                run(&self.net, &mut self.values, input);
            }
            self.is_run = true;
        }
        self.net.logits(&self.values)
    }

    /// Makes an input of the box, `[inputs]`, the base of changes.
    pub fn hold(&mut self, input: &[i32]) {
        self.base.replaced.clear();
        run(&self.net, &mut self.base.values, input);
        self.base.is_held = true;
    }

    /// Logits in units, `[classes]`, of the base with some changes, each a pixel and its new
    /// value, no pixel twice. The base stays.
    pub fn try_changes(&mut self, changes: impl IntoIterator<Item = (usize, i32)>) -> Vec<i32> {
        if self.seen.is_empty() {
            self.seen = self.net.layers.iter().map(Seen::new).collect();
        }
        self.base.restore();
        self.base.changed.clear();
        for (pixel, value) in changes {
            self.base.replace(0, pixel, value);
        }
        for (index, (layer, seen)) in self.net.layers.iter().zip(&self.seen).enumerate() {
            self.base.propagate(index, layer, seen);
        }
        self.net.logits(&self.base.values)
    }

    /// Makes the changes that were last tried a part of the base.
    pub fn keep_changes(&mut self) {
        self.base.replaced.clear();
    }
}

/// Evaluates a whole input.
fn run(net: &LocalNet, values: &mut [Vec<i32>], input: &[i32]) {
    values[0].copy_from_slice(input);
    for (index, layer) in net.layers.iter().enumerate() {
        let (before, after) = values.split_at_mut(index + 1);
        for (unit, value) in after[0].iter_mut().enumerate() {
            *value = layer.value(unit, &before[index]);
        }
    }
}

impl Base {
    /// Takes back what was tried and not kept.
    fn restore(&mut self) {
        for (layer, index, value) in self.replaced.drain(..).rev() {
            self.values[layer][index] = value;
        }
    }

    /// Gives a pixel or a unit a new value.
    fn replace(&mut self, layer: usize, index: usize, value: i32) {
        let before = std::mem::replace(&mut self.values[layer][index], value);
        if before != value {
            self.replaced.push((layer, index, before));
            self.changed.push((index, before, value));
        }
    }

    /// Brings the units of a layer up to date with what has changed in the one before it.
    fn propagate(&mut self, index: usize, layer: &LocalLayer, seen: &Seen) {
        let after = &self.values[index + 1];
        for &(input, before, now) in &self.changed {
            for &(unit, weight) in seen.by(input) {
                let unit = usize::from(unit);
                let value = after[unit];
                let distance = (now - weight).abs();
                let touch = match self.touch[unit] {
                    Touch::Raised(raised) => Touch::Raised(raised.max(distance)),
                    _ if distance > value => Touch::Raised(distance),
                    Touch::None if distance < value && (before - weight).abs() == value => {
                        Touch::Lost
                    }
                    _ => continue,
                };
                if self.touch[unit] == Touch::None {
                    self.touched.push(unit);
                }
                self.touch[unit] = touch;
            }
        }
        self.changed.clear();
        for at in 0..self.touched.len() {
            let unit = self.touched[at];
            let value = match std::mem::take(&mut self.touch[unit]) {
                Touch::Raised(value) => value,
                _ => layer.value(unit, &self.values[index]),
            };
            self.replace(index + 1, unit, value);
        }
        self.touched.clear();
    }
}
