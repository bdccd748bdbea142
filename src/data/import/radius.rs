//! The ε that is suggested for images: how far apart those of different classes are.
//!
//! Of two images that a network labels differently, at least one has a certified radius below half their
//! distance, in the largest change of a pixel: else the image between them would have both labels. So ε is
//! taken below half the distance from an image to the nearest one of another class, for nine of ten images.

use crate::data::strokes::PIXELS;

/// Images whose nearest neighbour is looked for, and images that are looked at for it.
const ASKED: usize = 200;
const NEIGHBOURS: usize = 2_000;
/// The radii that are suggested: each with the level that a tenth of the images may be closer than.
const STEPS: [(&str, u8); 4] = [("0.3", 204), ("0.2", 140), ("0.1", 72), ("0.05", 36)];
/// Where images are closer than all of them.
const LEAST: &str = "0.02";

/// The ε for `training` images of `[n · 784]` pixels, the first ones.
pub(super) fn suggested(images: &[u8], labels: &[u8], training: usize) -> &'static str {
    let image = |index: usize| &images[index * PIXELS..][..PIXELS];
    let mut nearest: Vec<u8> = (0..training.min(ASKED))
        .map(|one| {
            let others =
                (0..training.min(NEIGHBOURS)).filter(|other| labels[*other] != labels[one]);
            others.fold(u8::MAX, |least, other| {
                distance(image(one), image(other), least)
            })
        })
        .collect();
    nearest.sort_unstable();
    let tenth = nearest.get(nearest.len() / 10).copied().unwrap_or(0);
    let fits = STEPS.iter().find(|(_, least)| tenth >= *least);
    fits.map_or(LEAST, |(epsilon, _)| epsilon)
}

/// The largest difference of a pixel, or `enough` if it is no smaller.
fn distance(one: &[u8], other: &[u8], enough: u8) -> u8 {
    let mut largest = 0;
    for (one, other) in one.chunks(56).zip(other.chunks(56)) {
        let pixels = one.iter().zip(other);
        let here = pixels.map(|(one, other)| one.abs_diff(*other)).max();
        largest = largest.max(here.unwrap_or(0));
        if largest >= enough {
            return enough;
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epsilon_is_below_half_the_distance_between_classes() {
        // Two classes whose images differ by `apart` levels in one pixel.
        let suggested = |apart: u8| {
            let mut images = vec![0; 20 * PIXELS];
            let labels: Vec<u8> = (0..20).map(|index| index % 2).collect();
            for (index, label) in labels.iter().enumerate() {
                images[index * PIXELS + 400] = label * apart;
            }
            suggested(&images, &labels, 20)
        };
        assert_eq!(suggested(255), "0.3");
        assert_eq!(suggested(150), "0.2");
        assert_eq!(suggested(100), "0.1");
        assert_eq!(suggested(10), "0.02");
        for (epsilon, least) in STEPS {
            let levels: f64 = 255.0 * epsilon.parse::<f64>().unwrap();
            assert!(2.0 * levels < f64::from(least));
        }
    }
}
