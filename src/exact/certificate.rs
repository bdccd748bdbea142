//! From integer logits to what is proved about the label.
//!
//! Two certificates, both exact: the *Lipschitz* one needs nothing but the margin, because each
//! logit moves by at most r in each head when every pixel does; the *interval* one propagates the
//! box itself and is never smaller. A tie is no label, so a certificate must keep all others strictly
//! below.

use super::net::{BOXES, Evaluator, Intervals};
use super::{Deciding, InputError, MAX_LEVEL};

/// A label and how far it is proved; all lengths in units of 1/S of a pixel level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The class of the largest logit; none when several are the largest.
    pub label: Option<usize>,
    /// The logits, `[classes]`.
    pub logits: Vec<i32>,
    /// How far the largest logit is above the second largest; 0 in a tie.
    pub margin: u32,
    /// The largest radius that the margin proves, at most 255·S, beyond which there is no image;
    /// none without a label.
    pub lipschitz_radius: Option<u32>,
    /// The largest radius that interval propagation proves, at most 255·S and never below
    /// `lipschitz_radius`; none without a label.
    pub interval_radius: Option<u32>,
    /// The pixel that decides each unit of the last layer, `[heads · classes]`, head by head.
    pub deciding: Vec<Deciding>,
}

impl Verdict {
    /// The pixels that decide a class's logit, one in each head.
    pub fn deciding_of(&self, class: usize) -> impl Iterator<Item = &Deciding> {
        self.deciding[class..].iter().step_by(self.logits.len())
    }
}

/// Where the logits can go within a radius, in units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Lower and upper bound of every logit, `[classes]`.
    pub logits: Vec<[i32; 2]>,
    /// Whether the label's lower bound is above every other class's upper bound.
    pub certified: bool,
}

/// The largest radius that a margin proves of a net with so many heads, margin and radius in units:
/// ⌊(margin − 1)/(2·heads)⌋, none for margin 0.
///
/// Both logits move by at most a unit in each head for each unit of the radius. Strictly inside, so
/// that not even a tie occurs.
///
/// # Panics
/// If there is no head.
pub fn lipschitz_radius(margin: u32, heads: usize) -> Option<u32> {
    assert_ne!(heads, 0, "a net has a head");
    let radius = u64::from(margin.checked_sub(1)?) / (2 * heads as u64);
    Some(radius as u32)
}

impl Evaluator<'_> {
    /// Label, margin, both radii and the deciding pixels of an 8-bit image.
    pub fn verdict(&mut self, image: &[u8]) -> Result<Verdict, InputError> {
        self.load_image(image)?;
        let logits = self.run().to_vec();
        let deciding = self.trace();
        let (label, margin) = label_and_margin(&logits);
        let lipschitz_radius = lipschitz_radius(margin, self.net().heads());
        let lipschitz_radius = lipschitz_radius.map(|radius| radius.min(self.full_scale()));
        let interval_radius = match (label, lipschitz_radius) {
            (Some(label), Some(proved)) => Some(self.interval_radius(label, proved)),
            _ => None,
        };
        Ok(Verdict {
            label,
            logits,
            margin,
            lipschitz_radius,
            interval_radius,
            deciding,
        })
    }

    /// Where the logits of an 8-bit image can go within `radius` units, and whether its label
    /// is proved there.
    pub fn bounds(&mut self, image: &[u8], radius: u32) -> Result<Bounds, InputError> {
        self.load_image(image)?;
        let (label, _) = label_and_margin(self.run());
        let bounds = self.run_boxes([radius; BOXES]);
        let certified = label.is_some_and(|label| is_certified(bounds, label, 0));
        let logits = bounds
            .iter()
            .map(|logit| [logit.lower[0], logit.upper[0]])
            .collect();
        Ok(Bounds { logits, certified })
    }

    /// The largest radius in units at which the bounds still prove `label` for the loaded input.
    /// `proved` is a radius known to be proved.
    ///
    /// A larger box has wider bounds, so the radii that are proved end at one place; it is
    /// usually close above what the margin proves, so the search strides up, ever faster, until
    /// a radius is refuted, and then divides what is left.
    fn interval_radius(&mut self, label: usize, mut proved: u32) -> u32 {
        let full_scale = self.full_scale();
        let mut refuted = full_scale + 1;
        let mut stride = 1;
        while proved + 1 < refuted {
            let (from, gap) = (proved, refuted - proved);
            let radii: [u32; BOXES] = std::array::from_fn(|i| {
                if refuted > full_scale {
                    (from + (stride << (2 * i))).min(full_scale)
                } else {
                    (from + gap * (i as u32 + 1) / (BOXES as u32 + 1)).max(from + 1)
                }
            });
            let bounds = self.run_boxes(radii);
            for (index, radius) in radii.into_iter().enumerate() {
                if !is_certified(bounds, label, index) {
                    refuted = radius;
                    break;
                }
                proved = radius;
            }
            stride <<= 2 * BOXES;
        }
        proved
    }

    /// The distance from black to white in units, 255·S.
    fn full_scale(&self) -> u32 {
        MAX_LEVEL.unsigned_abs() * self.net().scale()
    }
}

/// The class of the largest logit, none in a tie, and its distance to the second largest.
pub(super) fn label_and_margin(logits: &[i32]) -> (Option<usize>, u32) {
    let (mut label, mut largest, mut second) = (0, i32::MIN, i32::MIN);
    for (class, &logit) in logits.iter().enumerate() {
        if logit > largest {
            (label, largest, second) = (class, logit, largest);
        } else {
            second = second.max(logit);
        }
    }
    let margin = largest.abs_diff(second);
    ((margin > 0).then_some(label), margin)
}

/// Whether in box `index` the label's lower bound is strictly above every other upper bound.
pub(super) fn is_certified(bounds: &[Intervals], label: usize, index: usize) -> bool {
    let lower = bounds[label].lower[index];
    let mut others = bounds
        .iter()
        .enumerate()
        .filter(|&(class, _)| class != label);
    others.all(|(_, logit)| lower > logit.upper[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margin_proves_strictly_less_than_its_half() {
        let radii = |heads| [0, 1, 2, 3, 4, 5].map(|margin| lipschitz_radius(margin, heads));
        assert_eq!(
            radii(1),
            [None, Some(0), Some(0), Some(1), Some(1), Some(2)]
        );
        assert_eq!(
            radii(2),
            [None, Some(0), Some(0), Some(0), Some(0), Some(1)]
        );
    }

    #[test]
    fn a_tie_is_no_label() {
        assert_eq!(label_and_margin(&[1, 5, 5]), (None, 0));
        assert_eq!(label_and_margin(&[-1, -5, -2]), (Some(0), 1));
        assert_eq!(label_and_margin(&[-9, -9, -2]), (Some(2), 7));
    }

    #[test]
    fn a_touch_of_bounds_is_not_certified() {
        let logit = |lower: i32, upper: [i32; BOXES]| Intervals {
            lower: [lower; BOXES],
            upper,
        };
        let bounds = [logit(5, [9; BOXES]), logit(0, [4, 5, 6, 4])];
        let certified = [0, 1, 2, 3].map(|index| is_certified(&bounds, 0, index));
        assert_eq!(certified, [true, false, false, true]);
    }
}
