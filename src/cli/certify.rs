//! `linf certify`: labels images and prints the radii for which the labels are proved.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::output::check_target;
use super::target::{make_folder_of, write};
use super::{CliError, named, note, print, print_line, read, read_model};
use crate::data::datasets;
use crate::data::import::{Background, Grey, Png};
use crate::error::sentence;
use crate::exact::{
    Certificate, CertificateFile, CriticalPixel, Epsilon, ExactNet, Levels, MAX_LEVEL, Method,
    Model, Ticks,
};

/// Label images and print how far each label is proved
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file (.safetensors)
    #[arg(long)]
    model: PathBuf,
    /// Images, and folders of which every file that ends in .png is taken: of the size that the net takes,
    /// bright ink on black; colours are read as grey
    #[arg(value_name = "IMAGE.png", required = true)]
    images: Vec<PathBuf>,
    /// Also tell whether each label is proved at this ε, a decimal fraction of full scale such as 0.3
    #[arg(long)]
    epsilon: Option<Epsilon>,
    /// The images are dark ink on white: take their negatives
    #[arg(long)]
    invert: bool,
    /// Print JSON: one object a line for each image
    #[arg(long)]
    json: bool,
    /// Also write a certificate that others can check (`linf check`): the file CERT.json of one image, or
    /// a folder of a file for each of several. It claims the IBP radius, or ε where that is given
    #[arg(long, value_name = "CERT.json")]
    out: Option<PathBuf>,
    /// Where IBP does not prove the label of a certificate at ε, split the box up to this often
    #[arg(long, default_value_t = 0, requires = "out")]
    splits: usize,
    /// Replace a certificate file if it exists
    #[arg(long, requires = "out")]
    force: bool,
}

/// What is printed. Lengths are in pixel levels; S is a power of two, so they are exact.
#[derive(Serialize)]
struct Report {
    /// The image.
    file: String,
    /// None in a tie.
    label: Option<usize>,
    /// What the label's class is called, where the model or its data set tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    margin_levels: f64,
    lipschitz_radius_levels: Option<Levels>,
    ibp_radius_levels: Option<Levels>,
    /// Only where an ε was given.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    logits: Vec<Logit>,
    model_sha256: String,
}

/// Whether the label is proved at ε.
#[derive(Serialize)]
struct Verdict {
    epsilon: String,
    certified_lipschitz: bool,
    certified_ibp: bool,
    /// Only where the certificate that was written needs it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    certified_branch_and_bound: bool,
}

/// What is printed of an image that cannot be certified, where there are others.
#[derive(Serialize)]
struct Failure<'a> {
    file: &'a str,
    error: String,
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
    let paths = files(&args.images)?;
    let targets = targets(args, &paths)?;
    let [only] = &paths[..] else {
        return certify_all(args, &model, &model_sha256, &paths, &targets);
    };
    let report = certify(args, &model, &model_sha256, only, targets.first())?;
    match args.json {
        true => print_line(report.to_json()),
        false => print(report.to_text()),
    }
    Ok(())
}

/// Certifies several images. One that cannot be read does not keep the others from it.
fn certify_all(
    args: &Args,
    model: &Model,
    model_sha256: &str,
    paths: &[PathBuf],
    targets: &[PathBuf],
) -> Result<(), CliError> {
    let mut failed = 0;
    for (index, path) in paths.iter().enumerate() {
        match certify(args, model, model_sha256, path, targets.get(index)) {
            Ok(report) if args.json => print_line(report.to_json()),
            Ok(report) => print(report.to_line()),
            Err(error) => {
                failed += 1;
                let (file, error) = (&path.display().to_string(), sentence(&error));
                note(format_args!("error: {error}"));
                if args.json {
                    let failure = serde_json::to_string(&Failure { file, error });
                    print_line(failure.expect("strings are JSON"));
                }
            }
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(CliError::SomeImages {
            failed,
            images: paths.len(),
        }),
    }
}

/// The files that are named, and those of the folders that are, by name.
pub(super) fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let unreadable = |source| CliError::Read {
            path: path.clone(),
            source,
        };
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            let ending = file.extension().unwrap_or_default();
            if ending.eq_ignore_ascii_case("png") && file.is_file() {
                inside.push(file);
            }
        }
        if inside.is_empty() {
            return Err(CliError::NoImages { path: path.clone() });
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

/// Where the certificates of the images are written, if they are: `--out` itself, or in that folder a file
/// called like each of several images.
fn targets(args: &Args, paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let Some(out) = &args.out else {
        return Ok(Vec::new());
    };
    let mut targets = match paths {
        [_] => vec![out.clone()],
        paths => {
            let name = |path: &PathBuf| path.with_extension("json").file_name().map(Into::into);
            let names: Vec<PathBuf> = paths.iter().filter_map(name).collect();
            names.iter().map(|name| out.join(name)).collect()
        }
    };
    for target in &targets {
        make_folder_of(target)?;
        check_target(target, args.force)?;
    }
    let written = targets.clone();
    targets.sort();
    match targets.windows(2).find(|pair| pair[0] == pair[1]) {
        Some([twice, ..]) => Err(CliError::SameName {
            path: twice.clone(),
        }),
        _ => Ok(written),
    }
}

/// Certifies one image, and writes its certificate if there is a place for it.
fn certify(
    args: &Args,
    model: &Model,
    model_sha256: &str,
    path: &Path,
    target: Option<&PathBuf>,
) -> Result<Report, CliError> {
    let image = read_png(path, shape(model), args.invert)?;
    if image.has_bright_border() {
        note(format_args!(
            "warning: {} has a bright border, and the network was trained on bright ink on black; {}",
            path.display(),
            match args.invert {
                true => "without --invert it would be dark",
                false => "add --invert if this is dark ink on white",
            }
        ));
    }
    let certificate = model
        .net
        .evaluator()
        .certificate(&image.levels)
        .map_err(|source| CliError::Input {
            path: args.model.clone(),
            source,
        })?;
    let mut method = None;
    if let Some(target) = target {
        let radius = args.epsilon.map(|epsilon| epsilon.ticks(model.net.scale()));
        let sha256 = model_sha256.into();
        let file = CertificateFile::of_model(
            model,
            sha256,
            &image.levels,
            image.size[1],
            radius,
            args.splits,
        );
        let file = file.map_err(|source| CliError::NoCertificate {
            path: path.into(),
            source,
        })?;
        write(target, &file.to_bytes())?;
        method = Some(file.method);
    }
    let file = path.display().to_string();
    let verdict = args
        .epsilon
        .map(|epsilon| Verdict::new(epsilon, &model.net, &certificate, method));
    let sha256 = model_sha256.into();
    Ok(Report::new(
        model,
        image.size[1],
        &certificate,
        file,
        verdict,
        sha256,
    ))
}

/// Rows and columns of the images that a model takes: those of its data set, or of squares if that is
/// not described here; unknown if neither has the size of the network.
pub(super) fn shape(model: &Model) -> Option<[usize; 2]> {
    let inputs = model.net.inputs();
    let side = inputs.isqrt();
    let described = datasets::find(&model.metadata.dataset);
    let shape = described.map_or([side, side], |description| description.shape);
    (shape[0] * shape[1] == inputs).then_some(shape)
}

/// A PNG of that shape, if one is given, as grey levels. What is transparent shows the background: black, or
/// white of an image that is inverted.
pub(super) fn read_png(
    path: &Path,
    shape: Option<[usize; 2]>,
    invert: bool,
) -> Result<Grey, CliError> {
    let bytes = read(path)?;
    let undecodable = |source| CliError::Png {
        path: path.into(),
        source,
    };
    let png = Png::open(&bytes).map_err(undecodable)?;
    let found = png.size();
    let expected = shape.unwrap_or(found);
    if found != expected {
        let size = |[rows, columns]: [usize; 2]| format!("{columns}x{rows}");
        return Err(CliError::ImageSize {
            path: path.into(),
            found: size(found),
            expected: size(expected),
        });
    }
    let background = match invert {
        true => Background::White,
        false => Background::Black,
    };
    let grey = png.read(background).map_err(undecodable)?;
    Ok(if invert { grey.inverted() } else { grey })
}

impl Report {
    fn new(
        model: &Model,
        columns: usize,
        certificate: &Certificate,
        file: String,
        verdict: Option<Verdict>,
        model_sha256: String,
    ) -> Self {
        let net = &model.net;
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
            file,
            verdict,
            label: certificate.label,
            class: certificate.label.and_then(|label| model.class_name(label)),
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

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers are JSON")
    }

    /// One line, of several images.
    fn to_line(&self) -> String {
        let label = match self.label {
            Some(label) => format!("label {}", named(label, self.class.as_deref())),
            None => "no label: the largest logits are tied".to_owned(),
        };
        let proved = match self.ibp_radius_levels {
            Some(radius) => format!(", proved up to {} levels", radius.get()),
            None => String::new(),
        };
        let verdict = match &self.verdict {
            Some(verdict) => format!("; {}", verdict.to_text()),
            None => String::new(),
        };
        format!("{}: {label}{proved}{verdict}\n", self.file)
    }

    fn to_text(&self) -> String {
        let mut text = match self.label {
            Some(label) => format!("label  {}\n", named(label, self.class.as_deref())),
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
        if let Some(verdict) = &self.verdict {
            line("verdict         ", verdict.to_text());
        }
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

impl Verdict {
    /// `method` is what proves ε in the certificate that was written, if one was.
    fn new(
        epsilon: Epsilon,
        net: &ExactNet,
        certificate: &Certificate,
        method: Option<Method>,
    ) -> Self {
        let radius = Some(epsilon.ticks(net.scale()));
        Self {
            epsilon: epsilon.to_string(),
            certified_lipschitz: certificate.lipschitz_radius >= radius,
            certified_ibp: certificate.ibp_radius >= radius,
            certified_branch_and_bound: method == Some(Method::BranchAndBound),
        }
    }

    fn to_text(&self) -> String {
        let Self { epsilon, .. } = self;
        let method = match self {
            _ if self.certified_lipschitz => "the margin alone",
            _ if self.certified_ibp => "IBP",
            _ if self.certified_branch_and_bound => "branch and bound",
            _ => return format!("not proved at ε = {epsilon}"),
        };
        format!("proved at ε = {epsilon}, by {method}")
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
