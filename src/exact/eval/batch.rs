//! Evaluates many images at a time: the same bits as image by image, several times as fast.
//!
//! A single image gathers its values from memory one by one. Here a unit's values for [`BATCH`] images
//! lie side by side, so one load, one subtraction and one maximum serve as many images as a vector
//! register holds. A row ends when its weights can win for none of them, which is only a little later
//! than for one image.

use crate::exact::metrics::whole_images;
use crate::exact::net::Layer;
use crate::exact::{ExactNet, InputError, logits_of_members};

/// Images that are evaluated together: the 32-bit lanes of the longest vectors there are.
pub const BATCH: usize = 16;

/// A value of each of the images.
pub(super) type Values = [i32; BATCH];

/// A layer that evaluates many inputs side by side.
pub(super) trait ForwardBatch {
    /// Values of the units, `[outputs]`, for inputs, `[inputs]`. To be inlined into every caller, so that
    /// it is compiled anew for the vectors that each may use.
    fn forward_batch(&self, x: &[Values], values: &mut [Values]);
}

impl ForwardBatch for Layer {
    #[inline(always)]
    fn forward_batch(&self, x: &[Values], values: &mut [Values]) {
        Layer::forward_batch(self, x, values);
    }
}

/// Evaluates one [`ExactNet`] on many images, without allocating between them.
#[derive(Clone, Debug)]
pub struct BatchEvaluator<'net> {
    net: &'net ExactNet,
    /// Of the input and of every layer's units, `[width]`.
    values: Vec<Vec<Values>>,
}

impl ExactNet {
    /// Buffers to evaluate many images with; keep them.
    pub fn batch_evaluator(&self) -> BatchEvaluator<'_> {
        let widths = self.architecture().into_iter();
        BatchEvaluator {
            net: self,
            values: widths.map(|width| vec![[0; BATCH]; width]).collect(),
        }
    }
}

impl BatchEvaluator<'_> {
    /// Logits in ticks, `[n, classes]`, of 8-bit images, `[n, inputs]`: those that
    /// [`Evaluator::logits`](super::Evaluator::logits) gives, one by one.
    ///
    /// Fails when `images` is no whole number of images of the net's size.
    pub fn logits(&mut self, images: &[u8]) -> Result<Vec<i32>, InputError> {
        let (net, expected) = (self.net, self.net.inputs());
        let count = whole_images(images, expected)?;
        let scale = net.scale().cast_signed();
        let mut logits = Vec::with_capacity(count * net.classes());
        for group in images.chunks(BATCH * expected) {
            // The last group may be short; it is filled up with its last image.
            let last = group.len() / expected - 1;
            for (pixel, values) in self.values[0].iter_mut().enumerate() {
                *values = std::array::from_fn(|image| {
                    i32::from(group[image.min(last) * expected + pixel]) * scale
                });
            }
            for (index, layer) in net.layers().iter().enumerate() {
                let (before, after) = self.values.split_at_mut(index + 1);
                forward(layer, &before[index], &mut after[0]);
            }
            let outputs = self.values.last().expect("the input is always there");
            logits.extend((0..=last).flat_map(|image| {
                logits_of_members(net.bias(), net.classes(), move |unit| outputs[unit][image])
            }));
        }
        Ok(logits)
    }
}

/// Values of the units, `[outputs]`, for inputs that the layer may get, with the longest vectors that the
/// processor has.
pub(super) fn forward(layer: &impl ForwardBatch, x: &[Values], values: &mut [Values]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f")]
        fn with_avx512(layer: &impl ForwardBatch, x: &[Values], values: &mut [Values]) {
            layer.forward_batch(x, values);
        }
        #[target_feature(enable = "avx2")]
        fn with_avx2(layer: &impl ForwardBatch, x: &[Values], values: &mut [Values]) {
            layer.forward_batch(x, values);
        }
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { with_avx512(layer, x, values) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { with_avx2(layer, x, values) };
        }
    }
    layer.forward_batch(x, values);
}
