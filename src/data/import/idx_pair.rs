//! A pair of IDX files, as MNIST, EMNIST, KMNIST and QMNIST are shipped.

use std::borrow::Cow;

use super::picture::MOST_SIDE;
use super::problem::{At, Wrong};
use super::{Grey, Importer, MOST_BYTES, MOST_IMAGES};
use crate::data::idx;

/// The unpacked IDX files that have come so far.
#[derive(Debug, Default)]
pub(super) struct IdxFiles {
    images: Vec<(String, Vec<u8>)>,
    labels: Vec<(String, Vec<u8>)>,
}

/// Whether bytes start as IDX of bytes does, or as gzip, which here holds nothing else.
pub(super) fn is_idx(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0, 0, 8])
}

impl Importer {
    /// Keeps an IDX file until its partner has come.
    pub(super) fn add_idx(&mut self, file: &str, bytes: &[u8]) {
        let unpacked = match idx::unpack_up_to(bytes, MOST_BYTES as u64) {
            Ok(unpacked) => unpacked,
            Err(error) => return self.refuse(file, At::File, error),
        };
        let files = match unpacked.get(..4) {
            Some([0, 0, 8, 3]) => &mut self.idx.images,
            Some([0, 0, 8, 1]) => &mut self.idx.labels,
            _ => return self.refuse(file, At::File, Wrong::Format),
        };
        // A second pair is refused: its bytes need not be kept.
        let kept = match files.is_empty() {
            true => Cow::into_owned(unpacked),
            false => Vec::new(),
        };
        files.push((file.into(), kept));
    }

    /// Takes the images of the pair that has come.
    pub(super) fn finish_idx(&mut self) {
        let IdxFiles { images, labels } = std::mem::take(&mut self.idx);
        for several in [&images, &labels] {
            for (file, _) in several.iter().skip(1) {
                self.refuse(file, At::File, Wrong::SeveralIdx);
            }
        }
        match (images.first(), labels.first()) {
            (Some((images, bytes)), Some((_, labels))) => {
                if let Err(wrong) = self.take_pair(images, bytes, labels) {
                    self.refuse(images, At::File, wrong);
                }
            }
            (Some((images, _)), None) => self.refuse(images, At::File, Wrong::NoLabels),
            (None, Some((labels, _))) => self.refuse(labels, At::File, Wrong::NoImages),
            (None, None) => {}
        }
    }

    fn take_pair(&mut self, file: &str, images: &[u8], labels: &[u8]) -> Result<(), Wrong> {
        let size = |axis: usize| {
            let word = images.get(4 + 4 * axis..8 + 4 * axis)?;
            Some(u32::from_be_bytes([word[0], word[1], word[2], word[3]]) as usize)
        };
        let (rows, columns) = (size(1).unwrap_or(0), size(2).unwrap_or(0));
        let pixels = idx::parse(images, [None, None, None])?;
        let labels = idx::parse(labels, [None])?;
        let is_size = |side: usize| (1..=MOST_SIDE).contains(&side);
        if !is_size(rows) || !is_size(columns) {
            return Err(super::PictureError::TooLarge { rows, columns }.into());
        }
        let images = pixels.len() / (rows * columns);
        if images != labels.len() {
            let labels = labels.len();
            return Err(Wrong::Counts { images, labels });
        }
        let images = pixels.chunks_exact(rows * columns);
        // One more than is taken, so that this is said.
        for (levels, label) in images.zip(labels).take(MOST_IMAGES + 1) {
            let grey = Grey {
                size: [rows, columns],
                levels: levels.to_vec(),
            };
            self.take(file, At::File, &label.to_string(), grey);
        }
        Ok(())
    }
}
