//! Labelled images: bytes in, checked [`Dataset`] out.
//!
//! A certificate is worth what its data are worth, so every file is identified by its SHA-256
//! before a single pixel is used; a similar file is refused. A data set is one small module that
//! names its files and their digests ([`mnist`], [`fashion_mnist`]); reading and checking them is the same for all.

pub mod fashion_mnist;
pub mod idx;
pub mod mnist;
pub mod strokes;

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use idx::IdxError;

/// Rows, and columns, of an image.
pub const SIDE: usize = 28;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Classes that a label can name, `0..CLASSES`.
pub const CLASSES: usize = 10;
/// How many training images are held out to watch training: the last 5,000, leaving 55,000.
pub const HELD_OUT: usize = 5_000;

/// Images of each data set's training set, the held-out ones included.
pub const TRAINING_IMAGES: usize = 60_000;

/// Mean and standard deviation that the pixels of the data set of this name are normalised with,
/// of full scale 1.0; `None` if there is no such data set.
pub fn normalisation(name: &str) -> Option<(f32, f32)> {
    match name {
        "mnist" => Some((mnist::MEAN, mnist::STD)),
        "fashion-mnist" => Some((fashion_mnist::MEAN, fashion_mnist::STD)),
        _ => None,
    }
}

/// Labelled 28×28 images of 8-bit pixels, 0 background to 255 ink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dataset {
    /// Pixels, `[len, 28 · 28]` row-major.
    pub images: Vec<u8>,
    /// Classes in `0..10`, `[len]`.
    pub labels: Vec<u8>,
}

impl Dataset {
    /// Reads the contents of an image file and of a label file, both IDX, raw or gzip.
    ///
    /// # Errors
    /// Fails if either is not well-formed IDX, if the images are not 28×28, if the counts differ
    /// or if a label is not in `0..10`.
    pub fn from_idx(images: &[u8], labels: &[u8]) -> Result<Self, IdxError> {
        let images = idx::parse(&idx::unpack(images)?, [None, Some(SIDE), Some(SIDE)])?.to_vec();
        let labels = idx::parse(&idx::unpack(labels)?, [Some(images.len() / PIXELS)])?.to_vec();
        if let Some(at) = labels
            .iter()
            .position(|&label| usize::from(label) >= CLASSES)
        {
            return Err(IdxError::Label {
                at,
                label: labels[at],
            });
        }
        Ok(Self { images, labels })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of image `index`, `[28 · 28]` row-major.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> &[u8] {
        &self.images[index * PIXELS..(index + 1) * PIXELS]
    }

    /// The last `count` images, or all if there are fewer.
    pub fn last(&self, count: usize) -> Self {
        let from = self.len().saturating_sub(count);
        Self {
            images: self.images[from * PIXELS..].to_vec(),
            labels: self.labels[from..].to_vec(),
        }
    }

    /// Splits off the last `count` images: (the rest, the held-out ones).
    ///
    /// # Panics
    /// If `count` exceeds [`len`](Self::len).
    pub fn hold_out(mut self, count: usize) -> (Self, Self) {
        let kept = self.len() - count;
        let held_out = Self {
            images: self.images.split_off(kept * PIXELS),
            labels: self.labels.split_off(kept),
        };
        (self, held_out)
    }
}

/// Which of a data set's two published halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Images to train on, and to hold some out of.
    Train,
    /// Images that are only ever evaluated.
    Test,
}

/// One IDX file of a data set: its usual name and the digest of its unpacked contents.
#[derive(Clone, Copy, Debug)]
pub struct IdxFile {
    /// File name; the same name with `.gz` appended is looked for next.
    pub name: &'static str,
    /// SHA-256 of the contents after unpacking, in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// Why a data set could not be loaded, and from which file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", file.display())]
pub struct DataError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: DataProblem,
}

/// What is wrong with a data file. Each message is a whole sentence without its subject.
#[derive(Debug, thiserror::Error)]
pub enum DataProblem {
    /// Neither the file nor its gzip copy exists.
    #[error("does not exist, nor does it with .gz appended; scripts/data.sh fetches the data sets")]
    Missing,
    /// The file exists but cannot be read.
    #[error("cannot be read ({0})")]
    Unreadable(io::Error),
    /// Not the published file.
    #[error(
        "is not the published file: its SHA-256 is {found} where {expected} is expected; \
         remove it and run scripts/data.sh"
    )]
    Digest {
        /// Digest of the contents, in lower-case hexadecimal.
        found: String,
        /// Digest of the published file.
        expected: &'static str,
    },
    /// Not well-formed.
    #[error(transparent)]
    Idx(#[from] IdxError),
}

/// Loads an image file and its label file from `folder`, checking both digests.
fn load(folder: &Path, images: IdxFile, labels: IdxFile) -> Result<Dataset, DataError> {
    let (_, label_bytes) = read_published(folder, labels)?;
    let (image_file, image_bytes) = read_published(folder, images)?;
    // Both are the published files by their digests: what could still be wrong is our table.
    Dataset::from_idx(&image_bytes, &label_bytes).map_err(|error| DataError {
        file: image_file,
        problem: error.into(),
    })
}

/// Path and unpacked contents of a published file, raw or gzip.
fn read_published(folder: &Path, published: IdxFile) -> Result<(PathBuf, Vec<u8>), DataError> {
    let raw = folder.join(published.name);
    let packed = folder.join(format!("{}.gz", published.name));
    let file = if !raw.exists() && packed.exists() {
        packed
    } else {
        raw
    };
    let in_file = |problem| DataError {
        file: file.clone(),
        problem,
    };

    let stored = fs::read(&file).map_err(|error| {
        in_file(match error.kind() {
            io::ErrorKind::NotFound => DataProblem::Missing,
            _ => DataProblem::Unreadable(error),
        })
    })?;
    let contents = match idx::unpack(&stored).map_err(|error| in_file(error.into()))? {
        Cow::Borrowed(_) => stored,
        Cow::Owned(unpacked) => unpacked,
    };
    let found = sha256_hex(&contents);
    if found != published.sha256 {
        return Err(in_file(DataProblem::Digest {
            found,
            expected: published.sha256,
        }));
    }
    Ok((file, contents))
}

/// SHA-256 of `bytes` in lower-case hexadecimal, as `sha256sum` prints it.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
