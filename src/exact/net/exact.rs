//! The exact integer network as it runs: pruned, sorted for early exit, `i32` throughout.
//!
//! A unit is a maximum, so its weights may be visited in any order, and the visit may stop as soon as
//! no later weight can win. The *reach* of a weight is the largest distance that any input of the
//! domain can give. Rows are sorted by reach, descending, and a row ends once its running maximum has
//! come up to the next reach. That touches a few per cent of the weights, so memory access dominates:
//! weights lie in blocks of one cache line, and one test of a block's reach decides whether to go on.

use super::{CsrLayer, check_shapes};
use crate::exact::certify::ibp::{BOXES, Intervals, distance_bounds};
use crate::exact::{MAX_LEVEL, NetError, VALUE_LIMIT};

/// Weights per block: with `reach`, 10 weights and 10 columns fill 64 bytes.
const LANES: usize = 10;

/// An integer ℓ∞-dist net whose evaluation, pruning and early exit included, is exact.
///
/// Its last layer has a unit for each class in each of its *members*. A logit is the sum over the
/// members, and moves by at most as many ticks as there are members when every pixel moves by one. With
/// several members the net is an ensemble ([`ExactNet::ensemble`]).
#[derive(Clone, Debug)]
pub struct ExactNet {
    scale: u32,
    layers: Vec<Layer>,
    /// Of the last layer's units, member by member.
    bias: Vec<i32>,
    members: usize,
    max_magnitude: i64,
}

#[derive(Clone, Debug)]
pub(in crate::exact) struct Layer {
    inputs: usize,
    /// Weights without the padding of the blocks.
    kept: usize,
    /// Where each unit's blocks start, and the end of the last, `[outputs + 1]`.
    starts: Vec<usize>,
    blocks: Vec<Block>,
}

/// Up to [`LANES`] weights of one unit; the last block of a row repeats its last weight, which
/// changes no maximum.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(in crate::exact) struct Block {
    /// Largest `|x − w|` that any weight of this block or of a later one of the row can give.
    reach: i32,
    weights: [i32; LANES],
    columns: [u16; LANES],
}

/// Computes the logits of so many `classes`: minus the sums over the members of the last layer's values
/// and `bias`, `[members · classes]`, member by member. `value` gives the value of a unit.
pub fn logits_of_members(
    bias: &[i32],
    classes: usize,
    value: impl Fn(usize) -> i32,
) -> impl Iterator<Item = i32> {
    (0..classes).map(move |class| {
        let units = (class..bias.len()).step_by(classes);
        units.map(|unit| -(value(unit) + bias[unit])).sum()
    })
}

impl ExactNet {
    /// Prepares kept weights for evaluation; `bias` is the last layer's, `[classes]`, and both
    /// are in ticks of 1/`scale` of a pixel level.
    ///
    /// Fails when the parts do not fit together, and when the overflow proof fails: bounds of
    /// every difference and value over *all* inputs in `0..=255·scale` are propagated in `i64`
    /// and must stay within [`VALUE_LIMIT`], so that no image can ever overflow the evaluation.
    pub fn new(scale: u32, layers: &[CsrLayer], bias: Vec<i32>) -> Result<Self, NetError> {
        Self::with_members(scale, layers, bias, 1)
    }

    /// The same for a net with several members; the last layer's units and its `bias`,
    /// `[members · classes]`, lie member by member.
    pub fn with_members(
        scale: u32,
        layers: &[CsrLayer],
        bias: Vec<i32>,
        members: usize,
    ) -> Result<Self, NetError> {
        let shapes: Vec<_> = layers.iter().map(|l| (l.inputs(), l.outputs())).collect();
        check_shapes(scale, &shapes, bias.len(), members)?;

        let top = i64::from(MAX_LEVEL) * i64::from(scale);
        let mut domain = vec![(0, top); layers[0].inputs()];
        let mut prepared = Vec::with_capacity(layers.len());
        let mut max_magnitude = top;
        for (index, sparse) in layers.iter().enumerate() {
            sparse.check(index)?;
            let mut layer = Layer {
                inputs: sparse.inputs(),
                kept: sparse.weights.len(),
                starts: vec![0],
                blocks: Vec::with_capacity(sparse.weights.len().div_ceil(LANES)),
            };
            let mut next_domain = Vec::with_capacity(sparse.outputs());
            let mut row = Vec::new();
            for weights in sparse.rows() {
                let (mut floor, mut ceiling) = (0, 0);
                row.clear();
                for (column, weight) in weights {
                    let (lower, upper) = domain[column];
                    let (lo, reach) = distance_bounds(lower, upper, weight.into());
                    max_magnitude = max_magnitude.max(reach).max(i64::from(weight).abs());
                    if max_magnitude > VALUE_LIMIT {
                        let magnitude = max_magnitude;
                        return Err(NetError::Overflow {
                            layer: index,
                            magnitude,
                        });
                    }
                    (floor, ceiling) = (floor.max(lo), ceiling.max(reach));
                    let reach = i32::try_from(reach).expect("VALUE_LIMIT fits an i32");
                    row.push((reach, column as u16, weight));
                }
                // The columns ascend, so the order within equal reaches is fixed as well.
                row.sort_by_key(|&(reach, ..)| std::cmp::Reverse(reach));
                layer.push_row(&row);
                next_domain.push((floor, ceiling));
            }
            prepared.push(layer);
            domain = next_domain;
        }
        // However the members are added up, no sum on the way is larger.
        let mut logits = vec![0; bias.len() / members];
        for (unit, (&(lower, upper), &bias)) in domain.iter().zip(&bias).enumerate() {
            let ends = [lower, upper].map(|end| (end + i64::from(bias)).abs());
            let class = unit % logits.len();
            logits[class] += ends[0].max(ends[1]);
        }
        max_magnitude = logits.into_iter().fold(max_magnitude, i64::max);
        if max_magnitude > VALUE_LIMIT {
            let (layer, magnitude) = (layers.len() - 1, max_magnitude);
            return Err(NetError::Overflow { layer, magnitude });
        }
        Ok(Self {
            scale,
            layers: prepared,
            bias,
            members,
            max_magnitude,
        })
    }

    /// Ticks per pixel level, S.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// Number of pixels the net takes.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.bias.len() / self.members
    }

    /// Number of members: each logit is the sum of so many units of the last layer, and moves by at most
    /// so many ticks when every pixel moves by one.
    pub fn members(&self) -> usize {
        self.members
    }

    /// The widths from pixels to the last layer's units, such as `[784, 1024, 1024, 1024, 10]`.
    pub fn architecture(&self) -> Vec<usize> {
        let outputs = self.layers.iter().map(Layer::outputs);
        std::iter::once(self.inputs()).chain(outputs).collect()
    }

    /// Bias of the last layer in ticks, `[members · classes]`, member by member.
    pub fn bias(&self) -> &[i32] {
        &self.bias
    }

    /// Per layer, how many weights are kept and how many its dense form has.
    pub fn weights_kept(&self) -> Vec<(usize, usize)> {
        self.layers
            .iter()
            .map(|l| (l.kept, l.inputs * l.outputs()))
            .collect()
    }

    /// Share of the dense form's weights that are kept.
    pub fn share_kept(&self) -> f64 {
        let layers = self.weights_kept().into_iter();
        let (kept, total) = layers.fold((0.0, 0.0), |(kept, total), (some, all)| {
            (kept + some as f64, total + all as f64)
        });
        kept / total
    }

    /// Largest magnitude that any weight, difference, value or logit can have for any image.
    pub fn max_magnitude(&self) -> i64 {
        self.max_magnitude
    }

    /// Whether single-precision floats hold every number of the evaluation exactly, as a GPU
    /// twin of it would need: all magnitudes are below 2²⁴.
    pub fn is_exact_in_f32(&self) -> bool {
        self.max_magnitude < 1 << 24
    }

    /// The layers, input side first.
    pub(in crate::exact) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The kept weights in the order of the model file, input side first.
    pub fn to_sparse(&self) -> Vec<CsrLayer> {
        self.layers.iter().map(Layer::to_sparse).collect()
    }
}

impl Layer {
    pub(in crate::exact) fn inputs(&self) -> usize {
        self.inputs
    }

    /// `(column, weight)` of those blocks of a unit that can give more than `floor`; padding
    /// comes several times.
    pub(in crate::exact) fn weights_above(
        &self,
        unit: usize,
        floor: i32,
    ) -> impl Iterator<Item = (usize, i32)> {
        let blocks = self.blocks(unit);
        let blocks = blocks.iter().take_while(move |block| block.reach > floor);
        blocks.flat_map(Block::weights)
    }

    /// The weight of a unit for one input, if it is kept.
    pub(in crate::exact) fn weight(&self, unit: usize, input: usize) -> Option<i32> {
        let blocks = self.blocks(unit);
        let mut weights = blocks.iter().flat_map(Block::weights);
        weights.find_map(|(column, weight)| (column == input).then_some(weight))
    }

    /// The blocks of one unit.
    pub(in crate::exact) fn blocks(&self, unit: usize) -> &[Block] {
        &self.blocks[self.starts[unit]..self.starts[unit + 1]]
    }

    pub(in crate::exact) fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    /// Adds a unit from its `(reach, column, weight)`, sorted by reach, descending.
    fn push_row(&mut self, row: &[(i32, u16, i32)]) {
        for weights in row.chunks(LANES) {
            let lane = |i: usize| weights[i.min(weights.len() - 1)];
            self.blocks.push(Block {
                reach: weights[0].0,
                weights: std::array::from_fn(|i| lane(i).2),
                columns: std::array::from_fn(|i| lane(i).1),
            });
        }
        self.starts.push(self.blocks.len());
    }

    /// The blocks of each unit.
    fn rows(&self) -> impl Iterator<Item = &[Block]> {
        self.starts
            .windows(2)
            .map(|ends| &self.blocks[ends[0]..ends[1]])
    }

    fn to_sparse(&self) -> CsrLayer {
        let mut sparse = CsrLayer::empty(self.inputs);
        for blocks in self.rows() {
            let mut row: Vec<_> = blocks.iter().flat_map(Block::weights).collect();
            row.sort_unstable();
            row.dedup();
            sparse.push_row(row);
        }
        sparse
    }

    /// Values of the units, `[outputs]`, for inputs in the domain.
    pub(in crate::exact) fn forward(&self, x: &[i32], values: &mut [i32]) {
        for (value, blocks) in values.iter_mut().zip(self.rows()) {
            let mut largest = 0;
            for block in blocks {
                if block.reach <= largest {
                    break;
                }
                for (column, weight) in block.weights() {
                    largest = largest.max((x[column] - weight).abs());
                }
            }
            *value = largest;
        }
    }

    /// The same for many inputs side by side: compiled anew into every caller, for the vectors that
    /// it may use.
    #[inline(always)]
    pub(in crate::exact) fn forward_batch<const N: usize>(
        &self,
        x: &[[i32; N]],
        values: &mut [[i32; N]],
    ) {
        for (value, blocks) in values.iter_mut().zip(self.rows()) {
            let mut largest = [0; N];
            for block in blocks {
                // Whether nothing from here on can win for any of them.
                if largest
                    .iter()
                    .fold(true, |settled, &largest| settled & (block.reach <= largest))
                {
                    break;
                }
                for (column, weight) in block.weights() {
                    let x = &x[column];
                    for lane in 0..N {
                        largest[lane] = largest[lane].max((x[lane] - weight).abs());
                    }
                }
            }
            *value = largest;
        }
    }

    /// Bounds of the units, `[outputs]`, over boxes inside the domain.
    ///
    /// Once the running *lower* bounds have come up to the next reach, no later weight can raise
    /// either bound of any box.
    pub(in crate::exact) fn forward_bounds(&self, x: &[Intervals], bounds: &mut [Intervals]) {
        for (bound, blocks) in bounds.iter_mut().zip(self.rows()) {
            let mut unit = Intervals::default();
            for block in blocks {
                if unit.lower.iter().all(|&least| block.reach <= least) {
                    break;
                }
                for (column, weight) in block.weights() {
                    let input = &x[column];
                    for lane in 0..BOXES {
                        // As in `distance_bounds`.
                        let from_lower = input.lower[lane] - weight;
                        let from_upper = input.upper[lane] - weight;
                        unit.lower[lane] = unit.lower[lane].max(from_lower).max(-from_upper);
                        unit.upper[lane] = unit.upper[lane].max(from_upper).max(-from_lower);
                    }
                }
            }
            *bound = unit;
        }
    }
}

impl Block {
    /// The longest distance that a weight of this block or of a later one of the row can give.
    #[cfg(feature = "gpu")]
    pub(in crate::exact) fn reach(&self) -> i32 {
        self.reach
    }

    /// `(column, weight)` of every lane, padding included.
    #[inline(always)]
    pub(in crate::exact) fn weights(&self) -> impl Iterator<Item = (usize, i32)> {
        self.columns
            .iter()
            .map(|&column| usize::from(column))
            .zip(self.weights)
    }
}
