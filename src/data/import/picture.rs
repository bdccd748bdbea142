//! PNG and JPEG files as grey pictures.
//!
//! A file of a few kilobytes can claim a billion pixels: its size is read and judged before anything is
//! unpacked.

use std::io::Cursor;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::grey::Grey;

/// Most rows, and columns, of a picture.
pub const MOST_SIDE: usize = 8_192;
/// Most pixels of a picture: those of a good camera.
pub const MOST_PIXELS: usize = 1 << 24;

/// Why bytes are not a picture that can be read. Each message is a whole sentence without its subject.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Neither of the two formats.
    #[error("is neither PNG nor JPEG; save it as PNG, or leave it out")]
    Format,
    /// A damaged PNG.
    #[error("is not a complete PNG image ({0}); save it again, or leave it out")]
    Png(#[from] png::DecodingError),
    /// A damaged JPEG, or one of a rare kind.
    #[error("is not a JPEG image that can be read ({0}); save it as PNG, or leave it out")]
    Jpeg(String),
    /// More pixels than are read.
    #[error(
        "has {columns}×{rows} pixels, and at most {MOST_SIDE} a side and {MOST_PIXELS} in all are \
         read; make it smaller, 28×28 is enough"
    )]
    TooLarge {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
}

/// What lies behind the transparent parts of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Black, for bright ink.
    Black,
    /// White, for dark ink.
    White,
    /// The one from which the picture's own ink stands out.
    Contrast,
}

/// Reads a PNG or JPEG file as grey levels, the way up that its Exif says. Colours become their luma
/// (ITU-R BT.601).
///
/// # Errors
/// Fails if the file is neither, damaged or too large; nothing large is allocated before that is known.
pub fn read_picture(bytes: &[u8], background: Background) -> Result<Grey, PictureError> {
    let grey = if bytes.starts_with(b"\x89PNG") {
        Png::open(bytes)?.read(background)?
    } else if bytes.starts_with(&[0xff, 0xd8]) {
        jpeg(bytes)?
    } else {
        return Err(PictureError::Format);
    };
    Ok(upright(grey, orientation(bytes)))
}

/// How the camera was held, from 1 to 8 as Exif numbers it; 1, upright, where the file does not say.
fn orientation(bytes: &[u8]) -> u32 {
    let exif = exif::Reader::new().read_from_container(&mut Cursor::new(bytes));
    let exif = exif.ok();
    let field = exif
        .as_ref()
        .and_then(|exif| exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY));
    field.and_then(|field| field.value.get_uint(0)).unwrap_or(1)
}

/// The picture as it is to be seen, of one that is stored in an orientation of Exif (JEITA CP-3451,
/// section 4.6.4): rows and columns exchanged from 5 on, then turned over.
fn upright(grey: Grey, orientation: u32) -> Grey {
    let mut grey = match orientation {
        5..=8 => grey.transposed(),
        _ => grey,
    };
    let columns = grey.size[1];
    if matches!(orientation, 2 | 3 | 6 | 7) {
        for row in grey.levels.chunks_exact_mut(columns) {
            row.reverse();
        }
    }
    if matches!(orientation, 3 | 4 | 7 | 8) {
        let rows = grey.levels.rchunks_exact(columns);
        grey.levels = rows.flatten().copied().collect();
    }
    grey
}

fn check_size([rows, columns]: [usize; 2]) -> Result<(), PictureError> {
    let fits = |side: usize| (1..=MOST_SIDE).contains(&side);
    match fits(rows) && fits(columns) && rows * columns <= MOST_PIXELS {
        true => Ok(()),
        false => Err(PictureError::TooLarge { rows, columns }),
    }
}

/// A PNG whose size is known and whose pixels are still packed.
#[allow(missing_debug_implementations, reason = "the decoder has none")]
pub struct Png<'a> {
    reader: png::Reader<Cursor<&'a [u8]>>,
    size: [usize; 2],
}

impl<'a> Png<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// Fails if it is none, or of a picture that is too large.
    pub fn open(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.ignore_checksums(false);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let reader = decoder.read_info()?;
        let info = reader.info();
        let size = [info.height as usize, info.width as usize];
        check_size(size)?;
        Ok(Self { reader, size })
    }

    /// Rows and columns.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Unpacks the pixels as grey levels.
    ///
    /// # Errors
    /// Fails if the file is damaged.
    pub fn read(mut self, background: Background) -> Result<Grey, PictureError> {
        let (color, _) = self.reader.output_color_type();
        let samples = color.samples();
        let [rows, columns] = self.size;
        let mut image = vec![0; rows * columns * samples];
        self.reader.next_frame(&mut image)?;
        self.reader.finish()?;
        let behind = match background {
            Background::Black => 0,
            Background::White => 255,
            Background::Contrast => contrast(&image, samples),
        };
        let pixels = image.chunks_exact(samples);
        let shown = pixels.map(|pixel| {
            let (grey, opaque) = grey_and_opacity(pixel);
            blend(grey, behind, opaque)
        });
        Ok(Grey {
            size: self.size,
            levels: shown.collect(),
        })
    }
}

fn jpeg(bytes: &[u8]) -> Result<Grey, PictureError> {
    let options = DecoderOptions::new_safe()
        .set_max_width(MOST_SIDE)
        .set_max_height(MOST_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let refuse = |error| PictureError::Jpeg(format!("{error:?}"));
    let size = jpeg_size(bytes).ok_or_else(|| PictureError::Jpeg("it has no size".into()))?;
    check_size(size)?;
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refuse)?;
    let levels = decoder.decode().map_err(refuse)?;
    let [rows, columns] = size;
    match levels.len() == rows * columns {
        true => Ok(Grey { size, levels }),
        false => Err(PictureError::Jpeg("its colours are not known".into())),
    }
}

/// Rows and columns that the frame header of a JPEG names.
fn jpeg_size(bytes: &[u8]) -> Option<[usize; 2]> {
    let mut at = 2;
    loop {
        // Segments may be preceded by any number of fill bytes.
        while *bytes.get(at)? == 0xff && *bytes.get(at + 1)? == 0xff {
            at += 1;
        }
        let &[0xff, marker] = bytes.get(at..at + 2)? else {
            return None;
        };
        let two = |at: usize| {
            let word = bytes.get(at..at + 2)?;
            Some(usize::from(u16::from_be_bytes([word[0], word[1]])))
        };
        let is_frame = (0xc0..=0xcf).contains(&marker) && ![0xc4, 0xc8, 0xcc].contains(&marker);
        if is_frame {
            return Some([two(at + 5)?, two(at + 7)?]);
        }
        at += 2 + two(at + 2)?.max(2);
    }
}

/// Grey level and opacity of a pixel of one to four samples.
fn grey_and_opacity(pixel: &[u8]) -> (u8, u8) {
    match *pixel {
        [grey] => (grey, 255),
        [grey, opaque] => (grey, opaque),
        [red, green, blue] => (luma(red, green, blue), 255),
        [red, green, blue, opaque, ..] => (luma(red, green, blue), opaque),
        [] => unreachable!("a pixel has a sample"),
    }
}

/// Black or white, whichever is farther from the mean of what is drawn.
fn contrast(image: &[u8], samples: usize) -> u8 {
    let (mut ink, mut weight) = (0_u64, 0_u64);
    for pixel in image.chunks_exact(samples) {
        let (grey, opaque) = grey_and_opacity(pixel);
        ink += u64::from(grey) * u64::from(opaque);
        weight += u64::from(opaque);
    }
    if ink < 128 * weight { 255 } else { 0 }
}

/// The luma of a colour, rounded.
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    let sum = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    u8::try_from((sum + 500) / 1000).expect("weights of 1000 in all")
}

/// A pixel before a background, rounded.
fn blend(pixel: u8, background: u8, opaque: u8) -> u8 {
    let (front, behind) = (u32::from(opaque), 255 - u32::from(opaque));
    let sum = front * u32::from(pixel) + behind * u32::from(background);
    u8::try_from((sum + 127) / 255).expect("a mean of bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_and_opaque_pixels_stay_as_they_are() {
        for level in 0..=255 {
            assert_eq!(luma(level, level, level), level);
            assert_eq!(blend(level, 0, 255), level);
            assert_eq!(blend(level, 255, 0), 255);
        }
    }

    #[test]
    fn every_orientation_is_turned_upright() {
        // 1 2 3
        // 4 5 6
        let size = [2, 3];
        let grey = Grey {
            size,
            levels: (1..=6).collect(),
        };
        for (orientation, size, levels) in [
            (0, size, [1, 2, 3, 4, 5, 6]),
            (1, size, [1, 2, 3, 4, 5, 6]),
            (2, size, [3, 2, 1, 6, 5, 4]),
            (3, size, [6, 5, 4, 3, 2, 1]),
            (4, size, [4, 5, 6, 1, 2, 3]),
            (5, [3, 2], [1, 4, 2, 5, 3, 6]),
            (6, [3, 2], [4, 1, 5, 2, 6, 3]),
            (7, [3, 2], [6, 3, 5, 2, 4, 1]),
            (8, [3, 2], [3, 6, 2, 5, 1, 4]),
            (9, size, [1, 2, 3, 4, 5, 6]),
        ] {
            let upright = upright(grey.clone(), orientation);
            let levels = levels.to_vec();
            assert_eq!(upright, Grey { size, levels }, "{orientation}");
        }
    }

    #[test]
    fn transparent_parts_are_what_the_ink_stands_out_from() {
        // Dark ink on nothing, then bright ink.
        assert_eq!(contrast(&[10, 255, 0, 0], 2), 255);
        assert_eq!(contrast(&[240, 255, 0, 0], 2), 0);
    }
}
