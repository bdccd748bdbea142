//! The arg-max path: the chain of largest distances that decides a logit, down to one pixel.

use crate::exact::InputError;
use crate::exact::eval::Evaluator;
use crate::exact::net::{Block, Layer};

/// The pixel that decides a logit, or what a member adds to it: at the end of the chain of arg-maxima.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CriticalPixel {
    /// Index of the pixel, row-major from the top left.
    pub pixel: usize,
    /// Raising the pixel by one unit times this sign raises what the member adds to the logit by one unit,
    /// as long as the chain goes the same way; a distance one unit behind along it may take over and end that.
    pub sign: i8,
}

impl Evaluator<'_> {
    /// For every unit of the last layer the pixel that decides it, `[members · classes]`: with one member
    /// for every logit.
    ///
    /// Where several distances are equally large, the input with the lowest index decides. The
    /// rule is that of [`DenseNet::critical_pixels`](crate::exact::DenseNet::critical_pixels): pruning keeps every weight that can be
    /// among the largest, [`ExactNet::prune_by_support`](crate::exact::ExactNet::prune_by_support) every one that can near enough of its images.
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

    /// Critical pixels of the input that was last run.
    pub(in crate::exact) fn trace(&self) -> Vec<CriticalPixel> {
        (0..self.net.bias().len())
            .map(|output| {
                // Raising the value lowers the logit.
                let (mut unit, mut sign) = (output, -1);
                for (index, layer) in self.net.layers().iter().enumerate().rev() {
                    let value = self.values[index + 1][unit];
                    let (column, direction) = layer.argmax(unit, &self.values[index], value);
                    (unit, sign) = (column, sign * direction);
                }
                CriticalPixel { pixel: unit, sign }
            })
            .collect()
    }
}

impl Layer {
    /// The lowest input index whose distance is the unit's `value`, and whether the distance
    /// grows (+1) or shrinks (−1) as that input rises.
    fn argmax(&self, unit: usize, x: &[i32], value: i32) -> (usize, i8) {
        let blocks = self.blocks(unit);
        let weights = blocks.iter().flat_map(Block::weights);
        let (column, weight) = weights
            .filter(|&(column, weight)| (x[column] - weight).abs() == value)
            .min()
            .expect("a unit's value is the distance of one of its weights");
        (column, if x[column] < weight { -1 } else { 1 })
    }
}
