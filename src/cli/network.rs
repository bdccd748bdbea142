//! A network of either kind, read from its file.

use std::path::Path;

use super::measured::MeasuredOn;
use super::{CliError, read_unpacked};
use crate::baseline::{self, BaselineNet};
use crate::data;
use crate::exact::{self, ExactNet, InputError};

/// Ticks per pixel level for a baseline, which has no scale of its own.
pub(super) const BASELINE_SCALE: u32 = 32;

/// The recipe of a baseline that is trained for no radius.
const STANDARD: &str = "standard";

/// A network of either kind.
pub(super) enum Network {
    Linf(ExactNet),
    Baseline(BaselineNet),
}

/// What a model file holds.
pub(super) struct Opened {
    pub(super) network: Network,
    /// `linf-dist`, or the recipe of a baseline.
    pub(super) kind: String,
    pub(super) architecture: String,
    /// The radius that it was trained for, as a decimal fraction; none of a baseline that was trained for
    /// none.
    pub(super) epsilon: Option<String>,
    pub(super) sha256: String,
    /// Size of the unpacked file.
    pub(super) bytes: usize,
}

impl Opened {
    /// Reads a model file of either format, whose network must take the images that are measured on.
    pub(super) fn read(path: &Path, on: &MeasuredOn) -> Result<Self, CliError> {
        let bytes = read_unpacked(path)?;
        let (sha256, size) = (data::sha256_hex(&bytes), bytes.len());
        match exact::Model::from_bytes(&bytes) {
            Ok(exact::Model { net, metadata }) => {
                on.check(&metadata.dataset, path)?;
                let (found, expected) = (on.dataset.description().pixels(), net.inputs());
                if found != expected {
                    return Err(CliError::Input {
                        path: path.into(),
                        source: InputError::Pixels { found, expected },
                    });
                }
                let widths: Vec<_> = net.architecture().iter().map(usize::to_string).collect();
                Ok(Self {
                    network: Network::Linf(net),
                    kind: "linf-dist".into(),
                    architecture: widths.join("-"),
                    epsilon: Some(metadata.epsilon.to_string()),
                    sha256,
                    bytes: size,
                })
            }
            Err(exact::ModelError::Format(_)) => {
                let baseline::Model { plain, metadata } =
                    super::read_baseline(path, &bytes, on.dataset)?;
                on.check(&metadata.dataset, path)?;
                let recipe = metadata.lineage.text("recipe").unwrap_or("baseline");
                Ok(Self {
                    kind: recipe.into(),
                    architecture: plain.architecture(),
                    epsilon: metadata
                        .accuracies
                        .filter(|_| recipe != STANDARD)
                        .map(|accuracies| accuracies.epsilon.to_string()),
                    network: Network::Baseline(plain),
                    sha256,
                    bytes: size,
                })
            }
            Err(source) => Err(CliError::Model {
                path: path.into(),
                source,
            }),
        }
    }
}

/// The file's name without its ending.
pub(super) fn file_stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into()
}
