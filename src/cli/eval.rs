//! `linf eval`: measures accuracies and mean radii through the integer network, over the whole test set
//! or the images held out of training.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;

use super::measured::MeasuredOn;
use super::network::file_stem;
use super::output::check_target;
use super::own_data::OwnData;
use super::target::write;
use super::{CliError, DatasetName, note, print, print_line, read_model, threads};
use crate::data::{Dataset, Split};
use crate::exact::{
    BranchAndBound, Epsilon, Evaluation, ImageRecord, MAX_LEVEL, Model, branch_and_bound,
    certify_images,
};
use crate::measure::{ImagesFile, images_csv, images_json};
use crate::train::lineage;

/// Measure clean and certified accuracy on the full test set, or on held-out images
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file (.safetensors)
    #[arg(long)]
    model: PathBuf,
    /// Data set whose images are used: the one that the model was trained on
    #[arg(
        long,
        value_enum,
        required_unless_present = "data",
        conflicts_with = "data"
    )]
    dataset: Option<DatasetName>,
    /// Folder that holds the data sets' folders
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Measure a model of another data set all the same
    #[arg(long, conflicts_with = "data")]
    other_dataset: bool,
    #[command(flatten)]
    own: OwnData,
    /// Radius ε as a decimal fraction of full scale, such as 0.3; give it several times for several radii
    #[arg(long, required = true)]
    epsilon: Vec<Epsilon>,
    /// Measure on the training images that the model's run held out, instead of the test set: to choose
    /// among networks
    #[arg(long)]
    held_out: bool,
    /// Where IBP fails, run branch and bound with at most N splits per image
    #[arg(long, value_name = "N")]
    splits: Option<usize>,
    /// Write a line for every image: its label, the network's, margin and both radii, in ticks and levels;
    /// as CSV, or as JSON if FILE ends in .json
    #[arg(long, value_name = "FILE.csv")]
    per_image: Option<PathBuf>,
    /// Replace the file of --per-image if it exists
    #[arg(long)]
    force: bool,
    /// Print JSON: one object a line for each ε
    #[arg(long)]
    json: bool,
}

/// What is printed: accuracies are fractions of all images, mean radii are over all images.
#[derive(Serialize)]
struct Report {
    /// Only where it is so: the images are not the test set.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    held_out: bool,
    /// Whether the images are somebody's own.
    #[serde(skip)]
    own: bool,
    images: u64,
    dataset: String,
    epsilon: String,
    clean: f64,
    certified_lipschitz: f64,
    certified_ibp: f64,
    mean_lipschitz_radius_levels: f64,
    mean_ibp_radius_levels: f64,
    model_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch_and_bound: Option<BranchAndBoundReport>,
}

/// What branch and bound adds: fractions of all images.
#[derive(Serialize)]
struct BranchAndBoundReport {
    splits: usize,
    tried: f64,
    by_pairwise_margins: f64,
    by_splitting: f64,
    certified: f64,
    /// Time of one thread per tried image.
    milliseconds_per_image: f64,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let per_image = match &args.per_image {
        Some(path) => Some((path, images_writer(path)?)),
        None => None,
    };
    if let Some((path, _)) = per_image {
        check_target(path, args.force)?;
    }
    let (model, model_sha256) = read_model(&args.model)?;
    let (measured, first, split) = match args.dataset {
        Some(dataset) => described(args, dataset, &model)?,
        None => own(args, &model)?,
    };
    let name = &measured.description.name;
    let (images, labels) = (&measured.images, &measured.labels);
    let threads = threads();
    let refused = |source| CliError::Input {
        path: args.model.clone(),
        source,
    };
    let net = &model.net;
    let records = certify_images(net, images, labels, threads).map_err(refused)?;
    for (index, &epsilon) in args.epsilon.iter().enumerate() {
        let evaluation = Evaluation::of(&records, epsilon.ticks(net.scale()));
        let mut report = Report::new(
            (args, name),
            epsilon,
            &model,
            evaluation,
            model_sha256.clone(),
        );
        if let Some(splits) = args.splits {
            let start = Instant::now();
            let beyond = branch_and_bound(net, images, labels, epsilon, splits, threads);
            let beyond = beyond.map_err(refused)?;
            let seconds = start.elapsed().as_secs_f64() * threads.get() as f64;
            report.branch_and_bound = Some(BranchAndBoundReport::new(
                splits, evaluation, beyond, seconds,
            ));
        }
        if args.json {
            let json = serde_json::to_string(&report).expect("strings and numbers are JSON");
            print_line(json);
        } else {
            let head = match index {
                0 => report.head(&model),
                _ => String::new(),
            };
            print(head + &report.figures());
        }
    }
    if let Some((path, to_text)) = per_image {
        let file = ImagesFile {
            network: file_stem(&args.model),
            model_sha256,
            dataset: name.clone(),
            split,
            first,
            scale: net.scale(),
            members: net.members(),
        };
        write(path, to_text(&file, &records).as_bytes())?;
    }
    Ok(())
}

/// What writes the records of images as text.
type ImagesWriter = fn(&ImagesFile, &[ImageRecord]) -> String;

/// The writer for a file with that ending.
fn images_writer(path: &Path) -> Result<ImagesWriter, CliError> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => Ok(images_csv),
        Some("json") => Ok(images_json),
        _ => Err(CliError::Ending {
            path: path.into(),
            endings: ".csv and .json",
        }),
    }
}

/// The images of a described data set that are measured on, the number of the first of them, and of what
/// they are a part.
fn described(
    args: &Args,
    dataset: DatasetName,
    model: &Model,
) -> Result<(Dataset, usize, Split), CliError> {
    let on = MeasuredOn {
        dataset,
        data_dir: args.data_dir.clone(),
        other_dataset: args.other_dataset,
    };
    on.check(&model.metadata.dataset, &args.model)?;
    match args.held_out {
        false => Ok((on.load(Split::Test)?, 0, Split::Test)),
        true => {
            dataset.same_as(&model.metadata.dataset, &args.model)?;
            held_out(args, model, on.load(Split::Train)?)
        }
    }
}

/// The same of images of one's own, with the labels that the model has for their classes.
fn own(args: &Args, model: &Model) -> Result<(Dataset, usize, Split), CliError> {
    let recorded = lineage::last_run(&model.metadata.lineage).and_then(lineage::origin);
    let images = args.own.load(recorded.as_ref())?;
    let mut data = images.expect("clap asks for them").data;
    let found = data.description.imported.as_ref();
    let same = recorded.is_some_and(|run| found.is_some_and(|found| found.sha256 == run.sha256));
    relabel(&mut data, model, &args.model)?;
    match (args.held_out, same) {
        (false, false) => Ok((data, 0, Split::Test)),
        (false, true) => {
            note(format_args!(
                "warning: {} was trained on most of these images; --held-out measures on the others",
                args.model.display()
            ));
            Ok((data, 0, Split::Train))
        }
        (true, true) => held_out(args, model, data),
        (true, false) => Err(CliError::OtherOwnImages {
            path: args.model.clone(),
        }),
    }
}

/// Gives the images the labels that the model has for classes of these names.
fn relabel(data: &mut Dataset, model: &Model, path: &Path) -> Result<(), CliError> {
    let names = model.class_names();
    let label = |class: &String| {
        let label = names.iter().position(|name| name == class);
        let label = label.and_then(|label| u8::try_from(label).ok());
        label.ok_or_else(|| CliError::OtherClass {
            path: path.into(),
            class: class.clone(),
            classes: names.join(", "),
        })
    };
    let classes = data.description.classes.iter();
    let labels = classes.map(label).collect::<Result<Vec<_>, _>>()?;
    for one in &mut data.labels {
        *one = labels[usize::from(*one)];
    }
    Ok(())
}

/// The training images that none of the runs behind a model has seen, as [`described`] gives them.
fn held_out(
    args: &Args,
    model: &Model,
    data: Dataset,
) -> Result<(Dataset, usize, Split), CliError> {
    let unseen = lineage::held_out(&model.metadata.lineage);
    if unseen == 0 {
        return Err(CliError::NoneHeldOut {
            path: args.model.clone(),
        });
    }
    let unseen = usize::try_from(unseen).map_or(data.len(), |unseen| unseen.min(data.len()));
    let (seen, unseen) = data.hold_out(unseen);
    Ok((unseen, seen.len(), Split::Train))
}

impl Report {
    fn new(
        (args, dataset): (&Args, &str),
        epsilon: Epsilon,
        model: &Model,
        evaluation: Evaluation,
        model_sha256: String,
    ) -> Self {
        // Sums and counts are whole numbers far below 2⁵³: each figure is rounded once.
        let images = evaluation.images as f64;
        let scale = f64::from(model.net.scale());
        let accuracies = evaluation.accuracies();
        let mean_radius = |sum: u64| sum as f64 / (images * scale);
        Self {
            held_out: args.held_out,
            own: args.dataset.is_none(),
            images: evaluation.images,
            dataset: dataset.into(),
            epsilon: epsilon.to_string(),
            clean: accuracies.clean,
            certified_lipschitz: accuracies.certified_lipschitz,
            certified_ibp: accuracies.certified_ibp,
            mean_lipschitz_radius_levels: mean_radius(evaluation.radius_lipschitz),
            mean_ibp_radius_levels: mean_radius(evaluation.radius_ibp),
            model_sha256,
            branch_and_bound: None,
        }
    }

    /// What does not depend on ε.
    fn head(&self, model: &Model) -> String {
        let widths: Vec<_> = model
            .net
            .architecture()
            .iter()
            .map(usize::to_string)
            .collect();
        let members = match model.net.members() {
            1 => String::new(),
            members => format!(" in {members} members"),
        };
        let weights = model.net.weights_kept();
        let kept: usize = weights.iter().map(|(kept, _)| kept).sum();
        // Between the nets of an ensemble there never were any.
        let total = match model.net.members() {
            1 => format!(
                " of {}",
                weights.iter().map(|(_, total)| total).sum::<usize>()
            ),
            _ => String::new(),
        };
        format!(
            "net      {}{members}, {kept}{total} weights kept, 1/{} of a pixel level per tick\n\
             model    sha256 {}\n",
            widths.join("-"),
            model.net.scale(),
            self.model_sha256,
        )
    }

    /// The figures at ε.
    fn figures(&self) -> String {
        let beyond = self.branch_and_bound.as_ref().map_or_else(String::new, |beyond| {
            format!(
                "certified (branch and bound)  {:6.2} %   by pairwise margins {:.2} %, by splitting {:.2} %, of {:.2} % tried; {:.1} ms each\n",
                100.0 * beyond.certified,
                100.0 * beyond.by_pairwise_margins,
                100.0 * beyond.by_splitting,
                100.0 * beyond.tried,
                beyond.milliseconds_per_image,
            )
        });
        let full_scale = f64::from(MAX_LEVEL);
        let text = format!(
            "{} {}, {} images, ε = {}\n\
             clean accuracy                {:6.2} %\n\
             certified (Lipschitz)         {:6.2} %   mean radius {:.4}\n\
             certified (IBP)               {:6.2} %   mean radius {:.4}\n",
            match (self.held_out, self.own) {
                (true, _) => "held out",
                (false, false) => "test set",
                (false, true) => "images",
            },
            self.dataset,
            self.images,
            self.epsilon,
            100.0 * self.clean,
            100.0 * self.certified_lipschitz,
            self.mean_lipschitz_radius_levels / full_scale,
            100.0 * self.certified_ibp,
            self.mean_ibp_radius_levels / full_scale,
        );
        text + &beyond
    }
}

impl BranchAndBoundReport {
    fn new(splits: usize, evaluation: Evaluation, beyond: BranchAndBound, seconds: f64) -> Self {
        let images = evaluation.images as f64;
        let certified = evaluation.certified_ibp + beyond.by_pairwise_margins + beyond.by_splitting;
        Self {
            splits,
            tried: beyond.tried as f64 / images,
            by_pairwise_margins: beyond.by_pairwise_margins as f64 / images,
            by_splitting: beyond.by_splitting as f64 / images,
            certified: certified as f64 / images,
            milliseconds_per_image: 1000.0 * seconds / (beyond.tried as f64).max(1.0),
        }
    }
}
