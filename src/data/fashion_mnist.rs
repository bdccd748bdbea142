//! Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): 70,000 pictures of clothes in the format of MNIST.

use std::path::Path;

use super::{DataError, Dataset, IdxFile, Split};

/// Mean of the training pixels, of full scale 1.0: what the published nets subtract.
pub const MEAN: f32 = 0.2860;
/// Standard deviation of the training pixels, of full scale 1.0, as the published nets use it
/// (measured it is 0.3530).
pub const STD: f32 = 0.3520;

const TRAIN_IMAGES: IdxFile = IdxFile {
    name: "train-images-idx3-ubyte",
    sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
};
const TRAIN_LABELS: IdxFile = IdxFile {
    name: "train-labels-idx1-ubyte",
    sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
};
const TEST_IMAGES: IdxFile = IdxFile {
    name: "t10k-images-idx3-ubyte",
    sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
};
const TEST_LABELS: IdxFile = IdxFile {
    name: "t10k-labels-idx1-ubyte",
    sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
};

/// Loads one split from the IDX files in `folder` (where `scripts/data.sh` puts them:
/// `data/fashion-mnist`), raw or gzip: 60,000 images to train on, or 10,000 to test.
///
/// # Errors
/// Fails if a file is missing, unreadable, or not the published one by its SHA-256.
pub fn load(folder: &Path, split: Split) -> Result<Dataset, DataError> {
    let (images, labels) = match split {
        Split::Train => (TRAIN_IMAGES, TRAIN_LABELS),
        Split::Test => (TEST_IMAGES, TEST_LABELS),
    };
    super::load(folder, images, labels)
}
