//! The images that a model is measured on.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::{CliError, DatasetName};
use crate::data::{Dataset, Split};

/// The data set whose images are used.
#[derive(clap::Args)]
pub(super) struct MeasuredOn {
    /// Data set whose images are used: the one that the model was trained on
    #[arg(long, value_enum)]
    pub(super) dataset: DatasetName,
    /// Folder that holds the data sets' folders
    #[arg(long, default_value = "data")]
    pub(super) data_dir: PathBuf,
    /// Measure a model of another data set all the same
    #[arg(long)]
    pub(super) other_dataset: bool,
}

impl MeasuredOn {
    /// Refuses the model at `path` if it was trained on another data set, unless that is wanted.
    pub(super) fn check(&self, trained_on: &str, path: &Path) -> Result<(), CliError> {
        if self.other_dataset || trained_on == self.dataset.as_str() {
            return Ok(());
        }
        Err(CliError::MeasuredElsewhere {
            path: path.into(),
            trained_on: trained_on.into(),
            asked: self.dataset.as_str().into(),
        })
    }

    /// Loads a split of it.
    pub(super) fn load(&self, split: Split) -> Result<Dataset, CliError> {
        Ok(self.dataset.load(&self.data_dir, split)?)
    }

    /// The test images, or the first so many of them.
    pub(super) fn test(&self, limit: Option<NonZeroUsize>) -> Result<Dataset, CliError> {
        let test = self.load(Split::Test)?;
        match limit.map(NonZeroUsize::get) {
            None => Ok(test),
            Some(limit) if limit <= test.len() => Ok(test.first(limit)),
            Some(limit) => Err(CliError::Limit {
                limit,
                images: test.len(),
            }),
        }
    }
}

/// Reads a number of things of which there has to be one.
pub(super) fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "it must be a whole number from 1".into())
}
