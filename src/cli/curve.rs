//! `linf curve`: certified accuracy as a function of ε, of several networks, from one pass over the images.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::measured::{MeasuredOn, count};
use super::network::{BASELINE_SCALE, Network, Opened, file_stem};
use super::output::check_target;
use super::target::write;
use super::{CliError, print_line, threads};
use crate::attack::{AttackError, Classifier, ExactClassifier};
use crate::baseline::{BaselineClassifier, IntervalCertifier, certify_image};
use crate::data::{Dataset, Split};
use crate::exact::{Epsilon, Evaluation, ImageRecord, certify_images};
use crate::measure::{
    Curve, PALETTE, Part, Picture, SURVEY_QUERIES, Series, Survey, Tried, curves_csv, curves_json,
    curves_svg, image_seed, sample_order, try_image,
};

/// Write certified accuracy as a function of ε, of one or more networks: a picture or the figures
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model files, of ℓ∞-dist nets and of baselines
    #[arg(long, required = true, num_args = 1.., value_name = "MODEL")]
    models: Vec<PathBuf>,
    #[command(flatten)]
    on: MeasuredOn,
    /// Use the first N test images only
    #[arg(long, value_name = "N", value_parser = count)]
    limit: Option<NonZeroUsize>,
    /// Add the same curves on all training images
    #[arg(long)]
    training: bool,
    /// Also attack N random images: search for the smallest flip of each
    #[arg(long, value_name = "N", value_parser = count)]
    attacked: Option<NonZeroUsize>,
    /// Queries of each search
    #[arg(long, value_name = "Q", default_value_t = SURVEY_QUERIES)]
    queries: u64,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// File to write: a picture if it ends in .svg, the figures if it ends in .csv or .json; give it
    /// several times for several files
    #[arg(long, required = true, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

/// How a file is written.
#[derive(Clone, Copy)]
enum Format {
    Svg,
    Csv,
    Json,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let formats: Vec<_> = args.out.iter().map(|path| Format::of(path)).collect();
    let formats = formats.into_iter().collect::<Result<Vec<_>, _>>()?;
    for path in &args.out {
        check_target(path, args.force)?;
    }
    let mut sets = vec![(Part::Test, args.on.test(args.limit)?)];
    if args.training {
        sets.push((Part::Training, args.on.load(Split::Train)?));
    }
    let opened: Vec<_> = args
        .models
        .iter()
        .map(|path| Ok((path, Opened::read(path, &args.on)?)))
        .collect::<Result<_, CliError>>()?;
    let mut series = Vec::new();
    for (path, opened) in &opened {
        for (split, images) in &sets {
            series.push(measure(args, path, opened, *split, images)?);
        }
    }
    for (path, format) in args.out.iter().zip(formats) {
        let text = match format {
            Format::Csv => curves_csv(&series),
            Format::Json => curves_json(&series),
            Format::Svg => curves_svg(&pictures(&series, sets.len())),
        };
        write(path, text.as_bytes())?;
    }
    Ok(())
}

/// Measures a network on a set of images and says what it is at the network's own ε.
fn measure(
    args: &Args,
    path: &Path,
    opened: &Opened,
    split: Part,
    images: &Dataset,
) -> Result<Series, CliError> {
    let records = opened.network.records(path, images)?;
    let tried = match args.attacked {
        Some(sample) => Some(
            opened
                .network
                .attack(args, path, images, &records, sample)?,
        ),
        None => None,
    };
    let scale = opened.network.scale();
    let series = Series {
        network: file_stem(path),
        model_sha256: opened.sha256.clone(),
        kind: opened.kind.clone(),
        dataset: args.on.dataset.as_str().into(),
        split,
        epsilon: opened.epsilon.clone(),
        curve: Curve::new(scale, &records),
        survey: tried.as_ref().map(|tried| Survey::new(scale, tried)),
    };
    print_line(figures(&series, &records, scale));
    Ok(series)
}

/// One line: the figures at the ε that the network was trained for.
fn figures(series: &Series, records: &[ImageRecord], scale: u32) -> String {
    let epsilon: Option<Epsilon> = series.epsilon.as_ref().and_then(|text| text.parse().ok());
    let radius = epsilon
        .map(|epsilon| epsilon.ticks(scale))
        .unwrap_or_default();
    let accuracies = Evaluation::of(records, radius).accuracies();
    let mut line = format!(
        "{}, {} {} images: clean {:.2} %",
        series.network,
        series.curve.images,
        series.split.as_str(),
        100.0 * accuracies.clean
    );
    if let Some(epsilon) = epsilon {
        let lipschitz = match &series.curve.certified_lipschitz {
            Some(_) => format!(
                "{:.2} % (Lipschitz), ",
                100.0 * accuracies.certified_lipschitz
            ),
            None => String::new(),
        };
        let ibp = 100.0 * accuracies.certified_ibp;
        line += &format!(", certified at ε = {epsilon}: {lipschitz}{ibp:.2} % (IBP)");
    }
    if let Some(survey) = &series.survey {
        line += &format!("; {} attacked", survey.images);
    }
    line
}

/// The series with a colour and a letter for each network; `per_network` of them follow one another.
fn pictures(series: &[Series], per_network: usize) -> Vec<Picture<'_>> {
    let letters = ('A'..='Z').cycle();
    let looks = PALETTE.into_iter().cycle().zip(letters);
    let networks = series.chunks(per_network).zip(looks);
    networks
        .flat_map(|(series, (colour, letter))| {
            series.iter().map(move |series| Picture {
                series,
                colour,
                letter,
            })
        })
        .collect()
}

impl Format {
    /// The format that a file's ending names.
    fn of(path: &Path) -> Result<Self, CliError> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => Ok(Self::Svg),
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            _ => Err(CliError::Ending {
                path: path.into(),
                endings: ".svg, .csv and .json",
            }),
        }
    }
}

impl Network {
    /// Ticks per level of the radii.
    fn scale(&self) -> u32 {
        match self {
            Self::Linf(net) => net.scale(),
            Self::Baseline(_) => BASELINE_SCALE,
        }
    }

    /// A record of each image.
    fn records(&self, path: &Path, images: &Dataset) -> Result<Vec<ImageRecord>, CliError> {
        match self {
            Self::Linf(net) => certify_images(net, &images.images, &images.labels, threads())
                .map_err(|source| CliError::Input {
                    path: path.into(),
                    source,
                }),
            Self::Baseline(plain) => {
                let certifier = IntervalCertifier::new(plain, BASELINE_SCALE);
                let classifier = || BaselineClassifier::new(plain, BASELINE_SCALE);
                let bar = progress("certified", images.len());
                let records = (0..images.len())
                    .into_par_iter()
                    .map_init(classifier, |classifier, index| {
                        bar.inc(1);
                        let (image, label) = (images.image(index), images.labels[index]);
                        certify_image(classifier, &certifier, image, label)
                    })
                    .collect();
                bar.finish_and_clear();
                Ok(records)
            }
        }
    }

    /// The smallest flips of a random sample.
    fn attack(
        &self,
        args: &Args,
        path: &Path,
        images: &Dataset,
        records: &[ImageRecord],
        sample: NonZeroUsize,
    ) -> Result<Vec<Tried>, CliError> {
        if sample.get() > images.len() {
            return Err(CliError::Attacked {
                attacked: sample.get(),
                images: images.len(),
            });
        }
        let count = u32::try_from(images.len()).expect("data sets are smaller");
        let order = &sample_order(count, args.seed.into())[..sample.get()];
        let tried = match self {
            Self::Linf(net) => {
                try_images(args, order, images, records, || ExactClassifier::new(net))
            }
            Self::Baseline(plain) => try_images(args, order, images, records, || {
                BaselineClassifier::new(plain, BASELINE_SCALE)
            }),
        };
        tried.map_err(|source| CliError::Attack {
            path: path.into(),
            source,
        })
    }
}

/// Attacks the images of `order`, each thread with a classifier of its own.
fn try_images<C: Classifier>(
    args: &Args,
    order: &[u32],
    images: &Dataset,
    records: &[ImageRecord],
    classifier: impl Fn() -> C + Sync + Send,
) -> Result<Vec<Tried>, AttackError> {
    let bar = progress("attacked", order.len());
    let tried = order
        .par_iter()
        .map_init(classifier, |classifier, &index| {
            bar.inc(1);
            let at = index as usize;
            let seed = image_seed(args.seed, index);
            try_image(
                classifier,
                images.image(at),
                &records[at],
                args.queries,
                seed,
            )
        })
        .collect();
    bar.finish_and_clear();
    tried
}

fn progress(what: &str, images: usize) -> ProgressBar {
    let template = format!("{what} {{bar:30}} {{pos}}/{{len}} images [{{elapsed}}, {{eta}} left]");
    let style = ProgressStyle::with_template(&template).expect("the template is well-formed");
    ProgressBar::new(images as u64).with_style(style)
}
