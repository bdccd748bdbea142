//! The IDX format of the MNIST files: a header of big-endian sizes, then the numbers.
//!
//! A header is `0 0 T D` followed by `D` sizes of four bytes each; `T = 8` says unsigned bytes,
//! the only kind read here. Downloads get cut short, renamed and packed twice, so whatever
//! does not fit is refused with one sentence that says what to look at, and nothing is read
//! past the sizes that were checked.

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::GzDecoder;

/// Most bytes that are unpacked from a gzip file: more than the largest file in use (47 MB), so
/// little that a damaged or hostile one cannot fill the memory.
const MAX_UNPACKED: u64 = 64 << 20;

/// The format's code for unsigned bytes.
const UNSIGNED_BYTE: u8 = 8;

/// Why bytes are not the IDX file that was expected. Each message is a whole sentence without
/// its subject, so that a file name goes before it.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// Starts like gzip but cannot be unpacked.
    #[error("is damaged: its gzip data cannot be unpacked ({0}); download it again")]
    Gzip(std::io::Error),
    /// Something follows the gzip data.
    #[error("has {0} bytes after the end of its gzip data; download it again")]
    AfterGzip(usize),
    /// Unpacks to more than is read.
    #[error("unpacks to more than {0} bytes, which is more than is read")]
    TooLarge(u64),
    /// The first four bytes are wrong.
    #[error(
        "starts with the bytes {found:02x?} where IDX with {sizes} sizes starts with {expected:02x?}; is it another file?"
    )]
    Magic {
        /// The first bytes, four at most.
        found: Vec<u8>,
        /// What they should be.
        expected: [u8; 4],
        /// How many sizes follow in the expected header.
        sizes: usize,
    },
    /// Ends before its data start.
    #[error("ends after {found} bytes, within its header of {expected}; download it again")]
    Header {
        /// Bytes present.
        found: usize,
        /// Bytes of the header.
        expected: usize,
    },
    /// A size is not the expected one.
    #[error("has {found} as its size {} where {expected} is expected; is it another data set, or the other split?", axis + 1)]
    Size {
        /// Which size, counted from 0.
        axis: usize,
        /// The size found.
        found: usize,
        /// The size expected.
        expected: usize,
    },
    /// The sizes promise more data than there are.
    #[error(
        "is cut short: its header promises {expected} bytes of data and {found} follow; download it again"
    )]
    Truncated {
        /// Bytes after the header.
        found: usize,
        /// Bytes that the sizes promise.
        expected: u64,
    },
    /// There are more data than the sizes promise.
    #[error("has {found} bytes of data where its header promises {expected}; download it again")]
    Trailing {
        /// Bytes after the header.
        found: usize,
        /// Bytes that the sizes promise.
        expected: u64,
    },
    /// A label names no class.
    #[error("gives image {at} the label {label}, which is not in 0 to {}", classes - 1)]
    Label {
        /// Which image, counted from 0.
        at: usize,
        /// Its label.
        label: u8,
        /// How many classes there are, numbered from 0.
        classes: usize,
    },
}

/// The contents of a file that may be packed with gzip; anything else is returned as it is.
///
/// # Errors
/// Fails if the bytes start like gzip but cannot be unpacked, unpack to more than 64 MiB, or go
/// on after the end of the gzip data.
pub fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>, IdxError> {
    unpack_up_to(bytes, MAX_UNPACKED)
}

/// The same, up to so many bytes.
pub(crate) fn unpack_up_to(bytes: &[u8], most: u64) -> Result<Cow<'_, [u8]>, IdxError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut decoder = GzDecoder::new(bytes);
    let mut unpacked = Vec::new();
    let length = decoder
        .by_ref()
        .take(most + 1)
        .read_to_end(&mut unpacked)
        .map_err(IdxError::Gzip)?;
    if length as u64 > most {
        return Err(IdxError::TooLarge(most));
    }
    match decoder.into_inner().len() {
        0 => Ok(Cow::Owned(unpacked)),
        rest => Err(IdxError::AfterGzip(rest)),
    }
}

/// The data of an unpacked IDX file of unsigned bytes whose header has `AXES` sizes, each equal
/// to the expected one where that is given.
///
/// # Errors
/// Fails unless the header, the sizes and the length of the file all agree.
pub fn parse<const AXES: usize>(
    bytes: &[u8],
    expected_sizes: [Option<usize>; AXES],
) -> Result<&[u8], IdxError> {
    let magic = [0, 0, UNSIGNED_BYTE, AXES as u8];
    if !bytes.starts_with(&magic) {
        let found = bytes[..bytes.len().min(4)].to_vec();
        return Err(IdxError::Magic {
            found,
            expected: magic,
            sizes: AXES,
        });
    }
    let (header, data) = bytes
        .split_at_checked(4 + 4 * AXES)
        .ok_or(IdxError::Header {
            found: bytes.len(),
            expected: 4 + 4 * AXES,
        })?;

    // Saturating: four sizes below 2³² could overflow, and then no file is long enough anyway.
    let mut promised: u64 = 1;
    for (axis, (size, expected)) in header[4..].chunks_exact(4).zip(expected_sizes).enumerate() {
        let size = u32::from_be_bytes([size[0], size[1], size[2], size[3]]);
        promised = promised.saturating_mul(u64::from(size));
        if let Some(expected) = expected
            && size as usize != expected
        {
            return Err(IdxError::Size {
                axis,
                found: size as usize,
                expected,
            });
        }
    }
    match (data.len() as u64).cmp(&promised) {
        std::cmp::Ordering::Less => Err(IdxError::Truncated {
            found: data.len(),
            expected: promised,
        }),
        std::cmp::Ordering::Equal => Ok(data),
        std::cmp::Ordering::Greater => Err(IdxError::Trailing {
            found: data.len(),
            expected: promised,
        }),
    }
}
