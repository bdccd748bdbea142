//! How images of one's own were read, and which they were: what files record of them.

use serde::{Deserialize, Serialize};

/// How the files of images are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportOptions {
    /// Rows and columns are exchanged, as EMNIST's files have them.
    pub transposed: bool,
    /// What the images are drawn with.
    pub ink: Ink,
    /// The strokes of every image are scaled and centred as those of a drawing are.
    pub centred: bool,
    /// Seed that the held-out images are drawn by.
    pub split_seed: u64,
}

/// What images are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ink {
    /// What the borders of most images say.
    #[default]
    Auto,
    /// Bright on dark.
    Bright,
    /// Dark on bright: negatives are taken.
    Dark,
}

impl Ink {
    /// As it is written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Bright => "bright",
            Self::Dark => "dark",
        }
    }
}

/// What is recorded of imported images in checkpoints and in the lineage of models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// SHA-256 of all images, then all labels, as they are trained on; in lower-case hexadecimal.
    pub sha256: String,
    /// How their files were read.
    #[serde(flatten)]
    pub options: ImportOptions,
}
