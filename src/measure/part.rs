//! Which images were measured.

use serde::{Deserialize, Serialize};

use crate::data::Split;

/// Which images of a data set, or of its classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The published test images.
    Test,
    /// The published training images, or those of somebody's own that a network learned from.
    Training,
    /// Images that were held out of training.
    HeldOut,
    /// Somebody's own images of the classes of a network that did not learn from them.
    Own,
}

impl Part {
    /// As it is written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Training => "training",
            Self::HeldOut => "held-out",
            Self::Own => "own",
        }
    }
}

impl From<Split> for Part {
    fn from(split: Split) -> Self {
        match split {
            Split::Test => Self::Test,
            Split::Train => Self::Training,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_called_the_same_in_json_and_in_csv() {
        for part in [Part::Test, Part::Training, Part::HeldOut, Part::Own] {
            let json = serde_json::to_value(part).unwrap();
            assert_eq!(json, part.as_str());
        }
        for split in [Split::Test, Split::Train] {
            assert_eq!(Part::from(split).as_str(), split.as_str());
        }
    }
}
