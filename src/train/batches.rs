//! Selects, augments and normalises the images of an iteration.
//!
//! The order of an epoch and the random shifts of a batch are functions of the seed and the position, so
//! a resumed run needs no saved state of a random generator.

use std::sync::Arc;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::data::{Dataset, Normalisation};

/// Training images in shuffled, augmented, normalised batches.
#[derive(Clone, Debug)]
pub struct Batches {
    data: Arc<Dataset>,
    seed: u64,
    size: usize,
    random_shift: RandomShift,
    normalisation: Normalisation,
    epoch: usize,
    order: Vec<u32>,
}

/// The augmentation: images are shifted at random.
#[derive(Clone, Copy, Debug)]
pub struct RandomShift {
    /// Largest shift in pixels.
    pub pixels: u8,
    /// Probability that an image is shifted.
    pub probability: f32,
}

/// One batch: normalised inputs `[size, pixels]` and labels `[size]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Inputs, row-major.
    pub inputs: Vec<f32>,
    /// Labels.
    pub labels: Vec<u8>,
}

impl Batches {
    /// Creates batches of `size` images, shifted at random and normalised.
    pub fn new(
        data: Arc<Dataset>,
        seed: u64,
        size: usize,
        random_shift: RandomShift,
        normalisation: Normalisation,
    ) -> Self {
        let order = shuffled(data.len(), seed, 0);
        Self {
            data,
            seed,
            size,
            random_shift,
            normalisation,
            epoch: 0,
            order,
        }
    }

    /// The training images.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The number of whole batches in an epoch. The images left over differ from epoch to epoch.
    pub fn per_epoch(&self) -> usize {
        self.data.len() / self.size
    }

    /// Returns the batch of an iteration, shifted at random.
    pub fn batch(&mut self, iteration: usize) -> Batch {
        let (epoch, position) = (iteration / self.per_epoch(), iteration % self.per_epoch());
        if epoch != self.epoch {
            self.epoch = epoch;
            self.order = shuffled(self.data.len(), self.seed, epoch);
        }
        let mut rng = generator(self.seed, Purpose::Crops, iteration);
        let description = &self.data.description;
        let mut batch = Batch {
            inputs: Vec::with_capacity(self.size * description.pixels()),
            labels: Vec::with_capacity(self.size),
        };
        for &index in &self.order[position * self.size..][..self.size] {
            let by = self.random_shift.random(&mut rng);
            let image = shifted(self.data.image(index as usize), description.shape, by);
            let inputs = image.map(|level| self.normalisation.normalised(level));
            batch.inputs.extend(inputs);
            batch.labels.push(self.data.labels[index as usize]);
        }
        batch
    }

    /// Returns the first `count` training images without augmentation, in batches of inputs.
    pub fn plain(&self, count: usize) -> impl Iterator<Item = Vec<f32>> {
        let pixels = self.data.description.pixels();
        let normalised = |&level: &u8| self.normalisation.normalised(level);
        self.data.images[..count.min(self.data.len()) * pixels]
            .chunks(self.size * pixels)
            .map(move |images| images.iter().map(normalised).collect())
    }
}

impl RandomShift {
    /// Draws the shift of the next image, (dx, dy).
    fn random(self, rng: &mut impl Rng) -> (i32, i32) {
        let pixels = i32::from(self.pixels);
        let by = (
            rng.random_range(-pixels..=pixels),
            rng.random_range(-pixels..=pixels),
        );
        // A probability of 1 draws no number, so that older runs keep their bits.
        let moved = self.probability >= 1.0 || rng.random::<f32>() < self.probability;
        if moved { by } else { (0, 0) }
    }
}

/// Returns the image of `[rows, columns]` shifted by (dx, dy), with the gap filled by repeating its edge
/// pixels.
fn shifted(
    image: &[u8],
    [rows, columns]: [usize; 2],
    (dx, dy): (i32, i32),
) -> impl Iterator<Item = u8> {
    let clamp = |k: usize, by: i32, end: usize| (k as i32 + by).clamp(0, end as i32 - 1) as usize;
    let places = (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)));
    places.map(move |(row, column)| {
        image[clamp(row, dy, rows) * columns + clamp(column, dx, columns)]
    })
}

fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.shuffle(&mut generator(seed, Purpose::Order, epoch));
    order
}

#[derive(Clone, Copy)]
enum Purpose {
    Order = 1,
    Crops = 2,
}

/// An independent generator for each purpose and position.
fn generator(seed: u64, purpose: Purpose, position: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 56) | position as u64);
    rng
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DatasetDescription;

    fn batches(seed: u64) -> Batches {
        moved(seed, 1, 1.0)
    }

    fn moved(seed: u64, pixels: u8, probability: f32) -> Batches {
        let normalisation = Normalisation {
            mean: 0.5,
            std: 0.25,
        };
        let description = DatasetDescription::in_memory("ramps", [28, 28], 10, normalisation);
        let data = Dataset {
            description: Arc::new(description),
            images: (0..10 * 784).map(|k| (k % 251) as u8).collect(),
            labels: (0..10).collect(),
        };
        let random_shift = RandomShift {
            pixels,
            probability,
        };
        Batches::new(Arc::new(data), seed, 3, random_shift, normalisation)
    }

    #[test]
    fn an_epoch_shows_no_image_twice() {
        let mut batches = batches(5);
        assert_eq!(batches.per_epoch(), 3);
        let mut seen: Vec<u8> = (3..6)
            .flat_map(|iteration| batches.batch(iteration).labels)
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 9);
    }

    #[test]
    fn a_batch_depends_on_the_seed_and_the_iteration_alone() {
        let mut one = batches(5);
        let later = one.batch(7);
        let mut other = batches(5);
        other.batch(0);
        other.batch(4);
        assert_eq!(other.batch(7), later);
        assert_ne!(batches(6).batch(7), later);
    }

    #[test]
    fn a_shift_moves_the_image_and_repeats_its_edge() {
        let image: Vec<u8> = (0..784).map(|k| (k / 28 * 5 + k % 28) as u8).collect();
        let moved: Vec<u8> = shifted(&image, [28, 28], (1, -1)).collect();
        assert_eq!(moved[28 * 3 + 4], image[28 * 2 + 5]);
        assert_eq!(moved[4], image[5]);
        assert_eq!(moved[28 * 3 + 27], image[28 * 2 + 27]);
        let wide = [0, 1, 2, 10, 11, 12];
        let moved: Vec<u8> = shifted(&wide, [2, 3], (-1, 1)).collect();
        assert_eq!(moved, [10, 10, 11, 10, 10, 11]);
    }

    #[test]
    fn images_are_shifted_with_the_given_probability() {
        let plain: Vec<f32> = moved(5, 0, 1.0).plain(10).flatten().collect();
        let unmoved = |random_shift, probability| {
            let mut batches = moved(5, random_shift, probability);
            let batches = (0..300).map(|iteration| batches.batch(iteration));
            let unmoved = |batch: Batch| {
                let images = batch.inputs.chunks_exact(784).zip(&batch.labels);
                images
                    .filter(|(image, label)| **image == plain[usize::from(**label) * 784..][..784])
                    .count()
            };
            batches.map(unmoved).sum::<usize>()
        };
        assert_eq!(unmoved(0, 1.0), 900);
        assert_eq!(unmoved(2, 0.0), 900);
        // Of 900 with 25 ways to move each: 36 stay, and with a quarter moved 684; four standard deviations.
        assert!(unmoved(2, 1.0).abs_diff(36) < 24);
        assert!(unmoved(2, 0.25).abs_diff(684) < 52);
    }

    #[test]
    fn levels_are_normalised() {
        let plain: Vec<f32> = batches(0).plain(2).flatten().collect();
        assert_eq!(plain.len(), 2 * 784);
        assert_eq!(plain[51], (51.0 / 255.0 - 0.5) / 0.25);
    }
}
