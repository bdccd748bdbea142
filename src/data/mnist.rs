//! MNIST (LeCun, Cortes, Burges): 70,000 handwritten digits, the four original files.

use std::path::Path;

use super::{DataError, Dataset, IdxFile};

pub use super::{HELD_OUT, Split};

/// Mean of the training pixels, of full scale 1.0: what the published nets subtract.
pub const MEAN: f32 = 0.1307;
/// Standard deviation of the training pixels, of full scale 1.0: what they divide by.
pub const STD: f32 = 0.3081;

const TRAIN_IMAGES: IdxFile = IdxFile {
    name: "train-images-idx3-ubyte",
    sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
};
const TRAIN_LABELS: IdxFile = IdxFile {
    name: "train-labels-idx1-ubyte",
    sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
};
const TEST_IMAGES: IdxFile = IdxFile {
    name: "t10k-images-idx3-ubyte",
    sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
};
const TEST_LABELS: IdxFile = IdxFile {
    name: "t10k-labels-idx1-ubyte",
    sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
};

/// Loads one split from the IDX files in `folder` (where `scripts/data.sh` puts them: `data/mnist`), raw or gzip: 60,000
/// images to train on, or 10,000 to test.
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
