//! A made-up data set that is quickly learnt.

use linf_dist_net::data::Dataset;

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
    Dataset {
        images,
        labels: (0..count).map(|index| (index % 10) as u8).collect(),
    }
}
