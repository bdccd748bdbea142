//! From integer logits to what is proved about the label.
//!
//! Two certificates, both exact: the *Lipschitz* one needs nothing but the margin, because each
//! logit moves by at most r in each member when every pixel does; the *interval* one propagates the
//! box itself and is never smaller. A tie is no label, so a certificate must keep all others strictly
//! below.

mod argmax_path;
mod branch_and_bound;
mod epsilon;
pub(in crate::exact) mod ibp;
mod lipschitz;

use self::ibp::{BOXES, is_certified};
use super::{Evaluator, InputError, MAX_LEVEL};

pub use argmax_path::CriticalPixel;
pub use branch_and_bound::Proof;
pub use epsilon::{Epsilon, EpsilonError};
pub use lipschitz::lipschitz_radius;

/// A label and how far it is proved; all lengths in units of 1/S of a pixel level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
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
    pub ibp_radius: Option<u32>,
    /// The pixel that decides each unit of the last layer, `[members · classes]`, member by member.
    pub critical_pixels: Vec<CriticalPixel>,
}

impl Certificate {
    /// The pixels that decide a class's logit, one in each member.
    pub fn critical_pixels_of(&self, class: usize) -> impl Iterator<Item = &CriticalPixel> {
        self.critical_pixels[class..]
            .iter()
            .step_by(self.logits.len())
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

impl Evaluator<'_> {
    /// Label, margin, both radii and the deciding pixels of an 8-bit image.
    pub fn certificate(&mut self, image: &[u8]) -> Result<Certificate, InputError> {
        self.load_image(image)?;
        let logits = self.run().to_vec();
        let critical_pixels = self.trace();
        let (label, margin) = label_and_margin(&logits);
        let lipschitz_radius = lipschitz_radius(margin, self.net().members());
        let lipschitz_radius = lipschitz_radius.map(|radius| radius.min(self.full_scale()));
        let ibp_radius = match (label, lipschitz_radius) {
            (Some(label), Some(proved)) => Some(self.ibp_radius(label, proved)),
            _ => None,
        };
        Ok(Certificate {
            label,
            logits,
            margin,
            lipschitz_radius,
            ibp_radius,
            critical_pixels,
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

    /// The distance from black to white in units, 255·S.
    fn full_scale(&self) -> u32 {
        MAX_LEVEL.unsigned_abs() * self.net().scale()
    }
}

/// The class of the largest logit, none in a tie, and its distance to the second largest.
pub(in crate::exact) fn label_and_margin(logits: &[i32]) -> (Option<usize>, u32) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_is_no_label() {
        assert_eq!(label_and_margin(&[1, 5, 5]), (None, 0));
        assert_eq!(label_and_margin(&[-1, -5, -2]), (Some(0), 1));
        assert_eq!(label_and_margin(&[-9, -9, -2]), (Some(2), 7));
    }
}
