//! Which images are held out: drawn by a seed, a share of every class, with equal images on one side.

use std::collections::HashMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::problem::ImportError;
use crate::data::HELD_OUT;
use crate::data::strokes::PIXELS;

/// One of so many images is held out, of every class.
const ONE_OF: usize = 6;
/// A class with fewer different images than this can hardly be learned.
pub const FEW: usize = 20;
/// Fewer different images than this are no data set.
pub const LEAST_IMAGES: usize = 8;

/// An order of all images whose last ones are held out.
#[derive(Debug)]
pub(super) struct HoldOut {
    order: Vec<u32>,
    pub held_out: usize,
    pub duplicates: usize,
    pub contradictions: usize,
}

impl HoldOut {
    /// The images and labels in this order.
    pub fn ordered(&self, images: &[u8], labels: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let indices = self.order.iter().map(|index| *index as usize);
        let pixels = indices.clone();
        let pixels = pixels.flat_map(|index| &images[index * PIXELS..][..PIXELS]);
        (
            pixels.copied().collect(),
            indices.map(|index| labels[index]).collect(),
        )
    }
}

/// Splits images, `[n · 784]`, of the classes `0..classes`.
pub(super) fn split(
    images: &[u8],
    labels: &[u8],
    classes: usize,
    seed: u64,
) -> Result<HoldOut, ImportError> {
    // Equal images in the order of the first of them.
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut found: HashMap<&[u8], usize> = HashMap::new();
    for (index, image) in images.chunks_exact(PIXELS).enumerate() {
        let group = *found.entry(image).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(index as u32);
    }
    if groups.len() < LEAST_IMAGES {
        return Err(ImportError::TooFewImages {
            images: groups.len(),
            least: LEAST_IMAGES,
        });
    }
    let duplicates = labels.len() - groups.len();
    let label = |index: u32| labels[index as usize];
    let contradicts = |group: &&Vec<u32>| group.iter().any(|&one| label(one) != label(group[0]));
    let contradictions = groups.iter().filter(contradicts).map(Vec::len).sum();

    let mut random = ChaCha8Rng::seed_from_u64(seed);
    groups.shuffle(&mut random);
    // Of a class, so many images.
    let mut wanted = vec![0; classes];
    for &label in labels {
        wanted[usize::from(label)] += 1;
    }
    for images in &mut wanted {
        // All classes in the same proportion, and no more in all than of a described set.
        let most = *images * HELD_OUT / labels.len();
        *images = (*images / ONE_OF).min(most.max(1));
    }
    let (mut training, mut held_out) = (Vec::new(), Vec::new());
    for group in groups {
        let open = &mut wanted[usize::from(label(group[0]))];
        if *open >= group.len() {
            *open -= group.len();
            held_out.extend(group);
        } else {
            training.extend(group);
        }
    }
    // Equal images would follow each other.
    training.shuffle(&mut random);
    held_out.shuffle(&mut random);
    let count = held_out.len();
    training.append(&mut held_out);
    Ok(HoldOut {
        order: training,
        held_out: count,
        duplicates,
        contradictions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images `0..n` of two classes by turns; the image of an index is its value in `equal`.
    fn images(equal: impl Fn(usize) -> usize, n: usize) -> (Vec<u8>, Vec<u8>) {
        let image = |index: usize| {
            let value = equal(index) as u32;
            value.to_le_bytes().repeat(PIXELS / 4)
        };
        let labels = (0..n).map(|index| (index % 2) as u8).collect();
        ((0..n).flat_map(image).collect(), labels)
    }

    #[test]
    fn a_sixth_of_every_class_is_held_out_and_the_seed_decides_which() {
        let (pixels, labels) = images(|index| index, 120);
        let one = split(&pixels, &labels, 2, 1).unwrap();
        assert_eq!((one.held_out, one.duplicates), (20, 0));
        let (_, ordered) = one.ordered(&pixels, &labels);
        assert_eq!(
            ordered[100..].iter().filter(|label| **label == 1).count(),
            10
        );
        assert_eq!(split(&pixels, &labels, 2, 1).unwrap().order, one.order);
        assert_ne!(split(&pixels, &labels, 2, 2).unwrap().order, one.order);
        let mut all = one.order.clone();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..120));
    }

    #[test]
    fn equal_images_lie_on_one_side() {
        // Each image three times, with both labels.
        let (pixels, labels) = images(|index| index / 3, 240);
        for seed in 0..20 {
            let split = split(&pixels, &labels, 2, seed).unwrap();
            assert_eq!((split.duplicates, split.contradictions), (160, 240));
            let (training, held_out) = split.order.split_at(240 - split.held_out);
            assert!(!held_out.is_empty());
            let image = |index: &u32| index / 3;
            assert!(
                held_out
                    .iter()
                    .all(|one| training.iter().all(|other| image(one) != image(other)))
            );
        }
    }

    #[test]
    fn a_handful_of_images_is_no_data_set() {
        let (pixels, labels) = images(|index| index % 7, 100);
        let error = split(&pixels, &labels, 2, 0).unwrap_err();
        assert_eq!(
            error,
            ImportError::TooFewImages {
                images: 7,
                least: 8
            }
        );
    }
}
