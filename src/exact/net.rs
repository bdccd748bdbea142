//! The exact integer network as it runs: pruned, sorted for early exit, `i32` throughout.
//!
//! A unit is a maximum, so its weights may be visited in any order and the visit may stop as soon
//! as nothing later can win. For each weight the largest distance that *any* input of the domain
//! can give, its *reach*, is known in advance; rows are sorted by reach, descending, and a row is
//! left when its running maximum has come up to the next reach. That touches a few per cent of
//! the weights, so what costs is memory: weights lie in blocks of one cache line each that carry
//! their own reach, and one test per block decides whether to go on.

use super::dense::check_shapes;
use super::neuron::distance_bounds;
use super::{InputError, MAX_LEVEL, NetError, SparseLayer, VALUE_LIMIT};

/// Weights per block: with `reach`, 10 weights and 10 columns fill 64 bytes.
const LANES: usize = 10;

/// An integer ℓ∞-dist net whose evaluation, pruning and early exit included, is exact.
///
/// Its last layer has a unit for each class, or one in each of several *heads*: then a logit is the
/// sum over the heads, and moves by at most as many units as there are heads when every pixel moves by
/// one. That is how nets that were trained by themselves are one net ([`ExactNet::ensemble`]).
#[derive(Clone, Debug)]
pub struct ExactNet {
    scale: u32,
    layers: Vec<Layer>,
    /// Of the last layer's units, head by head.
    bias: Vec<i32>,
    heads: usize,
    max_magnitude: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Layer {
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
struct Block {
    /// Largest `|x − w|` that any weight of this block or of a later one of the row can give.
    reach: i32,
    weights: [i32; LANES],
    columns: [u16; LANES],
}

/// The logits of so many `classes`: minus the sums over the heads of the last layer's values and `bias`,
/// `[heads · classes]`, head by head. `value` gives that of a unit.
pub fn logits_of_heads(
    bias: &[i32],
    classes: usize,
    value: impl Fn(usize) -> i32,
) -> impl Iterator<Item = i32> {
    (0..classes).map(move |class| {
        let units = (class..bias.len()).step_by(classes);
        units.map(|unit| -(value(unit) + bias[unit])).sum()
    })
}

/// How many boxes are propagated at a time, around one input with different radii.
///
/// One costs as much as four, which share every load and fill a vector register; the search for
/// the largest proved radius asks four questions at once.
pub(super) const BOXES: usize = 4;

/// The interval of one value in each of the boxes, in units.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Intervals {
    pub(super) lower: [i32; BOXES],
    pub(super) upper: [i32; BOXES],
}

/// The pixel that decides a logit, or what a head adds to it: at the end of the chain of arg-maxima.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deciding {
    /// Index of the pixel, row-major from the top left.
    pub pixel: usize,
    /// Raising the pixel by one unit times this sign raises what the head adds to the logit by one unit,
    /// as long as the chain goes the same way; a distance one unit behind along it may take over and end that.
    pub sign: i8,
}

impl ExactNet {
    /// Prepares kept weights for evaluation; `bias` is the last layer's, `[classes]`, and both
    /// are in units of 1/`scale` of a pixel level.
    ///
    /// Fails when the parts do not fit together, and when the overflow proof fails: bounds of
    /// every difference and value over *all* inputs in `0..=255·scale` are propagated in `i64`
    /// and must stay within [`VALUE_LIMIT`], so that no image can ever overflow the evaluation.
    pub fn new(scale: u32, layers: &[SparseLayer], bias: Vec<i32>) -> Result<Self, NetError> {
        Self::with_heads(scale, layers, bias, 1)
    }

    /// The same of a net with several heads; the last layer's units and its `bias`,
    /// `[heads · classes]`, lie head by head.
    pub fn with_heads(
        scale: u32,
        layers: &[SparseLayer],
        bias: Vec<i32>,
        heads: usize,
    ) -> Result<Self, NetError> {
        let shapes: Vec<_> = layers.iter().map(|l| (l.inputs, l.outputs())).collect();
        check_shapes(scale, &shapes, bias.len(), heads)?;

        let top = i64::from(MAX_LEVEL) * i64::from(scale);
        let mut domain = vec![(0, top); layers[0].inputs];
        let mut prepared = Vec::with_capacity(layers.len());
        let mut max_magnitude = top;
        for (index, sparse) in layers.iter().enumerate() {
            sparse.check(index)?;
            let mut layer = Layer {
                inputs: sparse.inputs,
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
                    let (lower, upper) = domain[usize::from(column)];
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
                    row.push((reach, column, weight));
                }
                // The columns ascend, so the order within equal reaches is fixed as well.
                row.sort_by_key(|&(reach, ..)| std::cmp::Reverse(reach));
                layer.push_row(&row);
                next_domain.push((floor, ceiling));
            }
            prepared.push(layer);
            domain = next_domain;
        }
        // However the heads are added up, no sum on the way is larger.
        let mut logits = vec![0; bias.len() / heads];
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
            heads,
            max_magnitude,
        })
    }

    /// Units per pixel level, S.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// Number of pixels the net takes.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.bias.len() / self.heads
    }

    /// Number of heads: how many units of the last layer each logit is the sum of, and the most that
    /// it moves by, in units, when every pixel moves by one.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// The widths from pixels to the last layer's units, such as `[784, 1024, 1024, 1024, 10]`.
    pub fn architecture(&self) -> Vec<usize> {
        let outputs = self.layers.iter().map(Layer::outputs);
        std::iter::once(self.inputs()).chain(outputs).collect()
    }

    /// Bias of the last layer in units, `[heads · classes]`, head by head.
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
    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The kept weights in the order of the model file, input side first.
    pub fn to_sparse(&self) -> Vec<SparseLayer> {
        self.layers.iter().map(Layer::to_sparse).collect()
    }

    /// Buffers to evaluate with; keep them for many images.
    pub fn evaluator(&self) -> Evaluator<'_> {
        let architecture = self.architecture();
        let widths = || architecture.iter().copied();
        Evaluator {
            net: self,
            values: widths().map(|width| vec![0; width]).collect(),
            logits: vec![0; self.classes()],
            boxes: widths()
                .map(|width| vec![Intervals::default(); width])
                .collect(),
            logit_bounds: vec![Intervals::default(); self.classes()],
        }
    }
}

impl Layer {
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// `(column, weight)` of those blocks of a unit that can give more than `floor`; padding
    /// comes several times.
    pub(super) fn weights_above(
        &self,
        unit: usize,
        floor: i32,
    ) -> impl Iterator<Item = (usize, i32)> {
        let blocks = &self.blocks[self.starts[unit]..self.starts[unit + 1]];
        let blocks = blocks.iter().take_while(move |block| block.reach > floor);
        blocks.flat_map(Block::weights)
    }

    /// The weight of a unit for one input, if it is kept.
    pub(super) fn weight(&self, unit: usize, input: usize) -> Option<i32> {
        let blocks = &self.blocks[self.starts[unit]..self.starts[unit + 1]];
        let mut weights = blocks.iter().flat_map(Block::weights);
        weights.find_map(|(column, weight)| (column == input).then_some(weight))
    }

    fn outputs(&self) -> usize {
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

    fn to_sparse(&self) -> SparseLayer {
        let mut sparse = SparseLayer::empty(self.inputs);
        for blocks in self.rows() {
            let mut row: Vec<_> = blocks.iter().flat_map(Block::weights).collect();
            row.sort_unstable();
            row.dedup();
            sparse.push_row(row);
        }
        sparse
    }

    /// Values of the units, `[outputs]`, for inputs in the domain.
    fn forward(&self, x: &[i32], values: &mut [i32]) {
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
    pub(super) fn forward_together<const N: usize>(&self, x: &[[i32; N]], values: &mut [[i32; N]]) {
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
    fn forward_bounds(&self, x: &[Intervals], bounds: &mut [Intervals]) {
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

    /// The lowest input index whose distance is the unit's `value`, and whether the distance
    /// grows (+1) or shrinks (−1) as that input rises.
    fn deciding(&self, unit: usize, x: &[i32], value: i32) -> (usize, i8) {
        let blocks = &self.blocks[self.starts[unit]..self.starts[unit + 1]];
        let weights = blocks.iter().flat_map(Block::weights);
        let (column, weight) = weights
            .filter(|&(column, weight)| (x[column] - weight).abs() == value)
            .min()
            .expect("a unit's value is the distance of one of its weights");
        (column, if x[column] < weight { -1 } else { 1 })
    }
}

impl Block {
    /// `(column, weight)` of every lane, padding included.
    #[inline(always)]
    fn weights(&self) -> impl Iterator<Item = (usize, i32)> {
        self.columns
            .iter()
            .map(|&column| usize::from(column))
            .zip(self.weights)
    }
}

/// Evaluates one [`ExactNet`], image after image, without allocating.
#[derive(Clone, Debug)]
pub struct Evaluator<'net> {
    net: &'net ExactNet,
    /// The input and the values of every layer, in units.
    values: Vec<Vec<i32>>,
    logits: Vec<i32>,
    /// The boxes around the input and the bounds of every layer.
    boxes: Vec<Vec<Intervals>>,
    logit_bounds: Vec<Intervals>,
}

impl<'net> Evaluator<'net> {
    /// The net that is evaluated.
    pub fn net(&self) -> &'net ExactNet {
        self.net
    }

    /// Logits in units, `[classes]`, of an 8-bit image.
    pub fn logits(&mut self, image: &[u8]) -> Result<&[i32], InputError> {
        self.load_image(image)?;
        Ok(self.run())
    }

    /// Logits in units, `[classes]`, of an input in units: what an image becomes when its pixels
    /// move by fractions of a level. Every input must lie in `0..=255·S`.
    pub fn logits_at(&mut self, input: &[i32]) -> Result<&[i32], InputError> {
        self.load_units(input)?;
        Ok(self.run())
    }

    /// Lower and upper bound of every logit in units, `[classes]`, when no pixel of an 8-bit
    /// image moves by more than `radius` units and none leaves `0..=255·S`.
    ///
    /// They hold for every real-valued image of that box.
    pub fn logit_bounds(&mut self, image: &[u8], radius: u32) -> Result<Vec<[i32; 2]>, InputError> {
        self.load_image(image)?;
        Ok(self.run_box(radius))
    }

    /// The same around an input in units; see [`Self::logits_at`].
    pub fn logit_bounds_at(
        &mut self,
        input: &[i32],
        radius: u32,
    ) -> Result<Vec<[i32; 2]>, InputError> {
        self.load_units(input)?;
        Ok(self.run_box(radius))
    }

    /// For every unit of the last layer the pixel that decides it, `[heads · classes]`: with one head
    /// for every logit.
    ///
    /// Where several distances are equally large, the input with the lowest index decides. The
    /// rule is that of [`super::DenseNet::deciding`]: pruning keeps every weight that can be
    /// among the largest, [`ExactNet::prune_near`] every one that can near enough of its images.
    pub fn deciding(&mut self, image: &[u8]) -> Result<Vec<Deciding>, InputError> {
        self.load_image(image)?;
        self.run();
        Ok(self.trace())
    }

    /// The same for an input in units; see [`Self::logits_at`].
    pub fn deciding_at(&mut self, input: &[i32]) -> Result<Vec<Deciding>, InputError> {
        self.load_units(input)?;
        self.run();
        Ok(self.trace())
    }

    /// The boxes of the input, to be set before [`Self::propagate`], `[inputs]`.
    pub(super) fn input_boxes(&mut self) -> &mut [Intervals] {
        &mut self.boxes[0]
    }

    /// The boxes that were last run: of the input and of every layer's units.
    pub(super) fn boxes(&self) -> &[Vec<Intervals>] {
        &self.boxes
    }

    /// Makes an 8-bit image the input.
    pub(super) fn load_image(&mut self, image: &[u8]) -> Result<(), InputError> {
        self.check_length(image.len())?;
        let scale = self.net.scale.cast_signed();
        for (value, &level) in self.values[0].iter_mut().zip(image) {
            *value = i32::from(level) * scale;
        }
        Ok(())
    }

    fn load_units(&mut self, input: &[i32]) -> Result<(), InputError> {
        self.check_length(input.len())?;
        let limit = MAX_LEVEL * self.net.scale.cast_signed();
        if let Some(pixel) = input.iter().position(|value| !(0..=limit).contains(value)) {
            let value = input[pixel];
            return Err(InputError::Domain {
                pixel,
                value,
                limit,
            });
        }
        self.values[0].copy_from_slice(input);
        Ok(())
    }

    fn check_length(&self, found: usize) -> Result<(), InputError> {
        let expected = self.net.inputs();
        if found != expected {
            return Err(InputError::Pixels { found, expected });
        }
        Ok(())
    }

    /// Logits of the loaded input.
    pub(super) fn run(&mut self) -> &[i32] {
        for (index, layer) in self.net.layers.iter().enumerate() {
            let (before, after) = self.values.split_at_mut(index + 1);
            layer.forward(&before[index], &mut after[0]);
        }
        let last = self.values.last().expect("the input is always there");
        let logits = logits_of_heads(&self.net.bias, self.net.classes(), |unit| last[unit]);
        self.logits
            .iter_mut()
            .zip(logits)
            .for_each(|(to, logit)| *to = logit);
        &self.logits
    }

    /// Lower and upper bound of every logit in the box of `radius` units around the loaded input.
    pub(super) fn run_box(&mut self, radius: u32) -> Vec<[i32; 2]> {
        let bounds = self.run_boxes([radius; BOXES]);
        bounds
            .iter()
            .map(|logit| [logit.lower[0], logit.upper[0]])
            .collect()
    }

    /// Logit bounds of the boxes of `radii` units around the loaded input.
    pub(super) fn run_boxes(&mut self, radii: [u32; BOXES]) -> &[Intervals] {
        self.enter_boxes(radii);
        self.propagate()
    }

    /// Makes the inputs within `radii` units of the loaded one, in the domain, the boxes of the input.
    pub(super) fn enter_boxes(&mut self, radii: [u32; BOXES]) {
        let limit = MAX_LEVEL * self.net.scale.cast_signed();
        let radii = radii.map(|radius| radius.min(limit.unsigned_abs()).cast_signed());
        for (pixel, &value) in self.boxes[0].iter_mut().zip(&self.values[0]) {
            pixel.lower = radii.map(|radius| (value - radius).max(0));
            pixel.upper = radii.map(|radius| (value + radius).min(limit));
        }
    }

    /// Logit bounds of the boxes of the input, which must lie in the domain.
    pub(super) fn propagate(&mut self) -> &[Intervals] {
        for (index, layer) in self.net.layers.iter().enumerate() {
            let (before, after) = self.boxes.split_at_mut(index + 1);
            layer.forward_bounds(&before[index], &mut after[0]);
        }
        let last = self.boxes.last().expect("the input is always there");
        let classes = self.logit_bounds.len();
        self.logit_bounds.fill(Intervals::default());
        for (index, (unit, &bias)) in last.iter().zip(&self.net.bias).enumerate() {
            let logit = &mut self.logit_bounds[index % classes];
            for lane in 0..BOXES {
                // The logit is minus the value, so the ends change places.
                logit.lower[lane] -= unit.upper[lane] + bias;
                logit.upper[lane] -= unit.lower[lane] + bias;
            }
        }
        &self.logit_bounds
    }

    /// Deciding pixels of the input that was last run.
    pub(super) fn trace(&self) -> Vec<Deciding> {
        (0..self.net.bias.len())
            .map(|output| {
                // Raising the value lowers the logit.
                let (mut unit, mut sign) = (output, -1);
                for (index, layer) in self.net.layers.iter().enumerate().rev() {
                    let value = self.values[index + 1][unit];
                    let (column, direction) = layer.deciding(unit, &self.values[index], value);
                    (unit, sign) = (column, sign * direction);
                }
                Deciding { pixel: unit, sign }
            })
            .collect()
    }
}
