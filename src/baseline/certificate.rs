//! Certifies a baseline's label by interval bound propagation.
//!
//! The label is the one that the f32 evaluation gives, rounding included: see
//! [`interval`](super::interval) for why. The last layer bounds the *difference* of two logits
//! rather than the two logits apart, as Gowal et al. (2018, section 3) do: a hidden unit cannot be
//! high for one class and low for the other.

use super::BaselineNet;
use super::interval::{Intervals, Sum};
use crate::exact::{MAX_LEVEL, Ticks};

/// Certifies the labels of one network. A tick is 1/`scale` of a pixel level, so that the radii
/// compare with those of an exact network of that scale.
#[derive(Clone, Copy, Debug)]
pub struct IntervalCertifier<'net> {
    net: &'net BaselineNet,
    scale: u32,
}

/// A label and the radius for which it is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The class that the evaluation in f32 gives to every f32 image within the radius.
    pub label: usize,
    /// The radius that interval bound propagation proves; at most 255·`scale`, beyond which there is
    /// no image.
    pub ibp_radius: Ticks,
}

impl<'net> IntervalCertifier<'net> {
    /// Makes a certifier with ticks of 1/`scale` of a pixel level; `scale` is a power of two.
    pub fn new(net: &'net BaselineNet, scale: u32) -> Self {
        debug_assert!(scale.is_power_of_two());
        Self { net, scale }
    }

    /// Lower and upper bound of every logit as f32 computes it, `[classes]`, when no pixel of an
    /// 8-bit image moves by more than `radius`.
    ///
    /// # Panics
    /// If the image is not of the network's size; so do the other methods.
    pub fn logit_bounds(&self, image: &[u8], radius: Ticks) -> Vec<[f64; 2]> {
        let (last, _) = self.net.split_last();
        let hidden = self.hidden(image, radius);
        let sums = hidden.sums(last).into_iter();
        sums.map(|sum| sum.computed()).collect()
    }

    /// Whether every f32 image within `radius` of an 8-bit image, pixels staying in 0 to
    /// 255, has the largest logit at `label`, strictly.
    ///
    /// What holds for a radius holds for every smaller one.
    pub fn is_certified(&self, image: &[u8], label: usize, radius: Ticks) -> bool {
        let (last, _) = self.net.split_last();
        let hidden = self.hidden(image, radius);
        let sums = hidden.sums(last);
        let errors: Vec<f64> = sums.iter().map(Sum::error).collect();
        let rows: Vec<&[f32]> = last.rows().collect();
        let margin = |other: usize| -> Sum {
            let weights = rows[label].iter().zip(rows[other]);
            let difference = weights.map(|(&of_label, &w)| f64::from(of_label) - f64::from(w));
            let bias = f64::from(last.bias[label]) - f64::from(last.bias[other]);
            hidden.sum(difference, bias)
        };
        let mut others = (0..rows.len()).filter(|&class| class != label);
        // The magnitude of a difference is at most that of both logits, so their errors leave room
        // for its rounding as well.
        others.all(|other| margin(other).lower > errors[label] + errors[other])
    }

    /// The label that is proved for an 8-bit image itself, none where its logits are closer to a tie
    /// than rounding can tell.
    pub fn label(&self, image: &[u8]) -> Option<usize> {
        let bounds = self.logit_bounds(image, Ticks::ZERO);
        let highest = (0..bounds.len()).max_by(|&a, &b| bounds[a][0].total_cmp(&bounds[b][0]));
        highest.filter(|&label| self.is_certified(image, label, Ticks::ZERO))
    }

    /// The label of an 8-bit image and the largest radius that is proved for it, none where there
    /// is no [`label`](Self::label).
    pub fn certify(&self, image: &[u8]) -> Option<Certificate> {
        let label = self.label(image)?;
        let proves = |radius| self.is_certified(image, label, Ticks::new(radius));
        let most = MAX_LEVEL.unsigned_abs() * self.scale;
        Some(Certificate {
            label,
            ibp_radius: Ticks::new(largest(most, self.scale, proves)),
        })
    }

    /// The values of the last hidden layer within `radius` of an image.
    fn hidden(&self, image: &[u8], radius: Ticks) -> Intervals {
        assert_eq!(image.len(), self.net.inputs(), "pixels of the image");
        let levels = image.iter().map(|&level| f64::from(level));
        let pixels = Intervals::around(levels, radius.levels(self.scale));
        let (_, hidden) = self.net.split_last();
        hidden.iter().fold(pixels, |x, layer| x.through(layer))
    }
}

/// The largest radius up to `most` that is proved, if 0 is. What is proved for a radius is proved for
/// every smaller one.
///
/// Most radii are a few levels, so the search begins at `first` and quadruples it until something is not
/// proved; then it bisects.
fn largest(most: u32, first: u32, proves: impl Fn(u32) -> bool) -> u32 {
    let (mut proved, mut open, mut next) = (0, most + 1, first);
    while open - proved > 1 {
        let radius = if next < open {
            next
        } else {
            proved.midpoint(open)
        };
        if proves(radius) {
            proved = radius;
            next = radius.saturating_mul(4);
        } else {
            open = radius;
        }
    }
    proved
}

#[cfg(test)]
mod tests {
    use super::largest;

    #[test]
    fn the_largest_proved_radius_is_found() {
        for (most, first) in [(255, 1), (255 * 2, 2), (255, 32)] {
            for truth in 0..=most {
                assert_eq!(largest(most, first, |radius| radius <= truth), truth);
            }
        }
    }
}
