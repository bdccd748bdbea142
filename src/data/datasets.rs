//! The described data sets: what `datasets.json` says of each, and how one is loaded.
//!
//! The scripts that fetch data sets, the outsider's checker and the page read the same file. A data
//! set is added by an entry there; one in another format needs a reader here, too.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use super::idx::{self, IdxError};
use super::{Dataset, Origin, sha256_hex};

static DATASETS: LazyLock<Vec<Arc<DatasetDescription>>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("datasets.json")).expect("datasets.json describes data sets")
});

/// All described data sets, in the order of the file.
pub fn all() -> &'static [Arc<DatasetDescription>] {
    &DATASETS
}

/// The described data set of this name.
pub fn find(name: &str) -> Option<Arc<DatasetDescription>> {
    let mut all = all().iter();
    all.find(|description| description.name == name).cloned()
}

/// Mean and standard deviation that pixels are normalised with, of full scale 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Subtracted from every pixel.
    pub mean: f32,
    /// What every pixel is then divided by.
    pub std: f32,
}

impl Normalisation {
    /// Leaves pixels as fractions of full scale.
    pub const IDENTITY: Self = Self {
        mean: 0.0,
        std: 1.0,
    };

    /// The normalised value of a pixel of this level.
    pub fn normalised(self, level: u8) -> f32 {
        (f32::from(level) / 255.0 - self.mean) / self.std
    }

    /// The level whose normalised value is `value`: not rounded, and outside 0 to 255 for some.
    pub fn level(self, value: f32) -> f32 {
        255.0 * (self.mean + self.std * value)
    }
}

/// What is known of a data set besides its images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetDescription {
    /// Its name in commands, model files and folders, such as `fashion-mnist`.
    pub name: String,
    /// Its name in sentences, such as `Fashion-MNIST`.
    pub title: String,
    /// Rows and columns of an image.
    pub shape: [usize; 2],
    /// Names of the classes; a label is an index here.
    pub classes: Vec<String>,
    /// What the pixels are normalised with.
    pub normalisation: Normalisation,
    /// Images of the training set, those included that a run holds out; 0 where nothing is published.
    pub training_images: usize,
    /// The published files; `None` of a data set that was made in memory.
    #[serde(flatten)]
    pub published: Option<Published>,
    /// What is recorded of images that were imported from somebody's own files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Origin>,
}

impl DatasetDescription {
    /// A data set that was made in memory, with `classes` classes named by their numbers.
    pub fn in_memory(
        name: &str,
        shape: [usize; 2],
        classes: usize,
        normalisation: Normalisation,
    ) -> Self {
        Self {
            name: name.into(),
            title: name.into(),
            shape,
            classes: (0..classes).map(|class| class.to_string()).collect(),
            normalisation,
            training_images: 0,
            published: None,
            imported: None,
        }
    }

    /// The names of the classes as a model's file records them: none of a described data set.
    pub fn names_to_record(&self) -> Vec<String> {
        match find(&self.name) {
            Some(_) => Vec::new(),
            None => self.classes.clone(),
        }
    }

    /// Whether this can describe images that were imported from somebody's own files; what it says comes from
    /// a file or another program.
    pub fn is_sound_import(&self) -> bool {
        let Normalisation { mean, std } = self.normalisation;
        self.imported.is_some()
            && find(&self.name).is_none()
            && self.shape.iter().all(|side| (1..=256).contains(side))
            && are_class_names(&self.classes)
            && mean.is_finite()
            && std.is_finite()
            && std > 0.0
    }

    /// Pixels of an image, which are the inputs of a net.
    pub fn pixels(&self) -> usize {
        self.shape[0] * self.shape[1]
    }
}

/// Most classes that are named, and most characters of a name.
const MOST_NAMES: usize = 256;
const MOST_NAME: usize = 64;

/// Whether these can be the names of the classes of a data set: two or more, all different, each of 1 to 64
/// characters, without control characters or spaces at its ends.
pub fn are_class_names(names: &[String]) -> bool {
    let is_name = |name: &String| {
        let plain = !name.chars().any(char::is_control) && name.trim() == name;
        plain && !name.is_empty() && name.chars().count() <= MOST_NAME
    };
    let different: BTreeSet<_> = names.iter().collect();
    (2..=MOST_NAMES).contains(&names.len())
        && names.iter().all(is_name)
        && different.len() == names.len()
}

/// The published files of a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// How they are written.
    pub format: Format,
    /// What they are.
    pub files: Files,
}

/// How the files of a data set are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The format of MNIST: see [`idx`].
    Idx,
}

/// The files of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Images to train on.
    pub train_images: PublishedFile,
    /// Their labels.
    pub train_labels: PublishedFile,
    /// Images to test on.
    pub test_images: PublishedFile,
    /// Their labels.
    pub test_labels: PublishedFile,
}

/// A file of a data set: its usual name and the digest of its unpacked contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFile {
    /// File name; the same name with `.gz` appended is looked for next.
    pub name: String,
    /// SHA-256 of the contents after unpacking, in lower-case hexadecimal.
    pub sha256: String,
}

/// Which of a data set's two published halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Images to train on, and to hold some out of.
    #[serde(rename = "training")]
    Train,
    /// Images that are only ever evaluated.
    Test,
}

impl Split {
    /// As it is written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
        }
    }
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
    /// The data set has no files.
    #[error("cannot hold the data set `{0}`, of which no files are published")]
    Unpublished(String),
    /// Not the published file.
    #[error(
        "is not the published file: its SHA-256 is {found} where {expected} is expected; \
         remove it and run scripts/data.sh"
    )]
    Digest {
        /// Digest of the contents, in lower-case hexadecimal.
        found: String,
        /// Digest of the published file.
        expected: String,
    },
    /// Not well-formed.
    #[error(transparent)]
    Idx(#[from] IdxError),
}

/// Loads one split of a data set from the published files in `folder` (where `scripts/data.sh` puts
/// them: `data/NAME`), raw or gzip.
///
/// # Errors
/// Fails if a file is missing, unreadable, or not the published one by its SHA-256.
pub fn load(
    description: &Arc<DatasetDescription>,
    folder: &Path,
    split: Split,
) -> Result<Dataset, DataError> {
    let Some(Published { format, files }) = &description.published else {
        return Err(DataError {
            file: folder.into(),
            problem: DataProblem::Unpublished(description.name.clone()),
        });
    };
    let (images, labels) = match split {
        Split::Train => (&files.train_images, &files.train_labels),
        Split::Test => (&files.test_images, &files.test_labels),
    };
    let (_, label_bytes) = read_published(folder, labels)?;
    let (image_file, image_bytes) = read_published(folder, images)?;
    // Both are the published files by their digests: what could still be wrong is the description.
    let read = match format {
        Format::Idx => Dataset::from_idx(Arc::clone(description), &image_bytes, &label_bytes),
    };
    read.map_err(|error| DataError {
        file: image_file,
        problem: error.into(),
    })
}

/// Path and unpacked contents of a published file, raw or gzip.
fn read_published(
    folder: &Path,
    published: &PublishedFile,
) -> Result<(PathBuf, Vec<u8>), DataError> {
    let raw = folder.join(&published.name);
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
            expected: published.sha256.clone(),
        }));
    }
    Ok((file, contents))
}
