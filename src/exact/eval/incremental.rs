//! Evaluates inputs that differ from one base in a few pixels.
//!
//! It recomputes only units with a kept weight for an input that changed.

use super::batch::{BATCH, Values};
use super::restricted::{RestrictedLayer, RestrictedNet};

/// Fewer inputs than this are evaluated one by one: a batch takes as long as so many of them.
const LEAST_BATCH: usize = 4;

/// A layer's weights sorted by input.
#[derive(Clone, Debug)]
struct Seen {
    /// Where the weights that see an input start, and the last end, `[inputs + 1]`.
    starts: Vec<usize>,
    /// Unit and weight.
    weights: Vec<(u16, i32)>,
}

impl Seen {
    fn new(layer: &RestrictedLayer) -> Self {
        let mut starts = vec![0; layer.inputs() + 1];
        for weight in &layer.weights {
            starts[usize::from(weight.input) + 1] += 1;
        }
        for input in 0..layer.inputs() {
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

/// Evaluates one [`RestrictedNet`]. The results for inputs outside its box are meaningless.
#[derive(Clone, Debug)]
pub struct IncrementalEvaluator {
    net: RestrictedNet,
    /// The input that was last run whole, and its values; none before the first.
    values: Vec<Vec<i32>>,
    is_run: bool,
    /// The values of a batch of inputs; made when the first one comes.
    batch: Vec<Vec<Values>>,
    /// Of every layer; made when the first change is tried.
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
    /// The units that see such a change.
    touched: Vec<usize>,
    /// Per unit; at rest outside of [`Base::propagate`].
    touch: Vec<Touch>,
}

/// The effect of input changes on a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Touch {
    #[default]
    None,
    /// A distance that was the largest has shrunk, and none is larger: evaluate all.
    Lost,
    /// A distance is larger than the value was.
    Raised(i32),
}

impl IncrementalEvaluator {
    /// Buffers for a network.
    pub fn new(net: RestrictedNet) -> Self {
        let widest = net.layers().iter().map(RestrictedLayer::outputs).max();
        Self {
            values: net.values(),
            is_run: false,
            batch: Vec::new(),
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
    pub(crate) fn net(&self) -> &RestrictedNet {
        &self.net
    }

    /// The input that was last run whole and the values of every layer's kept units.
    pub(crate) fn values(&self) -> &[Vec<i32>] {
        &self.values
    }

    /// Logits in ticks, `[classes]`, of an input of the box, `[inputs]`.
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

    /// Logits in ticks, `[n, classes]`, of many inputs of the box, `[n, inputs]`: those that
    /// [`logits`](Self::logits) gives, one by one.
    pub fn batch_logits(&mut self, inputs: &[i32]) -> Vec<i32> {
        let width = self.values[0].len();
        let mut logits = Vec::new();
        for inputs in inputs.chunks(BATCH * width) {
            if inputs.len() < LEAST_BATCH * width {
                logits.extend(inputs.chunks(width).flat_map(|input| self.logits(input)));
                continue;
            }
            if self.batch.is_empty() {
                self.batch = self.net.batch_values();
            }
            logits.extend(self.net.batch_logits(inputs, &mut self.batch));
        }
        logits
    }

    /// Makes an input of the box, `[inputs]`, the base of changes.
    pub fn hold(&mut self, input: &[i32]) {
        self.base.replaced.clear();
        run(&self.net, &mut self.base.values, input);
        self.base.is_held = true;
    }

    /// Logits in ticks, `[classes]`, of the base with some changes, each a pixel and its new
    /// value, no pixel twice. The base stays.
    pub fn try_changes(&mut self, changes: impl IntoIterator<Item = (usize, i32)>) -> Vec<i32> {
        if self.seen.is_empty() {
            self.seen = self.net.layers().iter().map(Seen::new).collect();
        }
        self.base.restore();
        self.base.changed.clear();
        for (pixel, value) in changes {
            self.base.replace(0, pixel, value);
        }
        for (index, (layer, seen)) in self.net.layers().iter().zip(&self.seen).enumerate() {
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
fn run(net: &RestrictedNet, values: &mut [Vec<i32>], input: &[i32]) {
    values[0].copy_from_slice(input);
    for (index, layer) in net.layers().iter().enumerate() {
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
    fn propagate(&mut self, index: usize, layer: &RestrictedLayer, seen: &Seen) {
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
