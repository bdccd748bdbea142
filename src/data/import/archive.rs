//! A zip with a folder for each class.
//!
//! Of the format only what is needed is read: the list of entries at the end of the file, and entries that
//! are stored or deflated. What an entry claims of its size is not believed.

use std::io::Read;

use flate2::{Crc, bufread::DeflateDecoder};

use super::problem::{At, Wrong};
use super::{Importer, MOST_PICTURE_BYTES, MOST_UNPACKED_BYTES, is_hidden, is_picture};

/// Bytes of the record at the end of a zip, without its comment, which has up to 65,535.
const END: usize = 22;
/// Bytes of an entry in the list, without its name.
const LISTED: usize = 46;
/// Bytes before an entry's data, without its name.
const LOCAL: usize = 30;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// A number that a zip of more than four gigabytes has elsewhere.
const ELSEWHERE: u32 = u32::MAX;

/// An entry as the list has it.
struct Entry<'a> {
    path: String,
    is_encrypted: bool,
    method: u16,
    crc: u32,
    /// The rest of the file from the entry's own header on.
    from_header: &'a [u8],
    packed: usize,
}

/// Why an entry cannot be unpacked.
enum Refused {
    Damaged,
    Encrypted,
    Method,
    TooLarge,
}

impl Importer {
    /// Reads the pictures of a zip, one at a time, and of each no more than a picture's bytes.
    pub(super) fn add_archive(&mut self, file: &str, bytes: &[u8]) {
        let Some(list) = list(bytes) else {
            return self.refuse(file, At::File, Wrong::Zip);
        };
        let mut unpacked = Vec::new();
        let mut left = MOST_UNPACKED_BYTES;
        for entry in entries(bytes, list) {
            let Some(entry) = entry else {
                return self.refuse(file, At::File, Wrong::Zip);
            };
            if entry.path.ends_with('/') || is_hidden(&entry.path) {
                continue;
            }
            let inside = format!("{file}: {}", entry.path);
            let most = MOST_PICTURE_BYTES.min(left);
            match entry.unpack(&mut unpacked, most) {
                Ok(()) if is_picture(&unpacked) => {
                    self.add_picture(&inside, &entry.path, &unpacked);
                }
                Ok(()) => self.refuse(&inside, At::File, super::PictureError::Format),
                Err(Refused::TooLarge) if most < MOST_PICTURE_BYTES => {
                    return self.refuse(file, At::File, Wrong::UnpacksToTooMuch);
                }
                Err(Refused::TooLarge) => self.refuse(&inside, At::File, Wrong::EntryTooLarge),
                Err(Refused::Damaged) => self.refuse(&inside, At::File, Wrong::EntryDamaged),
                Err(Refused::Encrypted) => self.refuse(&inside, At::File, Wrong::EntryEncrypted),
                Err(Refused::Method) => self.refuse(&inside, At::File, Wrong::EntryMethod),
            }
            left = left.saturating_sub(unpacked.len());
        }
    }
}

/// The list of entries; none if the end of the zip is not there.
fn list(bytes: &[u8]) -> Option<&[u8]> {
    let first = bytes.len().saturating_sub(END + usize::from(u16::MAX));
    let last = bytes.len().checked_sub(END)?;
    let end = (first..=last)
        .rev()
        .find(|&at| bytes[at..].starts_with(b"PK\x05\x06"))?;
    let (size, start) = (long(bytes, end + 12)?, long(bytes, end + 16)?);
    let start = usize::try_from(start).ok().filter(|_| start != ELSEWHERE)?;
    // Of many entries their count stands elsewhere; their bytes do not.
    bytes.get(start..start.checked_add(size as usize)?)
}

/// The entries of the list; none in place of one that does not lie in the file, which ends it.
fn entries<'a>(bytes: &'a [u8], list: &'a [u8]) -> impl Iterator<Item = Option<Entry<'a>>> {
    let mut rest = list;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = entry(bytes, &mut rest);
        if entry.is_none() {
            rest = &[];
        }
        Some(entry)
    })
}

fn entry<'a>(bytes: &'a [u8], rest: &mut &'a [u8]) -> Option<Entry<'a>> {
    let head = rest
        .get(..LISTED)
        .filter(|head| head.starts_with(b"PK\x01\x02"))?;
    let lengths = [28, 30, 32].map(|at| short(head, at).map(usize::from));
    let [name, extra, comment] = lengths;
    let (name, extra, comment) = (name?, extra?, comment?);
    let path = rest.get(LISTED..LISTED + name)?;
    let start = usize::try_from(long(head, 42)?).ok()?;
    let entry = Entry {
        path: String::from_utf8_lossy(path).replace('\\', "/"),
        is_encrypted: short(head, 8)? & 1 == 1,
        method: short(head, 10)?,
        crc: long(head, 16)?,
        from_header: bytes.get(start..)?,
        packed: usize::try_from(long(head, 20)?).ok()?,
    };
    *rest = rest.get(LISTED + name + extra + comment..)?;
    Some(entry)
}

impl Entry<'_> {
    /// Unpacks the entry's bytes into `unpacked`, up to `most` of them.
    fn unpack(&self, unpacked: &mut Vec<u8>, most: usize) -> Result<(), Refused> {
        unpacked.clear();
        if self.is_encrypted {
            return Err(Refused::Encrypted);
        }
        let packed = self.packed_bytes().ok_or(Refused::Damaged)?;
        let up_to = most as u64 + 1;
        let read = match self.method {
            STORED => packed.take(up_to).read_to_end(unpacked),
            DEFLATED => DeflateDecoder::new(packed)
                .take(up_to)
                .read_to_end(unpacked),
            _ => return Err(Refused::Method),
        };
        let length = read.map_err(|_| Refused::Damaged)?;
        if length > most {
            return Err(Refused::TooLarge);
        }
        let mut crc = Crc::new();
        crc.update(unpacked);
        match crc.sum() == self.crc {
            true => Ok(()),
            false => Err(Refused::Damaged),
        }
    }

    /// The bytes behind the entry's own header, whose names may have other lengths than those of the list.
    fn packed_bytes(&self) -> Option<&[u8]> {
        let head = self.from_header.get(..LOCAL)?;
        let head = head.starts_with(b"PK\x03\x04").then_some(head)?;
        let start = LOCAL + usize::from(short(head, 26)?) + usize::from(short(head, 28)?);
        self.from_header.get(start..)?.get(..self.packed)
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}
