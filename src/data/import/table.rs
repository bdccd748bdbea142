//! A CSV with a row for each image: its label, then its pixels.

use csv_core::{ReadFieldResult, Reader};

use super::problem::{At, Wrong};
use super::{Grey, Importer};

/// Most rows, and columns, of an image in a table.
const MOST_SIDE: usize = 256;
/// Most bytes of a field: no label is longer, nor is a pixel.
const MOST_FIELD: usize = 256;
/// Letters that are shown of a field that is none.
const SHOWN: usize = 20;

/// Whether a file looks like a table: by its name, or because its start is text with commas.
pub(super) fn is_table(path: &str, bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(1024)];
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_named = ending.eq_ignore_ascii_case("csv");
    is_named || (start.iter().all(is_text) && start.contains(&b','))
}

/// A row as it is read: of the pixels no more than an image has.
#[derive(Default)]
struct Row {
    label: String,
    levels: Vec<u8>,
    fields: usize,
    /// Numbers among the fields after the first.
    numbers: usize,
    /// The first pixel that is no level: its field, counted from 1, and what it holds.
    wrong: Option<(usize, String)>,
}

impl Importer {
    /// Reads a table. A first row without numbers names the columns and is passed over.
    pub(super) fn add_table(&mut self, file: &str, bytes: &[u8]) {
        let mut reader = Reader::new();
        let mut rest = bytes;
        let mut field = [0; MOST_FIELD];
        let mut row = Row::default();
        let mut length = 0;
        let mut line = 1;
        let mut is_first = true;
        loop {
            let (result, read, written) = reader.read_field(rest, &mut field[length..]);
            rest = &rest[read..];
            length += written;
            match result {
                // The end of the input is told by empty input.
                ReadFieldResult::InputEmpty => {}
                // What is longer is cut: no label is, and no number.
                ReadFieldResult::OutputFull => length = MOST_FIELD - 1,
                ReadFieldResult::Field { record_end } => {
                    row.add(&field[..length]);
                    length = 0;
                    if record_end {
                        let is_header = std::mem::take(&mut is_first) && row.is_header();
                        if !is_header {
                            self.take_row(file, line, &row);
                        }
                        row.clear();
                        line = reader.line();
                    }
                }
                ReadFieldResult::End => return,
            }
        }
    }

    fn take_row(&mut self, file: &str, line: u64, row: &Row) {
        let at = At::Row(line);
        match row.image() {
            Ok((class, grey)) => self.take(file, at, class, grey),
            Err(wrong) => self.refuse(file, at, wrong),
        }
    }
}

impl Row {
    fn add(&mut self, field: &[u8]) {
        self.fields += 1;
        if self.fields == 1 {
            self.label = String::from_utf8_lossy(field).trim().to_owned();
            return;
        }
        let level = level(field);
        self.numbers += usize::from(level.is_some());
        if level.is_none() && self.wrong.is_none() {
            let value = String::from_utf8_lossy(field).chars().take(SHOWN).collect();
            self.wrong = Some((self.fields, value));
        }
        if self.levels.len() < MOST_SIDE * MOST_SIDE {
            self.levels.push(level.unwrap_or(0));
        }
    }

    fn clear(&mut self) {
        self.label.clear();
        self.levels.clear();
        (self.fields, self.numbers, self.wrong) = (0, 0, None);
    }

    fn is_header(&self) -> bool {
        self.numbers == 0
    }

    /// Class and picture of the row.
    fn image(&self) -> Result<(&str, Grey), Wrong> {
        let fields = self.fields;
        let side = fields.saturating_sub(1).isqrt();
        if side * side + 1 != fields || !(2..=MOST_SIDE).contains(&side) {
            return Err(Wrong::Fields { fields });
        }
        if self.label.is_empty() {
            return Err(Wrong::NoLabel);
        }
        if let Some((field, value)) = self.wrong.clone() {
            return Err(Wrong::Pixel { field, value });
        }
        // Labels are often written as 3.0.
        let class = self.label.strip_suffix(".0").unwrap_or(&self.label);
        let grey = Grey {
            size: [side; 2],
            levels: self.levels.clone(),
        };
        Ok((class, grey))
    }
}

/// A whole number from 0 to 255, which may be written as 7.0.
fn level(field: &[u8]) -> Option<u8> {
    let text = str::from_utf8(field.trim_ascii()).ok()?;
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}
