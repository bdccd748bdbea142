//! Every image as a row: CSV and JSON of [`ImageRecord`]s.
//!
//! Rows are written by hand, as every field is a number: nothing is ever quoted.

use std::fmt::Write;

use serde::Serialize;

use super::{ImageRecord, Part};
use crate::exact::{Levels, Ticks};

/// What the records of a file are of.
#[derive(Clone, Debug, Serialize)]
pub struct ImagesFile {
    /// The network's name.
    pub network: String,
    /// SHA-256 of its model file.
    pub model_sha256: String,
    /// The data set's name.
    pub dataset: String,
    /// Which of its images.
    pub split: Part,
    /// Number of the first record's image, from 0: in that half of the data set, or among all of somebody's
    /// own.
    pub first: usize,
    /// Ticks per pixel level.
    pub scale: u32,
    /// Members of the ensemble: margins in ticks are sums over them, in levels averages.
    pub members: usize,
}

/// One image, as it is written. A field is absent where there is nothing to say.
#[derive(Serialize)]
struct Row {
    index: usize,
    label: u8,
    predicted: Option<usize>,
    margin_ticks: Option<Ticks>,
    lipschitz_radius_ticks: Option<Ticks>,
    ibp_radius_ticks: Option<Ticks>,
    margin_levels: Option<f64>,
    lipschitz_radius_levels: Option<Levels>,
    ibp_radius_levels: Option<Levels>,
}

/// Names of the columns, in their order.
const COLUMNS: &str = "index,label,predicted,margin_ticks,lipschitz_radius_ticks,ibp_radius_ticks,\
                       margin_levels,lipschitz_radius_levels,ibp_radius_levels";

impl ImagesFile {
    fn rows<'a>(&'a self, records: &'a [ImageRecord]) -> impl Iterator<Item = Row> + 'a {
        let scale = self.scale;
        records.iter().enumerate().map(move |(at, record)| {
            let levels = |radius: Option<Ticks>| radius.map(|radius| radius.levels(scale));
            let margin = record
                .margin
                .map(|margin| f64::from(margin.get()) / f64::from(scale) / self.members as f64);
            Row {
                index: self.first + at,
                label: record.label,
                predicted: record.predicted,
                margin_ticks: record.margin,
                lipschitz_radius_ticks: record.lipschitz_radius,
                ibp_radius_ticks: record.ibp_radius,
                margin_levels: margin,
                lipschitz_radius_levels: levels(record.lipschitz_radius),
                ibp_radius_levels: levels(record.ibp_radius),
            }
        })
    }
}

/// The records as CSV: a head with the names of the columns, then a line per image. What there is not is
/// empty.
pub fn images_csv(file: &ImagesFile, records: &[ImageRecord]) -> String {
    let mut text = format!("{COLUMNS}\n");
    for row in file.rows(records) {
        let Row { index, label, .. } = row;
        write!(text, "{index},{label}").expect("a String takes all");
        field(&mut text, row.predicted);
        for ticks in [
            row.margin_ticks,
            row.lipschitz_radius_ticks,
            row.ibp_radius_ticks,
        ] {
            field(&mut text, ticks.map(Ticks::get));
        }
        field(&mut text, row.margin_levels);
        for levels in [row.lipschitz_radius_levels, row.ibp_radius_levels] {
            field(&mut text, levels.map(Levels::get));
        }
        text.push('\n');
    }
    text
}

/// The records as one JSON object: what they are of, and `images`, an object each. What there is not is
/// null.
pub fn images_json(file: &ImagesFile, records: &[ImageRecord]) -> String {
    #[derive(Serialize)]
    struct Whole<'a> {
        #[serde(flatten)]
        file: &'a ImagesFile,
        images: Vec<Row>,
    }
    let images = file.rows(records).collect();
    serde_json::to_string(&Whole { file, images }).expect("strings and numbers are JSON")
}

/// Adds a field to a line.
pub(super) fn field(text: &mut String, value: Option<impl std::fmt::Display>) {
    text.push(',');
    if let Some(value) = value {
        write!(text, "{value}").expect("a String takes all");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_ticks_and_levels_and_leaves_out_what_there_is_not() {
        let file = ImagesFile {
            network: "net".into(),
            model_sha256: "ab".into(),
            dataset: "mnist".into(),
            split: Part::Test,
            first: 7,
            scale: 32,
            members: 2,
        };
        let proved = ImageRecord {
            label: 4,
            predicted: Some(9),
            margin: Some(Ticks::new(320)),
            lipschitz_radius: Some(Ticks::new(79)),
            ibp_radius: Some(Ticks::new(80)),
        };
        let tied = ImageRecord {
            label: 0,
            predicted: None,
            margin: Some(Ticks::ZERO),
            lipschitz_radius: None,
            ibp_radius: None,
        };
        let csv = images_csv(&file, &[proved, tied]);
        let lines: Vec<_> = csv.lines().collect();
        assert_eq!(lines[0].split(',').count(), 9);
        assert_eq!(lines[1], "7,4,9,320,79,80,5,2.46875,2.5");
        assert_eq!(lines[2], "8,0,,0,,,0,,");
        assert_eq!(lines.len(), 3);

        let json: serde_json::Value =
            serde_json::from_str(&images_json(&file, &[proved, tied])).unwrap();
        assert_eq!(json["first"], 7);
        assert_eq!(json["images"][0]["ibp_radius_levels"], 2.5);
        assert_eq!(json["images"][1]["predicted"], serde_json::Value::Null);
    }
}
