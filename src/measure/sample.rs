//! What attacks leave: the smallest flip that they find of each image of a sample.
//!
//! A flip of radius R is one for every ε from R on, so one search per image gives a whole curve, as one
//! certificate does. What it gives is an upper bound of the robust accuracy: an image that no attack
//! flipped may still be flipped by another.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::ImageRecord;
use super::curve::{POINTS, STEPS_PER_LEVEL, from_here_on};
use crate::attack::{Attack, AttackError, Classifier, Grid, Run, Settings};
use crate::exact::{MAX_LEVEL, Ticks};

/// Queries spent on an image of a sample, unless it is said otherwise.
pub const SURVEY_QUERIES: u64 = 1_000;

/// One image of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Whether it is labelled rightly. Other images are not attacked.
    pub is_right: bool,
    /// The radius of the smallest change that flips its label, of those that were tried.
    pub flip: Option<Ticks>,
}

/// Accuracy under attack of a sample, as a function of ε.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// Images of the sample.
    pub images: u64,
    /// Of these, images labelled rightly for which no flip within ε was found, `[POINTS]`.
    pub unflipped: Vec<u64>,
}

impl Survey {
    /// Counts the images of a sample, whose ticks are 1/`scale` of a level.
    pub fn new<'a>(scale: u32, tried: impl IntoIterator<Item = &'a Tried>) -> Self {
        let mut images = 0;
        let mut ends = vec![0; POINTS];
        for Tried { is_right, flip } in tried {
            images += 1;
            if !is_right {
                continue;
            }
            match flip.map(|flip| points_below(flip, scale)) {
                None => ends[POINTS - 1] += 1,
                Some(0) => {}
                Some(points) => ends[points - 1] += 1,
            }
        }
        Self {
            images,
            unflipped: from_here_on(ends),
        }
    }

    /// The 95 % confidence interval of the share of all images at a point, see [`wilson_interval`].
    pub fn interval(&self, point: usize) -> [f64; 2] {
        wilson_interval(self.unflipped[point], self.images)
    }
}

/// How many points have an ε below the radius of a flip.
fn points_below(flip: Ticks, scale: u32) -> usize {
    let points = (u64::from(flip.get()) * u64::from(STEPS_PER_LEVEL)).div_ceil(u64::from(scale));
    usize::try_from(points).map_or(POINTS, |points| points.min(POINTS))
}

/// The 95 % confidence interval of a share, of which `hits` of `images` random ones are known: that of
/// Wilson (1927), which stays within 0 and 1. From 0 to 1 if there is no image.
pub fn wilson_interval(hits: u64, images: u64) -> [f64; 2] {
    /// The 0.975 quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if images == 0 {
        return [0.0, 1.0];
    }
    let (hits, images) = (hits as f64, images as f64);
    let share = hits / images;
    let shrink = 1.0 + Z * Z / images;
    let centre = (share + Z * Z / (2.0 * images)) / shrink;
    let half =
        Z / shrink * (share * (1.0 - share) / images + Z * Z / (4.0 * images * images)).sqrt();
    // Rounding must not leave the share out at the ends.
    [
        (centre - half).clamp(0.0, share),
        (centre + half).clamp(share, 1.0),
    ]
}

/// The order in which images are attacked: all of `0..images` in an order that follows from `seed`, so
/// that the first N are a random sample, and those of a smaller one are among them.
pub fn sample_order(images: u32, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..images).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order
}

/// The seed of everything random in the search for a flip of image `index`.
pub fn image_seed(seed: u32, index: u32) -> u64 {
    u64::from(seed) << 32 | u64::from(index)
}

/// Searches for the smallest change, in whole levels, that flips the label of an 8-bit image with its
/// `record`: with all attacks and about `queries` queries. Nothing is tried within the radius for which
/// the label is proved, and nothing on an image that is labelled wrongly. `seed` decides everything random.
///
/// # Errors
/// Fails if the image or its label is none of the network's.
pub fn try_image(
    classifier: &mut impl Classifier,
    image: &[u8],
    record: &ImageRecord,
    queries: u64,
    seed: u64,
) -> Result<Tried, AttackError> {
    let is_right = record.is_right();
    if !is_right {
        return Ok(Tried {
            is_right,
            flip: None,
        });
    }
    let everywhere = Ticks::new(MAX_LEVEL.unsigned_abs() * classifier.scale());
    let attack = Attack::min_norm().shortened();
    let mut settings = Settings::new(attack, everywhere, Grid::Levels, seed);
    settings.proved = record.ibp_radius;
    let mut run = Run::new(classifier, image, record.label.into(), settings)?;
    while !run.is_done() && run.queries() < queries {
        run.advance(classifier, queries - run.queries());
    }
    let flip = run.bracket().and_then(|bracket| bracket.broken);
    Ok(Tried { is_right, flip })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_counts_from_its_radius_on() {
        let tried = |is_right, flip: Option<u32>| Tried {
            is_right,
            flip: flip.map(Ticks::new),
        };
        // Ticks of half a level: a point each.
        let sample = [
            tried(true, None),
            tried(true, Some(4)),
            tried(true, Some(0)),
            tried(false, None),
        ];
        let survey = Survey::new(2, &sample);
        assert_eq!(survey.images, 4);
        assert_eq!(survey.unflipped[..6], [2, 2, 2, 2, 1, 1]);
        assert_eq!(survey.unflipped[POINTS - 1], 1);
    }

    #[test]
    fn a_flip_between_two_points_counts_from_the_second_on() {
        let flip = Some(Ticks::new(33));
        let survey = Survey::new(
            32,
            &[Tried {
                is_right: true,
                flip,
            }],
        );
        // 33/32 of a level is above 1.0 and below 1.5.
        assert_eq!(survey.unflipped[..5], [1, 1, 1, 0, 0]);
    }

    #[test]
    fn the_interval_is_that_of_wilson() {
        // Newcombe (1998), table I, method 3.
        for (hits, images, expected) in [
            (81, 263, [0.2553, 0.3662]),
            (15, 148, [0.0624, 0.1605]),
            (0, 20, [0.0, 0.1611]),
            (1, 29, [0.0061, 0.1718]),
        ] {
            let found = wilson_interval(hits, images);
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found - expected).abs() < 5.1e-5, "{found} {expected}");
            }
        }
        assert_eq!(wilson_interval(0, 0), [0.0, 1.0]);
    }

    #[test]
    fn a_larger_sample_holds_the_smaller_one() {
        let order = sample_order(1_000, 1);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..1_000));
        assert_ne!(order, sample_order(1_000, 2));
        assert_eq!(order, sample_order(1_000, 1));
    }
}
