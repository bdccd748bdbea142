//! `linf teach`: a model that has learned a few more images.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::certify::{files, read_png, shape};
use super::output::check_target;
use super::target::write;
use super::{CliError, DatasetName, note, print_line, read_model, threads};
use crate::data::{Dataset, DatasetDescription, HELD_OUT, Split, sha256_hex};
use crate::exact::teach::{REMINDER_POOL, TeachConfig, Teaching, images_sha256};
use crate::exact::{
    Epsilon, Evaluation, ExactNet, ImageRecord, InputError, Levels, Model, certify_images,
};

/// Teach a finished model a few more images, in its own integers; says what it has learned and forgotten
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file (.safetensors)
    model: PathBuf,
    /// Folder of a folder for each class, named by the class or its number, with PNG images in it
    #[arg(long, value_name = "FOLDER")]
    images: PathBuf,
    /// Model file to write (.safetensors)
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
    /// Refuse other images than those of this SHA-256, which a taught model records
    #[arg(long, value_name = "DIGEST")]
    images_sha256: Option<String>,
    /// Radius that the labels are to be proved for, a decimal fraction of full scale [default: the model's]
    #[arg(long)]
    epsilon: Option<Epsilon>,
    /// Seed of the order in which images are shown
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The images are dark ink on white: take their negatives
    #[arg(long)]
    invert: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
    /// Folder that holds the data sets' folders
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Replace the model file if it exists
    #[arg(long)]
    force: bool,
}

/// What is printed. Radii are those of IBP, in pixel levels.
#[derive(Default, Serialize)]
struct Report {
    seed: u64,
    epsilon: String,
    /// Of the teaching alone, on one thread.
    seconds: f64,
    images_sha256: String,
    images: Vec<ImageReport>,
    /// Of `images`, those labelled rightly afterwards, and those proved at ε as well.
    learned: u64,
    certified: u64,
    /// Images that teaching did not use: the last of the training set.
    held_out: HeldOut,
    model_sha256: String,
}

#[derive(Serialize)]
struct ImageReport {
    file: String,
    label: u8,
    before: Answer,
    after: Answer,
}

/// What a network says of an image.
#[derive(Serialize)]
struct Answer {
    /// None in a tie.
    label: Option<usize>,
    ibp_radius_levels: Option<Levels>,
}

#[derive(Default, Serialize)]
struct HeldOut {
    images: u64,
    before: Counts,
    after: Counts,
    /// Images with another label than before.
    labels_changed: usize,
}

#[derive(Default, Serialize)]
struct Counts {
    clean: u64,
    certified_lipschitz: u64,
    certified_ibp: u64,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    check_target(&args.out, args.force)?;
    let (model, model_sha256) = read_model(&args.model)?;
    let Model { net, metadata } = &model;
    let dataset = DatasetName::recorded(&metadata.dataset, &args.model)?;
    let (files, new) = images(args, &model)?;
    let sha256 = images_sha256(&new);
    if let Some(expected) = &args.images_sha256
        && *expected != sha256
    {
        return Err(CliError::OtherTaughtImages {
            path: args.images.clone(),
            found: sha256,
            expected: expected.clone(),
        });
    }
    let training = dataset.load(&args.data_dir, Split::Train)?;
    let held_out = training.last(HELD_OUT);
    let before = training.first(REMINDER_POOL.min(training.len() - held_out.len()));

    let epsilon = args.epsilon.unwrap_or(metadata.epsilon);
    let config = TeachConfig::usual(net, epsilon, args.seed);
    let refused = |source| CliError::Teach {
        path: args.model.clone(),
        source,
    };
    let start = Instant::now();
    let mut teaching = Teaching::new(net, &new, Cow::Owned(before), config).map_err(refused)?;
    while !teaching.is_finished() {
        teaching.step().map_err(refused)?;
        note(format_args!(
            "pass {} of {}",
            teaching.passes_done(),
            config.passes
        ));
    }
    let learned = teaching.model(metadata, model_sha256, epsilon);
    let learned = learned.map_err(refused)?;
    let seconds = start.elapsed().as_secs_f64();

    let report = Report::new(net, &learned.net, epsilon, &files, &new, &held_out);
    let mut report = report.map_err(|source| CliError::Input {
        path: args.model.clone(),
        source,
    })?;
    let bytes = learned.to_bytes();
    write(&args.out, &bytes)?;
    report.seed = args.seed;
    report.seconds = seconds;
    report.images_sha256 = sha256;
    report.model_sha256 = sha256_hex(&bytes);
    match args.json {
        true => print_line(serde_json::to_string(&report).expect("it is plain data")),
        false => report.print(&args.out),
    }
    Ok(())
}

/// The files of the images to be taught, and the images: of every class that has a folder.
fn images(args: &Args, model: &Model) -> Result<(Vec<PathBuf>, Dataset), CliError> {
    let dataset = DatasetName::recorded(&model.metadata.dataset, &args.model)?;
    let description = dataset.description();
    let unreadable = |source| CliError::Read {
        path: args.images.clone(),
        source,
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(&args.images).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            let class = class_of(&path, description)?;
            folders.push((class, path));
        }
    }
    if folders.is_empty() {
        return Err(CliError::NoClassFolders {
            path: args.images.clone(),
        });
    }
    folders.sort();
    let mut all = Vec::new();
    let mut set = Dataset::empty(description.clone().into());
    for (class, folder) in folders {
        for file in files(&[folder])? {
            let image = read_png(&file, shape(model), args.invert)?;
            set.images.extend(image.levels);
            set.labels.push(class);
            all.push(file);
        }
    }
    Ok((all, set))
}

/// The class that a folder is named by: its number, or its name with a hyphen for each slash.
fn class_of(folder: &Path, description: &DatasetDescription) -> Result<u8, CliError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let mut classes = description.classes.iter();
    let named = classes.position(|class| class.replace('/', "-").eq_ignore_ascii_case(&name));
    let number = || {
        let number = name.parse::<usize>().ok();
        number.filter(|&number| number < description.classes.len())
    };
    let class = named
        .or_else(number)
        .and_then(|class| class.try_into().ok());
    class.ok_or_else(|| CliError::NoSuchClass {
        path: folder.into(),
        classes: description.classes.join(", "),
    })
}

impl Report {
    /// Measures both networks; what else is reported is for the caller to fill in.
    fn new(
        before: &ExactNet,
        after: &ExactNet,
        epsilon: Epsilon,
        files: &[PathBuf],
        new: &Dataset,
        held_out: &Dataset,
    ) -> Result<Self, InputError> {
        let records = |net: &ExactNet, set: &Dataset| {
            certify_images(net, &set.images, &set.labels, threads())
        };
        let radius = epsilon.ticks(after.scale());
        let answer = |net: &ExactNet, record: &ImageRecord| Answer {
            label: record.predicted,
            ibp_radius_levels: record.ibp_radius.map(|radius| radius.levels(net.scale())),
        };
        let counts = |records: &[ImageRecord]| {
            let counts = Evaluation::of(records, radius);
            Counts {
                clean: counts.clean,
                certified_lipschitz: counts.certified_lipschitz,
                certified_ibp: counts.certified_ibp,
            }
        };
        let (was, is) = (records(before, new)?, records(after, new)?);
        let images = files.iter().zip(was.iter().zip(&is));
        let images = images.map(|(file, (was, is))| ImageReport {
            file: file.display().to_string(),
            label: is.label,
            before: answer(before, was),
            after: answer(after, is),
        });
        let images = images.collect();
        let taught = Evaluation::of(&is, radius);
        let (was, is) = (records(before, held_out)?, records(after, held_out)?);
        let changed = was.iter().zip(&is);
        Ok(Self {
            epsilon: epsilon.to_string(),
            images,
            learned: taught.clean,
            certified: taught.certified_ibp,
            held_out: HeldOut {
                images: held_out.len() as u64,
                labels_changed: changed
                    .filter(|(was, is)| was.predicted != is.predicted)
                    .count(),
                before: counts(&was),
                after: counts(&is),
            },
            ..Self::default()
        })
    }

    fn print(&self, out: &Path) {
        for ImageReport {
            file,
            label,
            before,
            after,
        } in &self.images
        {
            let (before, after) = (before.to_text(), after.to_text());
            print_line(format!("{file} is {label}: {before}, now {after}"));
        }
        let Self {
            epsilon, held_out, ..
        } = self;
        print_line(format!(
            "{} of {} learned, {} certified at ε = {epsilon}, in {:.1} s",
            self.learned,
            self.images.len(),
            self.certified,
            self.seconds
        ));
        let HeldOut { before, after, .. } = held_out;
        print_line(format!(
            "of {} training images that teaching did not use: clean {} before, {} now; \
             certified (IBP) {} before, {} now; {} labels changed",
            held_out.images,
            before.clean,
            after.clean,
            before.certified_ibp,
            after.certified_ibp,
            held_out.labels_changed
        ));
        print_line(format!("{}: {}", out.display(), self.model_sha256));
    }
}

impl Answer {
    fn to_text(&self) -> String {
        let label = match self.label {
            Some(label) => label.to_string(),
            None => "a tie".to_owned(),
        };
        match self.ibp_radius_levels {
            Some(radius) => format!("{label} proved up to {} levels", radius.get()),
            None => label,
        }
    }
}
