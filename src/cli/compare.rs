//! `linf compare`: measures ℓ∞-dist nets and baselines on the same images.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use super::measured::{MeasuredOn, count};
use super::network::{BASELINE_SCALE, Network, Opened, file_stem};
use super::{CliError, on_threads, print, print_line};
use crate::attack::{Attack, Classifier, ExactClassifier, Grid, Pgd, Run, Settings, own_label};
use crate::baseline::{BaselineClassifier, IntervalCertifier};
use crate::data::Dataset;
use crate::exact::{Epsilon, Ticks};

/// Compare networks: accuracies, size and time, on the full test set
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model files, of ℓ∞-dist nets and of baselines
    #[arg(default_values = [
        "www/public/models/mnist-eps0.3.safetensors",
        "www/public/models/baseline/relu.safetensors",
        "www/public/models/baseline/adversarial.safetensors",
        "www/public/models/baseline/ibp.safetensors",
    ])]
    models: Vec<PathBuf>,
    #[command(flatten)]
    on: MeasuredOn,
    /// Radius ε as a decimal fraction of full scale, such as 0.3
    #[arg(long)]
    epsilon: Epsilon,
    /// Use the first N test images only
    #[arg(long, value_name = "N", value_parser = count)]
    limit: Option<NonZeroUsize>,
    /// Seed of the attack
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The attack on all networks. Certified images are not attacked, and one misclassification ends an
/// attack; neither changes a figure.
const PGD: Pgd = Pgd {
    steps: 50,
    restarts: 5,
    step_size: 0.05,
};
/// Queries between two checks whether the image is misclassified.
const LOOK: u64 = 10;
/// Images whose evaluation is timed, one by one.
const TIMED: usize = 1000;

const RIGHT_SIZE: &str = "data sets hold images of the size that was checked";

/// What is printed.
#[derive(Serialize)]
struct Report {
    dataset: &'static str,
    images: usize,
    epsilon: String,
    attack: AttackReport,
    networks: Vec<NetworkReport>,
}

#[derive(Serialize)]
struct AttackReport {
    name: &'static str,
    steps: u32,
    restarts: u32,
    /// Share of ε.
    step_size: f32,
    seed: u32,
}

/// One network; accuracies are fractions of all images.
#[derive(Serialize)]
struct NetworkReport {
    /// The file's name without its ending.
    name: String,
    model_sha256: String,
    /// `linf-dist`, or the recipe of a baseline.
    kind: String,
    architecture: String,
    clean: f64,
    empirical_robust: f64,
    certified: f64,
    /// The kind of certificate.
    certificate: &'static str,
    bytes: usize,
    /// The median of single images on one thread.
    microseconds_per_image: f64,
}

/// Counts of images.
#[derive(Clone, Copy, Default)]
struct Counts {
    clean: usize,
    empirical_robust: usize,
    certified: usize,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let test = args.on.test(args.limit)?;
    let networks = args.models.iter().map(|path| compare(args, path, &test));
    let report = Report {
        dataset: args.on.dataset.as_str(),
        images: test.len(),
        epsilon: args.epsilon.to_string(),
        attack: AttackReport {
            name: "pgd",
            steps: PGD.steps,
            restarts: PGD.restarts,
            step_size: PGD.step_size,
            seed: args.seed,
        },
        networks: networks.collect::<Result<_, _>>()?,
    };
    if args.json {
        let json = serde_json::to_string_pretty(&report).expect("strings and numbers are JSON");
        print_line(json);
    } else {
        print(report.to_text());
    }
    Ok(())
}

fn compare(args: &Args, path: &Path, test: &Dataset) -> Result<NetworkReport, CliError> {
    let Opened {
        network,
        kind,
        architecture,
        sha256,
        bytes,
        ..
    } = Opened::read(path, &args.on)?;
    let certificate = match network {
        Network::Linf(_) => "IBP in exact integers",
        Network::Baseline(_) => "IBP widened by the rounding of f32",
    };
    let counts = network.counts(args, test);
    let fraction = |count: usize| count as f64 / test.len() as f64;
    Ok(NetworkReport {
        name: file_stem(path),
        model_sha256: sha256,
        kind,
        architecture,
        clean: fraction(counts.clean),
        empirical_robust: fraction(counts.empirical_robust),
        certified: fraction(counts.certified),
        certificate,
        bytes,
        // A page has a single thread; Burn would share out even the smallest convolution.
        microseconds_per_image: on_threads(1, || network.median_microseconds(test)),
    })
}

impl Network {
    /// Counts over all images.
    fn counts(&self, args: &Args, test: &Dataset) -> Counts {
        let images = (0..test.len()).into_par_iter();
        let image_and_label = |index: usize| (test.image(index), usize::from(test.labels[index]));
        match self {
            Self::Linf(net) => {
                let radius = args.epsilon.ticks(net.scale());
                let count = |classifier: &mut ExactClassifier<'_>, index| {
                    let (image, label) = image_and_label(index);
                    let certificate = net.evaluator().certificate(image).expect(RIGHT_SIZE);
                    let right = certificate.label == Some(label);
                    let proved = right && certificate.ibp_radius >= Some(radius);
                    let settings = settings(radius, args.seed, index);
                    let survives = || survives(classifier, image, label, settings);
                    Counts::of_image(right, proved, survives)
                };
                images
                    .map_init(|| ExactClassifier::new(net), count)
                    .reduce(Counts::default, Counts::add)
            }
            Self::Baseline(plain) => {
                let radius = args.epsilon.ticks(BASELINE_SCALE);
                let certifier = IntervalCertifier::new(plain, BASELINE_SCALE);
                let count = |classifier: &mut BaselineClassifier, index| {
                    let (image, label) = image_and_label(index);
                    let right = own_label(classifier, image) == Ok(label);
                    let proved = right && certifier.is_certified(image, label, radius);
                    let settings = settings(radius, args.seed, index);
                    let survives = || survives(classifier, image, label, settings);
                    Counts::of_image(right, proved, survives)
                };
                images
                    .map_init(|| BaselineClassifier::new(plain, BASELINE_SCALE), count)
                    .reduce(Counts::default, Counts::add)
            }
        }
    }

    /// Median time to the logits of an image, one image at a time.
    fn median_microseconds(&self, test: &Dataset) -> f64 {
        let images = (0..test.len().min(TIMED)).map(|index| test.image(index));
        match self {
            Self::Linf(net) => {
                let mut evaluator = net.evaluator();
                median_microseconds(images, |image| {
                    let logits = evaluator.logits(image).expect(RIGHT_SIZE);
                    black_box(logits);
                })
            }
            Self::Baseline(plain) => {
                let mut classifier = BaselineClassifier::new(plain, 1);
                median_microseconds(images, |image| {
                    let levels: Vec<i32> = image.iter().map(|&level| level.into()).collect();
                    black_box(classifier.logits(&levels));
                })
            }
        }
    }
}

impl Counts {
    fn of_image(right: bool, proved: bool, survives: impl FnOnce() -> bool) -> Self {
        Self {
            clean: right.into(),
            certified: proved.into(),
            empirical_robust: (right && (proved || survives())).into(),
        }
    }

    fn add(self, other: Self) -> Self {
        Self {
            clean: self.clean + other.clean,
            empirical_robust: self.empirical_robust + other.empirical_robust,
            certified: self.certified + other.certified,
        }
    }
}

fn settings(radius: Ticks, seed: u32, index: usize) -> Settings {
    let seed = u64::from(seed) << 32 | index as u64;
    Settings::new(Attack::single(PGD), radius, Grid::Ticks, seed)
}

/// Whether an image keeps its label under the attack.
fn survives(
    classifier: &mut impl Classifier,
    image: &[u8],
    label: usize,
    settings: Settings,
) -> bool {
    let mut run = Run::new(classifier, image, label, settings).expect(RIGHT_SIZE);
    while !run.is_done() && run.misclassifications() == 0 {
        run.advance(classifier, LOOK);
    }
    run.misclassifications() == 0
}

fn median_microseconds<'a>(
    images: impl Iterator<Item = &'a [u8]>,
    mut evaluate: impl FnMut(&[u8]),
) -> f64 {
    let mut times: Vec<_> = images
        .map(|image| {
            let begun = Instant::now();
            evaluate(image);
            begun.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    // Clocks are not finer than this.
    (median as f64 / 100.0).round() / 10.0
}

impl Report {
    fn to_text(&self) -> String {
        let mut text = format!(
            "{}, {} test images, ε = {}; PGD: {} steps of {} ε, {} restarts\n\n\
             network               clean   under PGD   certified     kB   µs per image   layers\n",
            self.dataset,
            self.images,
            self.epsilon,
            self.attack.steps,
            self.attack.step_size,
            self.attack.restarts,
        );
        for network in &self.networks {
            text += &format!(
                "{:18} {:6.2} %    {:6.2} %    {:6.2} %   {:4}   {:12.1}   {}\n",
                network.name,
                100.0 * network.clean,
                100.0 * network.empirical_robust,
                100.0 * network.certified,
                network.bytes / 1000,
                network.microseconds_per_image,
                network.architecture,
            );
        }
        text
    }
}
