//! Labelled images: bytes in, checked [`Dataset`] out.
//!
//! A certificate is worth what its data are worth, so every file is identified by its SHA-256
//! before a single pixel is used; a similar file is refused. What is known of a data set is its
//! [`DatasetDescription`], which every [`Dataset`] carries: nets, trainers and reports take the
//! image shape, the classes and the normalisation from there.

pub mod datasets;
pub mod idx;
#[cfg(feature = "import")]
pub mod import;
pub mod origin;
pub mod strokes;

use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use datasets::{DataError, DataProblem, DatasetDescription, Normalisation, Split};
pub use idx::IdxError;
pub use origin::{ImportOptions, Ink, Origin};

/// How many training images are held out to watch training, unless a run says otherwise: the last
/// 5,000, which leaves 55,000 of MNIST.
pub const HELD_OUT: usize = 5_000;

/// Labelled images of 8-bit pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What the images are.
    pub description: Arc<DatasetDescription>,
    /// Pixels, `[len, rows · columns]` row-major.
    pub images: Vec<u8>,
    /// Classes in `0..description.classes.len()`, `[len]`.
    pub labels: Vec<u8>,
}

impl Dataset {
    /// No image of this kind.
    pub fn empty(description: Arc<DatasetDescription>) -> Self {
        Self {
            description,
            images: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// Reads the contents of an image file and of a label file, both IDX, raw or gzip.
    ///
    /// # Errors
    /// Fails if either is not well-formed IDX, if the images are not of the described shape, if the
    /// counts differ or if a label is none of the classes.
    pub fn from_idx(
        description: Arc<DatasetDescription>,
        images: &[u8],
        labels: &[u8],
    ) -> Result<Self, IdxError> {
        let [rows, columns] = description.shape;
        let images = idx::parse(&idx::unpack(images)?, [None, Some(rows), Some(columns)])?.to_vec();
        let count = images.len() / description.pixels();
        let labels = idx::parse(&idx::unpack(labels)?, [Some(count)])?.to_vec();
        let classes = description.classes.len();
        if let Some(at) = labels
            .iter()
            .position(|&label| usize::from(label) >= classes)
        {
            return Err(IdxError::Label {
                at,
                label: labels[at],
                classes,
            });
        }
        Ok(Self {
            description,
            images,
            labels,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of image `index`, `[rows · columns]` row-major.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> &[u8] {
        let pixels = self.description.pixels();
        &self.images[index * pixels..(index + 1) * pixels]
    }

    /// The first `count` images, or all if there are fewer.
    pub fn first(&self, count: usize) -> Self {
        self.range(0..count.min(self.len()))
    }

    /// The last `count` images, or all if there are fewer.
    pub fn last(&self, count: usize) -> Self {
        self.range(self.len().saturating_sub(count)..self.len())
    }

    fn range(&self, range: std::ops::Range<usize>) -> Self {
        let pixels = self.description.pixels();
        Self {
            description: Arc::clone(&self.description),
            images: self.images[range.start * pixels..range.end * pixels].to_vec(),
            labels: self.labels[range].to_vec(),
        }
    }

    /// Splits off the last `count` images: (the rest, the held-out ones).
    ///
    /// # Panics
    /// If `count` exceeds [`len`](Self::len).
    pub fn hold_out(mut self, count: usize) -> (Self, Self) {
        let kept = self.len() - count;
        let held_out = Self {
            description: Arc::clone(&self.description),
            images: self.images.split_off(kept * self.description.pixels()),
            labels: self.labels.split_off(kept),
        };
        (self, held_out)
    }
}

/// SHA-256 of `bytes` in lower-case hexadecimal, as `sha256sum` prints it.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
