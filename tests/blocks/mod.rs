//! A made-up data set that is quickly learnt.

use std::sync::Arc;

use linf_dist_net::data::{Dataset, DatasetDescription, Normalisation};

/// What the images are normalised with: the same as MNIST's.
pub const NORMALISATION: Normalisation = Normalisation {
    mean: 0.1307,
    std: 0.3081,
};

/// Ten classes of 28×28 images: a bright block whose place says the class, and noise.
pub fn blocks(count: usize) -> Dataset {
    let mut images = vec![0u8; count * 784];
    for (index, image) in images.chunks_exact_mut(784).enumerate() {
        let class = index % 10;
        for (k, pixel) in image.iter_mut().enumerate() {
            let (row, column) = (k / 28, k % 28);
            let inside = row / 6 == class / 4 && column / 6 == class % 4;
            let noise = ((index * 31 + k * 17) * 7919 % 60) as u8;
            *pixel = if inside { 195 + noise } else { noise };
        }
    }
    let description = DatasetDescription::in_memory("blocks", [28, 28], 10, NORMALISATION);
    Dataset {
        description: Arc::new(description),
        images,
        labels: (0..count).map(|index| (index % 10) as u8).collect(),
    }
}
