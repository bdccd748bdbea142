//! Certificates: how far the label of an image is proved.
//!
//! There are two for every image, both exact. The *Lipschitz* certificate needs only the margin,
//! because a logit moves by at most r in each member when every pixel moves by at most r. The *IBP*
//! certificate propagates the box itself (interval bound propagation); its radius is never smaller.
//! [`Evaluator::proof`] adds branch and bound, which proves more at one radius and takes longer. A tie
//! counts as no label, so a certificate keeps all other logits strictly below the label's.
//! [`CertificateFile`] is a certificate to take away, and its check.

pub(in crate::exact) mod argmax_path;
mod branch_and_bound;
mod certificate_file;
mod epsilon;
pub(in crate::exact) mod ibp;
mod lipschitz;

use self::ibp::{BOXES, is_certified};
use super::{Evaluator, InputError, MAX_LEVEL, Ticks};

pub use argmax_path::CriticalPixel;
pub(crate) use argmax_path::decisive;
pub use branch_and_bound::{Proof, Split, SplitTree, SplitsError};
pub use certificate_file::{CertificateFile, CertifyError, Method, Refutation};
pub use epsilon::{Epsilon, EpsilonError};
pub use lipschitz::lipschitz_radius;

/// A label and the radii for which it is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The class of the largest logit; none when several are the largest.
    pub label: Option<usize>,
    /// The logits in ticks, `[classes]`.
    pub logits: Vec<i32>,
    /// How far the largest logit is above the second largest; 0 in a tie.
    pub margin: Ticks,
    /// The largest radius that the margin proves, at most 255·S, beyond which there is no image;
    /// none without a label.
    pub lipschitz_radius: Option<Ticks>,
    /// The largest radius that interval bound propagation proves, at most 255·S and never below
    /// `lipschitz_radius`; none without a label.
    pub ibp_radius: Option<Ticks>,
    /// The critical pixel of each unit of the last layer, `[members · classes]`, member by member.
    pub critical_pixels: Vec<CriticalPixel>,
}

impl Certificate {
    /// The critical pixels of a class's logit, one in each member.
    pub fn critical_pixels_of(&self, class: usize) -> impl Iterator<Item = &CriticalPixel> {
        self.critical_pixels[class..]
            .iter()
            .step_by(self.logits.len())
    }
}

/// A [`Certificate`] without its logits and critical pixels: what is known of one image of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Radii {
    /// As in [`Certificate::label`].
    pub label: Option<usize>,
    /// As in [`Certificate::margin`].
    pub margin: Ticks,
    /// As in [`Certificate::lipschitz_radius`].
    pub lipschitz_radius: Option<Ticks>,
    /// As in [`Certificate::ibp_radius`].
    pub ibp_radius: Option<Ticks>,
}

/// Bounds of the logits within a radius.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Lower and upper bound of every logit in ticks, `[classes]`.
    pub logits: Vec<[i32; 2]>,
    /// Whether the label's lower bound is above every other class's upper bound.
    pub certified: bool,
}

impl Evaluator<'_> {
    /// Computes label, margin, both radii and the critical pixels of an 8-bit image.
    pub fn certificate(&mut self, image: &[u8]) -> Result<Certificate, InputError> {
        self.load_image(image)?;
        let logits = self.run().to_vec();
        let critical_pixels = self.trace();
        let Radii {
            label,
            margin,
            lipschitz_radius,
            ibp_radius,
        } = self.radii_of(&logits);
        Ok(Certificate {
            label,
            logits,
            margin,
            lipschitz_radius,
            ibp_radius,
            critical_pixels,
        })
    }

    /// Computes label, margin and both radii of an 8-bit image: those of [`Self::certificate`], without
    /// the critical pixels.
    pub fn radii(&mut self, image: &[u8]) -> Result<Radii, InputError> {
        self.load_image(image)?;
        let logits = self.run().to_vec();
        Ok(self.radii_of(&logits))
    }

    /// The radii of the loaded input, whose logits these are.
    fn radii_of(&mut self, logits: &[i32]) -> Radii {
        let (label, margin) = label_and_margin(logits);
        let lipschitz_radius = lipschitz_radius(margin, self.net().members());
        let lipschitz_radius = lipschitz_radius.map(|radius| radius.min(self.full_scale()));
        let ibp_radius = match (label, lipschitz_radius) {
            (Some(label), Some(proved)) => Some(self.ibp_radius(label, proved)),
            _ => None,
        };
        Radii {
            label,
            margin,
            lipschitz_radius,
            ibp_radius,
        }
    }

    /// Bounds the logits of an 8-bit image within `radius`, and tells whether its label is proved
    /// there.
    pub fn bounds(&mut self, image: &[u8], radius: Ticks) -> Result<Bounds, InputError> {
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

    /// The distance from black to white, 255·S.
    fn full_scale(&self) -> Ticks {
        Ticks::new(MAX_LEVEL.unsigned_abs() * self.net().scale())
    }
}

/// The class of the largest logit, none in a tie, and its distance to the second largest.
pub(in crate::exact) fn label_and_margin(logits: &[i32]) -> (Option<usize>, Ticks) {
    let (mut label, mut largest, mut second) = (0, i32::MIN, i32::MIN);
    for (class, &logit) in logits.iter().enumerate() {
        if logit > largest {
            (label, largest, second) = (class, logit, largest);
        } else {
            second = second.max(logit);
        }
    }
    let margin = largest.abs_diff(second);
    ((margin > 0).then_some(label), Ticks::new(margin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_is_no_label() {
        assert_eq!(label_and_margin(&[1, 5, 5]), (None, Ticks::ZERO));
        assert_eq!(label_and_margin(&[-1, -5, -2]), (Some(0), Ticks::new(1)));
        assert_eq!(label_and_margin(&[-9, -9, -2]), (Some(2), Ticks::new(7)));
    }
}
