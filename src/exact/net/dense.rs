//! The specification: evaluates an integer ℓ∞-dist net with every weight in the plainest way.
//!
//! Arithmetic is `i64` on `i32` weights, so nothing here can overflow whatever the weights are.
//! [`super::ExactNet`] is its fast twin; tests compare the two bit for bit.

use super::ExactNet;
use crate::exact::certify::argmax_path::{Point, decisive, walk};
use crate::exact::certify::ibp::distance_bounds;
use crate::exact::{CriticalPixel, MAX_LEVEL, NetError};

/// A dense integer net: hidden units `max_i |x_i − w_i|`, logits `z_k = −(max_i |x_i − w_ki| + b_k)`,
/// with several members the sum of such terms, one of each member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseNet {
    scale: u32,
    layers: Vec<DenseLayer>,
    /// Of the last layer's units, member by member.
    bias: Vec<i32>,
    members: usize,
}

/// One layer of a [`DenseNet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseLayer {
    /// Number of inputs of each unit.
    pub inputs: usize,
    /// Number of units.
    pub outputs: usize,
    /// Weights in ticks, `[outputs, inputs]` row-major; [`ABSENT`] where there is none.
    pub weight: Vec<i32>,
}

/// Marks an input for which a unit has no weight; it takes no part in the maximum. No weight of a net
/// has this value.
pub const ABSENT: i32 = i32::MIN;

impl DenseLayer {
    /// The weights of each unit, `[inputs]` each.
    pub(in crate::exact) fn rows(&self) -> impl Iterator<Item = &[i32]> {
        self.weight.chunks_exact(self.inputs)
    }
}

/// Inputs and weights of a unit, without those that are absent.
pub(in crate::exact) fn present(row: &[i32]) -> impl Iterator<Item = (usize, i64)> {
    let weights = row.iter().enumerate();
    weights
        .filter(|&(_, &weight)| weight != ABSENT)
        .map(|(input, &weight)| (input, weight.into()))
}

impl DenseNet {
    /// Makes a net of `layers` and the last layer's `bias`, `[classes]`, both in ticks of 1/`scale` of a
    /// pixel level. Fails when the shapes do not fit together.
    pub fn new(scale: u32, layers: Vec<DenseLayer>, bias: Vec<i32>) -> Result<Self, NetError> {
        Self::with_members(scale, layers, bias, 1)
    }

    /// The same of a net with several members; the last layer's units and its `bias`,
    /// `[members · classes]`, lie member by member.
    pub fn with_members(
        scale: u32,
        layers: Vec<DenseLayer>,
        bias: Vec<i32>,
        members: usize,
    ) -> Result<Self, NetError> {
        let shapes: Vec<_> = layers.iter().map(|l| (l.inputs, l.outputs)).collect();
        check_shapes(scale, &shapes, bias.len(), members)?;
        for (layer, dense) in layers.iter().enumerate() {
            let expected = dense.inputs * dense.outputs;
            if dense.weight.len() != expected {
                let found = dense.weight.len();
                return Err(NetError::WeightCount {
                    layer,
                    expected,
                    found,
                });
            }
            if let Some(unit) = dense.rows().position(|row| present(row).next().is_none()) {
                return Err(NetError::Row {
                    layer,
                    unit,
                    problem: "it is empty",
                });
            }
        }
        Ok(Self {
            scale,
            layers,
            bias,
            members,
        })
    }

    /// Ticks per pixel level, S.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// The layers, input side first.
    pub fn layers(&self) -> &[DenseLayer] {
        &self.layers
    }

    /// Number of members, the units of the last layer that each logit is the sum of.
    pub fn members(&self) -> usize {
        self.members
    }

    /// Bias of the last layer in ticks, `[members · classes]`, member by member.
    pub fn bias(&self) -> &[i32] {
        &self.bias
    }

    /// Logits in ticks, `[classes]`, of an input in ticks, `[inputs]`.
    ///
    /// Panics if `input` has another length than the first layer's inputs.
    pub fn logits(&self, input: &[i64]) -> Vec<i64> {
        let last = self.values(input).pop().expect("a net has a layer");
        self.logits_of(&last)
    }

    /// Lower and upper bound of every logit in ticks, `[classes]` each, over every real input of
    /// the box `lower ≤ x ≤ upper`.
    ///
    /// Panics if an end has another length than the first layer's inputs.
    pub fn logit_bounds(&self, lower: &[i64], upper: &[i64]) -> (Vec<i64>, Vec<i64>) {
        let (lower, upper) = self
            .value_bounds(lower, upper)
            .pop()
            .expect("a net has a layer");
        // The logit is minus the value, so the ends change places.
        (self.logits_of(&upper), self.logits_of(&lower))
    }

    /// Finds the critical pixel of every unit of the last layer, `[members · classes]`: follows the
    /// arg-max of every unit down to the input. Among equal distances the lowest index decides.
    ///
    /// Panics if `input` has another length than the first layer's inputs.
    pub fn critical_pixels(&self, input: &[i64]) -> Vec<CriticalPixel> {
        let mut inputs = vec![input.to_vec()];
        inputs.extend(self.values(input));
        (0..self.bias.len())
            .map(|output| {
                let pixel = walk(
                    self.layers.len(),
                    Point::of_output(output),
                    |index, point| {
                        let (layer, x) = (&self.layers[index], &inputs[index]);
                        let row = &layer.weight[point.unit * layer.inputs..][..layer.inputs];
                        let distances = present(row).map(|(i, w)| (i, (x[i] - w).abs(), w));
                        let (input, weight) = decisive(distances, inputs[index + 1][point.unit])?;
                        Some(point.through(input, x[input], weight))
                    },
                );
                pixel.expect("a unit has inputs").into()
            })
            .collect()
    }

    /// The dense form of a pruned net: where a weight was dropped, there is none.
    pub fn from_exact(net: &ExactNet) -> Self {
        let layers = net.to_sparse().into_iter().map(|sparse| {
            let (inputs, outputs) = (sparse.inputs(), sparse.outputs());
            let mut weight = vec![ABSENT; inputs * outputs];
            for (kept, row) in sparse.rows().zip(weight.chunks_exact_mut(inputs)) {
                for (column, kept) in kept {
                    row[column] = kept;
                }
            }
            DenseLayer {
                inputs,
                outputs,
                weight,
            }
        });
        let layers = layers.collect();
        Self::with_members(net.scale(), layers, net.bias().to_vec(), net.members())
            .expect("the shapes are those of a net")
    }

    /// Gives the same function of every image a weight everywhere. A missing weight becomes the middle
    /// of its input's range, which has the smallest largest distance. Gives none where even that could
    /// decide.
    ///
    /// Logits and their bounds stay the same; among equal distances another may decide.
    pub fn filled(&self) -> Option<Self> {
        let top = i64::from(MAX_LEVEL) * i64::from(self.scale);
        let inputs = self.layers[0].inputs;
        let (mut lower, mut upper) = (vec![0; inputs], vec![top; inputs]);
        let after = self.value_bounds(&lower, &upper);
        let mut layers = self.layers.clone();
        for (layer, (next_lower, next_upper)) in layers.iter_mut().zip(after) {
            let rows = layer.weight.chunks_exact_mut(layer.inputs);
            for (row, &floor) in rows.zip(&next_lower) {
                for ((weight, &lower), &upper) in row.iter_mut().zip(&lower).zip(&upper) {
                    if *weight == ABSENT {
                        let middle = (lower + upper) / 2;
                        if distance_bounds(lower, upper, middle).1 > floor {
                            return None;
                        }
                        *weight = i32::try_from(middle).ok().filter(|w| *w != ABSENT)?;
                    }
                }
            }
            (lower, upper) = (next_lower, next_upper);
        }
        Some(Self {
            scale: self.scale,
            layers,
            bias: self.bias.clone(),
            members: self.members,
        })
    }

    /// Values of every layer's units for one input.
    fn values(&self, input: &[i64]) -> Vec<Vec<i64>> {
        assert_eq!(input.len(), self.layers[0].inputs, "one value per input");
        let mut values: Vec<Vec<i64>> = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let x = values.last().map_or(input, Vec::as_slice);
            let unit = |row: &[i32]| {
                let distances = present(row).map(|(i, w)| (x[i] - w).abs());
                distances.max().expect("a unit has inputs")
            };
            values.push(layer.rows().map(unit).collect());
        }
        values
    }

    /// Lower and upper bounds of every layer's units over one box.
    pub(in crate::exact) fn value_bounds(
        &self,
        lower: &[i64],
        upper: &[i64],
    ) -> Vec<(Vec<i64>, Vec<i64>)> {
        assert_eq!(
            lower.len(),
            self.layers[0].inputs,
            "one lower end per input"
        );
        assert_eq!(
            upper.len(),
            self.layers[0].inputs,
            "one upper end per input"
        );
        let mut bounds: Vec<(Vec<i64>, Vec<i64>)> = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (lower, upper) = bounds
                .last()
                .map_or((lower, upper), |(l, u)| (l.as_slice(), u.as_slice()));
            let unit = |row: &[i32]| {
                present(row).fold((0, 0), |(least, most), (i, w)| {
                    let (lo, hi) = distance_bounds(lower[i], upper[i], w);
                    (least.max(lo), most.max(hi))
                })
            };
            bounds.push(layer.rows().map(unit).unzip());
        }
        bounds
    }

    fn logits_of(&self, last: &[i64]) -> Vec<i64> {
        let mut logits = vec![0; self.bias.len() / self.members];
        let members = self
            .bias
            .chunks(logits.len())
            .zip(last.chunks(logits.len()));
        for (bias, values) in members {
            for ((logit, &u), &b) in logits.iter_mut().zip(values).zip(bias) {
                *logit -= u + i64::from(b);
            }
        }
        logits
    }
}

/// The most weights of a layer, whether they are kept or not.
pub(in crate::exact) const MOST_WEIGHTS: u64 = 1 << 31;

/// Checks what dense and sparse nets have in common; `shapes` are `(inputs, outputs)` per layer.
pub(in crate::exact) fn check_shapes(
    scale: u32,
    shapes: &[(usize, usize)],
    bias: usize,
    members: usize,
) -> Result<(), NetError> {
    if !scale.is_power_of_two() || !(2..=4096).contains(&scale) {
        return Err(NetError::Scale(scale));
    }
    let widths = 1..=usize::from(u16::MAX) + 1;
    for (layer, &(inputs, outputs)) in shapes.iter().enumerate() {
        if !widths.contains(&inputs) || !widths.contains(&outputs) {
            return Err(NetError::Width {
                layer,
                inputs,
                outputs,
            });
        }
        // Which every machine can count, also the one of WebAssembly.
        if inputs as u64 * outputs as u64 > MOST_WEIGHTS {
            return Err(NetError::Layer {
                layer,
                inputs,
                outputs,
            });
        }
        if layer > 0 && shapes[layer - 1].1 != inputs {
            let outputs = shapes[layer - 1].1;
            return Err(NetError::Chain {
                layer,
                inputs,
                outputs,
            });
        }
    }
    let units = shapes.last().ok_or(NetError::NoLayer)?.1;
    if members == 0 || !units.is_multiple_of(members) {
        return Err(NetError::Members { units, members });
    }
    if units / members < 2 {
        return Err(NetError::Classes(units / members));
    }
    if bias != units {
        return Err(NetError::BiasCount { found: bias, units });
    }
    Ok(())
}
