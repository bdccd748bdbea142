//! `linf certify`: labels one image and prints the radii for which the label is proved.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{CliError, print, print_line, read, read_model};
use crate::data::datasets;
use crate::exact::{Certificate, CriticalPixel, ExactNet, Levels, MAX_LEVEL, Model, Ticks};

/// Label one image and print how far the label is proved
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file (.safetensors)
    #[arg(long)]
    model: PathBuf,
    /// Image: of the size that the net takes, 8-bit greyscale, bright ink on black
    #[arg(value_name = "IMAGE.png")]
    image: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is printed. Lengths are in pixel levels; S is a power of two, so they are exact.
#[derive(Serialize)]
struct Report {
    /// None in a tie.
    label: Option<usize>,
    margin_levels: f64,
    lipschitz_radius_levels: Option<Levels>,
    ibp_radius_levels: Option<Levels>,
    logits: Vec<Logit>,
    model_sha256: String,
}

/// A class's logit and its critical pixel in each member.
#[derive(Serialize)]
struct Logit {
    class: usize,
    /// The average over the members.
    logit_levels: f64,
    critical_pixels: Vec<Place>,
}

/// A critical pixel.
#[derive(Serialize)]
struct Place {
    /// From the top, from 0.
    row: usize,
    /// From the left, from 0.
    column: usize,
    /// +1 if the logit rises with the pixel, −1 if it falls.
    sign: i8,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let (model, model_sha256) = read_model(&args.model)?;
    let ([_, columns], image) = read_png(&args.image, shape(&model))?;
    let certificate = model
        .net
        .evaluator()
        .certificate(&image)
        .map_err(|source| CliError::Input {
            path: args.model.clone(),
            source,
        })?;
    let report = Report::new(&model.net, columns, &certificate, model_sha256);
    if args.json {
        let json = serde_json::to_string(&report).expect("strings and numbers are JSON");
        print_line(json)?;
    } else {
        print(report.to_text())?;
    }
    Ok(())
}

/// Rows and columns of the images that a model takes: those of its data set, or of squares if that is
/// not described here; unknown if neither has the size of the network.
fn shape(model: &Model) -> Option<[usize; 2]> {
    let inputs = model.net.inputs();
    let side = inputs.isqrt();
    let described = datasets::find(&model.metadata.dataset);
    let shape = described.map_or([side, side], |description| description.shape);
    (shape[0] * shape[1] == inputs).then_some(shape)
}

/// Rows and columns, and the pixels, of an 8-bit greyscale PNG; of that shape, if one is given.
fn read_png(path: &Path, shape: Option<[usize; 2]>) -> Result<([usize; 2], Vec<u8>), CliError> {
    let bytes = read(path)?;
    let undecodable = |source| CliError::Png {
        path: path.into(),
        source,
    };
    let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    let mut reader = decoder.read_info().map_err(undecodable)?;
    let info = reader.info();
    let (width, height) = (info.width, info.height);
    let (color, depth) = (info.color_type, info.bit_depth);
    let found = [height as usize, width as usize];
    let [rows, columns] = shape.unwrap_or(found);
    let is_grey = (color, depth) == (png::ColorType::Grayscale, png::BitDepth::Eight);
    if found != [rows, columns] || !is_grey {
        return Err(CliError::ImageKind {
            path: path.into(),
            found: format!("{width}x{height} in {}-bit {color:?}", depth as u8),
            expected: format!("{columns}x{rows}"),
        });
    }
    let mut image = vec![0; rows * columns];
    reader.next_frame(&mut image).map_err(undecodable)?;
    Ok((found, image))
}

impl Report {
    fn new(
        net: &ExactNet,
        columns: usize,
        certificate: &Certificate,
        model_sha256: String,
    ) -> Self {
        let scale = f64::from(net.scale());
        let levels = |radius: Ticks| radius.levels(net.scale());
        let members = net.members() as f64;
        let logits = certificate.logits.iter().enumerate();
        let place = |critical: &CriticalPixel| Place {
            row: critical.pixel / columns,
            column: critical.pixel % columns,
            sign: critical.sign,
        };
        Self {
            label: certificate.label,
            margin_levels: f64::from(certificate.margin.get()) / scale / members,
            lipschitz_radius_levels: certificate.lipschitz_radius.map(levels),
            ibp_radius_levels: certificate.ibp_radius.map(levels),
            logits: logits
                .map(|(class, &logit)| Logit {
                    class,
                    logit_levels: f64::from(logit) / scale / members,
                    critical_pixels: certificate.critical_pixels_of(class).map(place).collect(),
                })
                .collect(),
            model_sha256,
        }
    }

    fn to_text(&self) -> String {
        let mut text = match self.label {
            Some(label) => format!("label  {label}\n"),
            None => "label  none: the largest logits are tied\n".to_owned(),
        };
        let mut line = |name: &str, value: String| {
            writeln!(text, "{name}  {value}").expect("a String takes all");
        };
        let radius = |radius: Option<Levels>| {
            radius.map_or("none".to_owned(), |radius| {
                let (levels, fraction) = (radius.get(), fraction_below(radius));
                format!("{levels} of {MAX_LEVEL} levels ({fraction:.4})")
            })
        };
        line("margin", format!("{} levels", self.margin_levels));
        line("Lipschitz radius", radius(self.lipschitz_radius_levels));
        line("IBP radius      ", radius(self.ibp_radius_levels));
        text += "class  logit in levels  critical pixels (rows and columns from 0)\n";
        for logit in &self.logits {
            let places = logit
                .critical_pixels
                .iter()
                .map(|Place { row, column, sign }| {
                    let moves = if *sign > 0 { "rises" } else { "falls" };
                    format!("row {row}, column {column}: {moves} with it")
                });
            let places = places.collect::<Vec<_>>().join("; ");
            let Logit {
                class,
                logit_levels,
                ..
            } = logit;
            writeln!(text, "{class:5}  {logit_levels:15}  {places}").expect("a String takes all");
        }
        text
    }
}

/// A radius as a fraction of full scale, cut to four decimals: rounding up would claim more than
/// is proved.
fn fraction_below(radius: Levels) -> f64 {
    (radius.get() * 1e4 / f64::from(MAX_LEVEL)).floor() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proved_fraction_is_never_rounded_up() {
        let levels = |levels: f64| Levels::new(levels).unwrap();
        // 72/255 = 0.28235…
        assert_eq!(fraction_below(levels(72.0)), 0.2823);
        assert_eq!(fraction_below(levels(76.5)), 0.3);
        assert_eq!(fraction_below(levels(255.0)), 1.0);
    }
}
