//! What of the files cannot be used: which file, where in it, what is wrong and what to do.

use std::fmt;

use super::picture::PictureError;
use super::{MOST_BYTES, MOST_CLASSES, MOST_IMAGES, MOST_PICTURE_BYTES, MOST_UNPACKED_BYTES};
use crate::data::IdxError;

/// A part of the files that is left out; the rest is used.
#[derive(Debug, thiserror::Error)]
#[error("{file}{at} {what}")]
pub struct Problem {
    /// The file, with the path inside of an archive.
    pub file: String,
    /// Where in it.
    pub at: At,
    /// What is wrong.
    pub what: Wrong,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The file as a whole.
    File,
    /// A line of a table, counted from 1.
    Row(u64),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Row(row) => write!(f, ", row {row},"),
        }
    }
}

/// What is wrong with a file or a part of one. Each message is a whole sentence without its subject.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// Cannot be read from the disk.
    #[error("cannot be read ({0})")]
    Unreadable(std::io::Error),
    /// More bytes than are read.
    #[error("has more than {} MB; take fewer images, or split it", MOST_BYTES >> 20)]
    TooLarge,
    /// No format that is known.
    #[error(
        "is none of the formats that are read: a zip, PNG or JPEG images, a pair of IDX files, or a CSV of \
         labels and pixels"
    )]
    Format,
    /// Not a picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A picture without a class.
    #[error(
        "lies in no folder, and the folder's name is the class; put each class into a folder of its own"
    )]
    NoClass,
    /// A class that is none of those that are looked for.
    #[error(
        "is none of the network's classes (images left out: {images}); name the folder as the \
         class, or by its number"
    )]
    UnknownClass {
        /// How many images have it.
        images: usize,
    },
    /// Not an archive.
    #[error("is not a complete zip; pack it again, or load it again from where it came")]
    Zip,
    /// An entry of an archive that is damaged.
    #[error("is damaged within the zip; pack it again, or leave it out")]
    EntryDamaged,
    /// An entry with a password.
    #[error("is locked with a password; pack it again without one")]
    EntryEncrypted,
    /// An entry packed otherwise than by deflate.
    #[error("is packed by a method that is not read; pack it again as an ordinary zip (deflate)")]
    EntryMethod,
    /// A picture, or an entry of an archive, with more bytes than a picture has.
    #[error("has more than {} MB, which no picture needs; leave it out", MOST_PICTURE_BYTES >> 20)]
    EntryTooLarge,
    /// An archive that unpacks to more than is read.
    #[error(
        "unpacks to more than {} MB; what came before that is used; take fewer or smaller images",
        MOST_UNPACKED_BYTES >> 20
    )]
    UnpacksToTooMuch,
    /// Not well-formed IDX.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// IDX images without labels.
    #[error("holds images, and the file with their labels is missing; give both")]
    NoLabels,
    /// IDX labels without images.
    #[error("holds labels, and the file with their images is missing; give both")]
    NoImages,
    /// Several pairs of IDX files.
    #[error("is one of several IDX files of its kind; give one pair: images and their labels")]
    SeveralIdx,
    /// A second file of names.
    #[error("is one of several files of class names; give one")]
    SeveralMappings,
    /// Names of classes that there are not.
    #[error("names classes by numbers, and no class here has such a number; leave it out")]
    UnusedMapping,
    /// Images and labels of different data sets.
    #[error("has {images} images where the file of labels has {labels}; give the two of one pair")]
    Counts {
        /// Images.
        images: usize,
        /// Labels.
        labels: usize,
    },
    /// A row with another number of fields than there are pixels.
    #[error(
        "has {fields} fields; a row is a label and the pixels of a square image, such as 1 + 784 of 28×28"
    )]
    Fields {
        /// Fields of the row.
        fields: usize,
    },
    /// A field that is no level.
    #[error("has `{value}` as its field {field}; pixels are whole numbers from 0 to 255")]
    Pixel {
        /// Which field, counted from 1.
        field: usize,
        /// What it holds, cut.
        value: String,
    },
    /// A row without a label.
    #[error("has no label in its first field")]
    NoLabel,
    /// A folder inside of too many others.
    #[error("lies too deep in folders to be looked into; move it up")]
    TooDeep,
    /// More images than are taken.
    #[error("goes beyond the {MOST_IMAGES} images that are taken; the rest is left out")]
    TooManyImages,
}

/// Why the files are no data set, once all of them were looked at.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// No image at all.
    #[error("no image could be read; see what is said of each file")]
    NoImages,
    /// Nothing to tell apart.
    #[error("all images are of the class `{0}`; there must be at least two classes")]
    OneClass(String),
    /// Names that are the same as far as they are recorded.
    #[error("two classes are called `{0}`, as far as a name is kept; rename one of them")]
    SameName(String),
    /// More classes than a network here has.
    #[error(
        "there are {found} classes or more, and at most {MOST_CLASSES} are possible; check that the first \
         column, or the folder's name, is the class"
    )]
    TooManyClasses {
        /// How many were seen.
        found: usize,
    },
    /// Nothing to hold out.
    #[error("there are only {images} different images; at least {least} are needed")]
    TooFewImages {
        /// How many there are.
        images: usize,
        /// How many are needed.
        least: usize,
    },
    /// All images are of one level.
    #[error("every pixel of every image has the same level, so there is nothing to learn")]
    Blank,
}
