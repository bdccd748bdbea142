//! Accuracies at every ε from 0 to 255 levels, counted from radii.

use super::ImageRecord;
use crate::exact::{MAX_LEVEL, Ticks};

/// Points of a curve per pixel level. Half levels make 0.1 and 0.3 of full scale (25.5 and 76.5 levels)
/// points of it.
pub const STEPS_PER_LEVEL: u32 = 2;
/// Points of a curve: every half level from 0 to 255.
pub const POINTS: usize = (MAX_LEVEL as u32 * STEPS_PER_LEVEL + 1) as usize;

/// ε of a point of a curve, in pixel levels.
pub fn epsilon_levels(point: usize) -> f64 {
    point as f64 / f64::from(STEPS_PER_LEVEL)
}

/// How many images are certified, as a function of ε.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// Images seen.
    pub images: u64,
    /// Images labelled rightly; a tie is wrong.
    pub clean: u64,
    /// Images labelled rightly whose Lipschitz radius is at least ε, `[POINTS]`. None where no image has
    /// such a radius, as in a network without a Lipschitz certificate.
    pub certified_lipschitz: Option<Vec<u64>>,
    /// Images labelled rightly whose IBP radius is at least ε, `[POINTS]`.
    pub certified_ibp: Vec<u64>,
}

impl Curve {
    /// Counts the images of `records`, whose ticks are 1/`scale` of a level.
    pub fn new<'a>(scale: u32, records: impl IntoIterator<Item = &'a ImageRecord>) -> Self {
        let (mut images, mut clean, mut has_lipschitz) = (0, 0, false);
        let (mut lipschitz, mut ibp) = (vec![0; POINTS], vec![0; POINTS]);
        for record in records {
            images += 1;
            has_lipschitz |= record.lipschitz_radius.is_some();
            if !record.is_right() {
                continue;
            }
            clean += 1;
            for (ends, radius) in [
                (&mut lipschitz, record.lipschitz_radius),
                (&mut ibp, record.ibp_radius),
            ] {
                if let Some(radius) = radius {
                    ends[last_point_within(radius, scale)] += 1;
                }
            }
        }
        Self {
            images,
            clean,
            certified_lipschitz: has_lipschitz.then(|| from_here_on(lipschitz)),
            certified_ibp: from_here_on(ibp),
        }
    }
}

/// The last point whose ε, rounded up to ticks, is at most `radius`.
fn last_point_within(radius: Ticks, scale: u32) -> usize {
    // ⌈p·S/2⌉ ≤ r and p·S/2 ≤ r are the same for whole r.
    let point = u64::from(radius.get()) * u64::from(STEPS_PER_LEVEL) / u64::from(scale);
    usize::try_from(point).map_or(POINTS - 1, |point| point.min(POINTS - 1))
}

/// Of how many images end at each point, how many end there or later.
pub(super) fn from_here_on(mut ends: Vec<u64>) -> Vec<u64> {
    let mut total = 0;
    for end in ends.iter_mut().rev() {
        total += *end;
        *end = total;
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{Epsilon, Evaluation};

    fn record(label: u8, predicted: usize, radii: [u32; 2]) -> ImageRecord {
        let [lipschitz, ibp] = radii.map(|radius| Some(Ticks::new(radius)));
        ImageRecord {
            label,
            predicted: Some(predicted),
            margin: Some(Ticks::new(2 * radii[0] + 1)),
            lipschitz_radius: lipschitz,
            ibp_radius: ibp,
        }
    }

    #[test]
    fn every_point_counts_what_an_evaluation_at_its_epsilon_counts() {
        for scale in [1, 2, 32] {
            let most = 255 * scale;
            let records: Vec<_> = (0..=most)
                .step_by(7)
                .map(|radius| record(3, 3 + usize::from(radius % 5 == 0), [radius / 2, radius]))
                .collect();
            let curve = Curve::new(scale, &records);
            for point in 0..POINTS {
                let halves = point as u64 * u64::from(scale);
                let epsilon = Ticks::new(u32::try_from(halves.div_ceil(2)).unwrap());
                let evaluation = Evaluation::of(&records, epsilon);
                assert_eq!(curve.images, evaluation.images);
                assert_eq!(curve.clean, evaluation.clean);
                assert_eq!(curve.certified_ibp[point], evaluation.certified_ibp);
                let lipschitz = curve.certified_lipschitz.as_ref().unwrap()[point];
                assert_eq!(lipschitz, evaluation.certified_lipschitz);
            }
        }
    }

    #[test]
    fn the_published_radii_are_points() {
        for (epsilon, point) in [("0.1", 51), ("0.3", 153), ("1", POINTS - 1)] {
            let epsilon: Epsilon = epsilon.parse().unwrap();
            assert_eq!(epsilon.ticks(32).levels(32).get(), epsilon_levels(point));
        }
    }

    #[test]
    fn an_image_without_a_proof_is_certified_nowhere() {
        let mut unproved = record(1, 1, [0, 0]);
        (unproved.ibp_radius, unproved.lipschitz_radius) = (None, None);
        let curve = Curve::new(32, &[unproved]);
        assert_eq!((curve.images, curve.clean), (1, 1));
        assert_eq!(curve.certified_ibp, vec![0; POINTS]);
        assert_eq!(curve.certified_lipschitz, None);
    }
}
