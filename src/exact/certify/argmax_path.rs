//! Follows arg-max paths: the largest distance of every unit, from a logit down to one pixel.
//!
//! A unit is a maximum of distances, so one of its inputs decides its value. From a unit of the last
//! layer, the deciding inputs form a path that ends at the *critical pixel*. Everything that follows
//! such a path does so with [`walk`] and chooses among equal distances with [`decisive`]: the
//! evaluators here, the reference ([`DenseNet`](crate::exact::DenseNet)), teaching, branch and bound,
//! and the gradients of attacks.

use super::label_and_margin;
use crate::exact::InputError;
use crate::exact::eval::Evaluator;
use crate::exact::net::{Block, Layer};

/// The pixel at the end of the arg-max path of a logit, in one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CriticalPixel {
    /// Index of the pixel, row-major from the top left.
    pub pixel: usize,
    /// Raising the pixel by one tick times this sign raises what the member adds to the logit by one
    /// tick, as long as the path stays the same. A distance one tick behind may take over.
    pub sign: i8,
}

/// A point of an arg-max path: a unit, or at the end of the path a pixel.
#[derive(Clone, Copy, Debug)]
pub(in crate::exact) struct Point {
    /// Index of the unit in its layer.
    pub(in crate::exact) unit: usize,
    /// +1 if the logit rises with the unit's value, −1 if it falls.
    pub(in crate::exact) sign: i8,
}

impl Point {
    /// The start of the path of a unit of the last layer. Its logit falls as its value rises.
    pub(in crate::exact) fn of_output(unit: usize) -> Self {
        Self { unit, sign: -1 }
    }

    /// The next point: the `input`, whose value is `x`, by way of `weight`.
    pub(in crate::exact) fn through<T: PartialOrd>(self, input: usize, x: T, weight: T) -> Self {
        let sign = if x < weight { -self.sign } else { self.sign };
        Self { unit: input, sign }
    }
}

impl From<Point> for CriticalPixel {
    fn from(Point { unit, sign }: Point) -> Self {
        Self { pixel: unit, sign }
    }
}

/// Walks from `start`, in the layer above the first `depth` ones counted from the input, down to the
/// pixels. `step` takes the index of a layer and a point of its outputs, and gives the input that
/// decides it; the walk ends early where there is none.
#[inline]
pub(in crate::exact) fn walk<P>(
    depth: usize,
    start: P,
    mut step: impl FnMut(usize, P) -> Option<P>,
) -> Option<P> {
    (0..depth)
        .rev()
        .try_fold(start, |point, layer| step(layer, point))
}

/// Finds what decides a unit's `value` among its `(input, distance, rest)`: of the distances that are as
/// large, that of the lowest input.
#[inline]
pub(crate) fn decisive<D: PartialEq, W>(
    row: impl Iterator<Item = (usize, D, W)>,
    value: D,
) -> Option<(usize, W)> {
    row.filter(|(_, distance, _)| *distance == value)
        .map(|(input, _, rest)| (input, rest))
        .min_by_key(|&(input, _)| input)
}

impl Evaluator<'_> {
    /// Finds the critical pixel of every unit of the last layer, `[members · classes]`: with one member
    /// that of every logit.
    ///
    /// Where several distances are equally large, the input with the lowest index decides, as in
    /// [`DenseNet::critical_pixels`](crate::exact::DenseNet::critical_pixels). Exact pruning keeps
    /// every weight that can be among the largest, and
    /// [`ExactNet::prune_by_support`](crate::exact::ExactNet::prune_by_support) with a support of 1
    /// does so near its images, so the paths stay the same.
    pub fn critical_pixels(&mut self, image: &[u8]) -> Result<Vec<CriticalPixel>, InputError> {
        self.load_image(image)?;
        self.run();
        Ok(self.trace())
    }

    /// The same for an input in ticks; see [`Self::logits_at`].
    pub fn critical_pixels_at(&mut self, input: &[i32]) -> Result<Vec<CriticalPixel>, InputError> {
        self.load_ticks(input)?;
        self.run();
        Ok(self.trace())
    }

    /// Finds the arg-max path of the label's logit for an 8-bit image: the unit of each hidden layer that
    /// decides, input side first, and the critical pixel at its end. Finds none in a tie. The path of an
    /// ensemble is that of its first member.
    pub fn label_path(
        &mut self,
        image: &[u8],
    ) -> Result<Option<(Vec<usize>, CriticalPixel)>, InputError> {
        self.load_image(image)?;
        let (Some(label), _) = label_and_margin(self.run()) else {
            return Ok(None);
        };
        let mut units = Vec::with_capacity(self.net.layers().len());
        let pixel = self.follow(label, |unit| units.push(unit));
        // The path begins at the label itself.
        units.remove(0);
        units.reverse();
        Ok(Some((units, pixel)))
    }

    /// Critical pixels of the input that was last run.
    pub(in crate::exact) fn trace(&self) -> Vec<CriticalPixel> {
        let outputs = 0..self.net.bias().len();
        outputs.map(|output| self.follow(output, |_| ())).collect()
    }

    /// Follows the arg-max path of a unit of the last layer, for the input that was last run. `pass` is
    /// told the units on the way, this one first.
    fn follow(&self, output: usize, mut pass: impl FnMut(usize)) -> CriticalPixel {
        let layers = self.net.layers();
        let pixel = walk(layers.len(), Point::of_output(output), |index, point| {
            pass(point.unit);
            let (x, value) = (&self.values[index], self.values[index + 1][point.unit]);
            let (input, weight) = layers[index].argmax(point.unit, x, value)?;
            Some(point.through(input, x[input], weight))
        });
        pixel
            .expect("a unit's value is the distance of one of its weights")
            .into()
    }
}

impl Layer {
    /// Input and weight that decide a unit's `value`.
    fn argmax(&self, unit: usize, x: &[i32], value: i32) -> Option<(usize, i32)> {
        let weights = self.blocks(unit).iter().flat_map(Block::weights);
        let distances =
            weights.map(|(column, weight)| (column, (x[column] - weight).abs(), weight));
        decisive(distances, value)
    }
}
