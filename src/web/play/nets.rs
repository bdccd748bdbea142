//! The two networks of a game as they run at one moment, and what they say.

use super::{LEVELS, TIE};
use crate::attack::label;
use crate::baseline::{BaselineNet, Evaluator, IntervalCertifier};
use crate::data::Dataset;
use crate::exact::{ExactNet, InputError, Levels};

/// Images that the ReLU net evaluates at a time.
const RELU_BATCH: usize = 4_096;

/// Both networks at one moment.
pub(super) struct Nets {
    pub(super) ours: ExactNet,
    pub(super) relu: BaselineNet,
}

/// What a network says of one point.
#[derive(Clone, Copy)]
pub(super) struct Verdict {
    pub(super) label: u8,
    /// What is proved; none without a label.
    pub(super) radius: Option<Levels>,
}

impl Verdict {
    pub(super) fn radius_levels(&self) -> f32 {
        // A multiple of 1/32 up to 255, which an f32 holds.
        self.radius.map_or(-1.0, |radius| radius.get() as f32)
    }
}

/// What every image and network of a game is right for.
pub(super) const FITS: &str = "images of two pixels for networks of two inputs";

impl Nets {
    /// What both networks label images.
    pub(super) fn labels(&self, images: &[u8]) -> [Vec<u8>; 2] {
        [self.ours_labels(images), self.relu_labels(images)]
    }

    fn ours_labels(&self, images: &[u8]) -> Vec<u8> {
        let logits: Result<_, InputError> = self.ours.batch_evaluator().logits(images);
        let logits: Vec<i32> = logits.expect(FITS);
        logits
            .chunks_exact(self.ours.classes())
            .map(label_byte)
            .collect()
    }

    fn relu_labels(&self, images: &[u8]) -> Vec<u8> {
        let evaluator = Evaluator::new(&self.relu);
        let mut labels = Vec::with_capacity(images.len() / 2);
        for images in images.chunks(2 * RELU_BATCH) {
            let levels: Vec<f32> = images.iter().map(|&level| level.into()).collect();
            let logits = evaluator.logits(&levels);
            labels.extend(logits.chunks_exact(self.relu.classes()).map(label_byte));
        }
        labels
    }

    pub(super) fn ours_verdicts(&self, points: &Dataset) -> Vec<Verdict> {
        let scale = self.ours.scale();
        let mut evaluator = self.ours.evaluator();
        let verdict = |image: &[u8]| {
            let radii = evaluator.radii(image).expect(FITS);
            Verdict {
                label: byte(radii.label),
                radius: radii.ibp_radius.map(|radius| radius.levels(scale)),
            }
        };
        points.images.chunks_exact(2).map(verdict).collect()
    }

    /// The radii are in whole levels: the bounds of a ReLU net take many times as long as those of ours.
    pub(super) fn relu_verdicts(&self, points: &Dataset) -> Vec<Verdict> {
        let certifier = IntervalCertifier::new(&self.relu, 1);
        let labels = self.relu_labels(&points.images);
        let verdict = |(image, label): (&[u8], u8)| {
            let certificate = certifier.certify(image);
            let proved = certificate.filter(|proved| proved.label == usize::from(label));
            Verdict {
                label,
                radius: proved.map(|proved| proved.ibp_radius.levels(1)),
            }
        };
        let pairs = points.images.chunks_exact(2).zip(labels);
        pairs.map(verdict).collect()
    }
}

/// A label, or [`TIE`].
fn byte(label: Option<usize>) -> u8 {
    label.map_or(TIE, |label| label as u8)
}

/// The class of the largest logit, [`TIE`] if several are.
fn label_byte<T: PartialOrd>(logits: &[T]) -> u8 {
    byte(label(logits))
}

/// Images of levels that are evenly apart, `[side, side, 2]`: a row for each level of the second pixel.
pub(super) fn images(side: usize) -> Vec<u8> {
    let apart = LEVELS / side;
    let level = |at: usize| (at * apart + apart / 2) as u8;
    let rows = (0..side).flat_map(|y| (0..side).map(move |x| [x, y]));
    rows.flat_map(|[x, y]| [level(x), level(y)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_every_size_is_spread_over_all_levels() {
        assert_eq!(images(256)[..4], [0, 0, 1, 0]);
        assert_eq!(images(256).len(), 2 * LEVELS * LEVELS);
        assert_eq!(images(2), [64, 64, 192, 64, 64, 192, 192, 192]);
    }
}
