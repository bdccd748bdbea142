//! `linf train`: a training run in the terminal, with checkpoints that it can go on from.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::tensor::{Device, read_sync};
use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt::{self, Interrupt};
use super::own_data::{Images, OwnData};
use super::target::{Lock, check_writable, make_folder_of, write};
use super::{CliError, DatasetName, note, print_line, read, read_model, threads};
use crate::data::Origin;
use crate::exact::{Accuracies, Arguments, ExactNet, Lineage, Metadata, Model, Operation, Parent};
use crate::train::lineage::held_out;
use crate::train::{
    Checkpoint, ConfigError, DeviceChoice, Processor, StepReport, TrainConfig, TrainError, Trainer,
};

/// Train a net and keep checkpoints
#[derive(clap::Args)]
pub(super) struct Args {
    /// Data set to train on; its test images are never looked at
    #[arg(
        long,
        value_enum,
        required_unless_present = "data",
        conflicts_with = "data"
    )]
    dataset: Option<DatasetName>,
    #[command(flatten)]
    own: OwnData,
    /// Folder that holds the data sets' folders
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Named set of hyperparameters: tiny, look, quick, standard, standard-0.1, hinge, look-fashion, fashion,
    /// or, with --finetune, finetune, finetune-0.1 or finetune-fashion; a resumed run needs none, such as one
    /// begun in the page
    #[arg(long, required_unless_present = "resume")]
    preset: Option<String>,
    /// Change a hyperparameter of the preset, as often as you like: epsilon_train=0.36, hidden=[512,512], batch=256
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value, requires = "preset")]
    set: Vec<(String, String)>,
    /// Train on the weights that this model has, and no others: one that `linf export` or `linf prune`
    /// wrote. The fewer it has, the less time an epoch takes. On the CPU only. With --resume it is not
    /// looked at again
    #[arg(long, value_name = "MODEL", requires = "preset")]
    finetune: Option<PathBuf>,
    /// Seed of the weights, the order of the images and the augmentation
    #[arg(long, default_value_t = 0, requires = "preset")]
    seed: u64,
    /// Folder for checkpoint.safetensors and log.csv
    #[arg(long, default_value = "runs/latest")]
    out: PathBuf,
    /// Go on from the checkpoint in the folder
    #[arg(long)]
    resume: bool,
    /// What to train on; `auto` takes the GPU if there is one, and no software that stands in for one
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceName,
    /// Train on all images of the training set, with none held out to measure on
    #[arg(long, requires = "preset")]
    all_images: bool,
    /// Measure the held-out images and save a checkpoint after every so many epochs, and at the end:
    /// of a wide net on a fast GPU both take longer than the epoch
    #[arg(long, value_name = "EPOCHS", default_value = "1")]
    every: NonZeroUsize,
}

impl Args {
    /// Whether `--set` turns this hyperparameter.
    fn sets(&self, name: &str) -> bool {
        self.set
            .iter()
            .any(|(hyperparameter, _)| hyperparameter == name)
    }
}

/// The names of devices on the command line.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum DeviceName {
    Auto,
    Cpu,
    Gpu,
}

/// Iterations between two looks at what they did, which a GPU has to be waited for.
const READ_EVERY: usize = 10;
/// Images that the running means are estimated over for the log; export uses all that were
/// trained on.
const LOG_MEANS: usize = 10_000;
/// Name of the checkpoint in the run's folder.
const CHECKPOINT: &str = "checkpoint.safetensors";
const LOG: &str = "log.csv";
const LOG_HEADER: &str = "epoch,iteration,p,learning_rate,lambda,loss,training_accuracy,weights,clean,certified_lipschitz,certified_ibp,weights_kept\n";

pub(super) fn run(args: &Args) -> Result<ExitCode, CliError> {
    let path = args.out.join(CHECKPOINT);
    // Before a folder is made.
    if args.resume && !path.exists() {
        read(&path)?;
    }
    let recorded = match args.resume && args.own.is_given() {
        true => recorded(&path)?,
        false => None,
    };
    let images = Images::of(args.dataset, &args.own, recorded.as_ref())?;
    configuration(args, &images)?;
    make_folder_of(&path)?;
    let _lock = Lock::take(&path)?;
    check_writable(&path)?;
    let (mut trainer, processor) = if args.resume {
        resume(args, &images, &path)?
    } else {
        start(args, &images, &path)?
    };
    let info = processor.info();
    note(format_args!("training on: {}. {}", info.name, info.why));
    let interrupt = Interrupt::listen("interrupted; the run is being saved")?;
    if !args.resume {
        // Whatever ends the run from here on, --resume goes on with it.
        save(&path, &trainer)?;
    }

    let per_epoch = trainer.iterations_per_epoch();
    let last = trainer.schedule().iterations();
    let bar = progress_bar(last, trainer.iteration());
    let mut epoch = Averages::default();
    while !trainer.is_finished() && !interrupt.is_requested() {
        let reports = match steps(&mut trainer, &processor) {
            Ok(reports) => reports,
            Err(source) => {
                bar.abandon();
                return Err(training(&path, source));
            }
        };
        for report in &reports {
            epoch.add(report.loss, report.accuracy);
        }
        bar.set_position(trainer.iteration() as u64);
        let report = reports.last().expect("at least one step was done");
        bar.set_message(describe(report));
        if trainer.iteration() % per_epoch == 0 {
            let due = (trainer.iteration() / per_epoch).is_multiple_of(args.every.get());
            let look = due || trainer.is_finished();
            if look {
                save(&path, &trainer)?;
            }
            let line = log_epoch(args, &trainer, report, &std::mem::take(&mut epoch), look)?;
            // Unlike println, this prints where there is no terminal to draw a bar on, too.
            bar.suspend(|| print_line(line));
        }
    }
    bar.finish_and_clear();
    save(&path, &trainer)?;
    let (done, code) = match trainer.is_finished() {
        true => ("finished", ExitCode::SUCCESS),
        false => (
            "interrupted; --resume goes on",
            ExitCode::from(interrupt::EXIT_CODE),
        ),
    };
    print_line(format!(
        "{} of {last} iterations, {done}: {}",
        trainer.iteration(),
        path.display()
    ));
    Ok(code)
}

/// Opens the device, once nothing else is left that could be refused: some graphics drivers write to
/// the terminal.
fn processor(device: DeviceName) -> Result<Processor, CliError> {
    let choice = match device {
        DeviceName::Auto => DeviceChoice::Auto,
        DeviceName::Cpu => DeviceChoice::Cpu,
        DeviceName::Gpu => DeviceChoice::Webgpu,
    };
    read_sync(Processor::open(choice)).map_err(|source| CliError::Begin {
        source: source.into(),
    })
}

/// Trains until the next look, at the end of an epoch at the latest, and says what was done.
fn steps(trainer: &mut Trainer, processor: &Processor) -> Result<Vec<StepReport>, TrainError> {
    loop {
        trainer.step()?;
        let done = trainer.iteration();
        let per_epoch = trainer.iterations_per_epoch();
        if done.is_multiple_of(READ_EVERY) || done.is_multiple_of(per_epoch) {
            let reports = read_sync(trainer.read())?;
            processor.check()?;
            return Ok(reports);
        }
    }
}

/// The two sides of `KEY=VALUE`.
pub(super) fn key_and_value(word: &str) -> Result<(String, String), String> {
    let (hyperparameter, value) = word
        .split_once('=')
        .ok_or("a hyperparameter is turned as in epsilon_train=0.36")?;
    // Silently, the options would win.
    if matches!(hyperparameter, "dataset" | "seed" | "recipe") {
        return Err(format!("that is what --{hyperparameter} is for"));
    }
    Ok((hyperparameter.into(), value.into()))
}

/// The configuration that the arguments ask for, if they name a preset, with every hyperparameter in range.
fn configuration(args: &Args, images: &Images) -> Result<Option<TrainConfig>, CliError> {
    let Some(preset) = &args.preset else {
        return Ok(None);
    };
    if let Images::Own(own) = images
        && args.sets("held_out")
    {
        let held_out = own.held_out;
        return Err(CliError::OwnHeldOut { held_out });
    }
    let refused = |source: ConfigError| CliError::Begin {
        source: source.into(),
    };
    let preset = TrainConfig::preset(preset).map_err(refused)?;
    // What suits the images is found out for the preset, so what is set is set afterwards.
    let mut hyperparameters = args.set.iter();
    let config = hyperparameters
        .try_fold(
            images.configure(preset),
            |config, (hyperparameter, value)| config.with(hyperparameter, value),
        )
        .map_err(refused)?;
    let config = TrainConfig {
        dataset: images.name().into(),
        seed: args.seed,
        held_out: if args.all_images { 0 } else { config.held_out },
        ..config
    };
    config.check().map_err(refused)?;
    Ok(Some(config))
}

fn start(args: &Args, images: &Images, path: &Path) -> Result<(Trainer, Processor), CliError> {
    let config =
        configuration(args, images)?.expect("clap asks for a preset unless a run is resumed");
    if path.exists() {
        return Err(CliError::RunExists { path: path.into() });
    }
    let log = args.out.join(LOG);
    if log.exists() {
        return Err(CliError::LogExists { path: log });
    }
    let data = images.training(&args.data_dir)?;
    let begin = |source| CliError::Begin { source };
    let (trainer, processor) = match &args.finetune {
        None => {
            let processor = processor(args.device)?;
            let device = processor.device().clone();
            let trainer = Trainer::new(config, data, device).map_err(begin)?;
            (trainer, processor)
        }
        Some(path) => {
            let device = match args.device {
                DeviceName::Auto | DeviceName::Cpu => DeviceName::Cpu,
                DeviceName::Gpu => return Err(begin(TrainError::PrunedOnGpu)),
            };
            let (Model { net, metadata }, sha256) = read_model(path)?;
            let config = finetuned((args, images), config, path, &net, &metadata)?;
            let lineage = metadata.lineage;
            let parent = Parent {
                sha256: Some(sha256),
                lineage,
            };
            let trainer = Trainer::finetune(config, (&net, parent), data).map_err(begin)?;
            // Before hours are spent on what could not be written.
            let lineage = trainer.lineage().map_err(begin)?;
            let sha256 = None;
            let parents = vec![Parent { sha256, lineage }];
            Lineage::new(Operation::Export, Arguments::new(), None, parents)
                .map_err(|source| CliError::Lineage { source })?;
            (trainer, processor(device)?)
        }
    };
    Ok((trainer, processor))
}

/// The configuration for the model at `path`, whose widths it takes unless it was given others.
fn finetuned(
    (args, images): (&Args, &Images),
    config: TrainConfig,
    path: &Path,
    net: &ExactNet,
    metadata: &Metadata,
) -> Result<TrainConfig, CliError> {
    images.same_as(&metadata.dataset, path)?;
    if held_out(&metadata.lineage) < config.held_out as u64 {
        note(format_args!(
            "warning: {} was trained on images that are held out now, or does not tell: what is measured on them says nothing",
            path.display()
        ));
    }
    if args.sets("hidden") {
        return Ok(config);
    }
    let widths = net.architecture();
    let hidden = widths[1..widths.len() - 1].to_vec();
    Ok(TrainConfig { hidden, ..config })
}

/// What the checkpoint of a run records of its images, if they are somebody's own.
fn recorded(path: &Path) -> Result<Option<Origin>, CliError> {
    let checkpoint = read_checkpoint(path)?;
    let imported = checkpoint.imported();
    Ok(imported.and_then(|description| description.imported.clone()))
}

fn resume(args: &Args, images: &Images, path: &Path) -> Result<(Trainer, Processor), CliError> {
    let checkpoint = read_checkpoint(path)?;
    let begun = checkpoint.config();
    let mut asked = configuration(args, images)?.unwrap_or_else(|| TrainConfig {
        dataset: images.name().into(),
        ..begun.clone()
    });
    // A run that finetunes a model has its widths, unless it was given others.
    if checkpoint.parent().is_some() && !args.sets("hidden") {
        asked.hidden.clone_from(&begun.hidden);
    }
    if let Some((hyperparameter, asked, begun)) = asked.difference(begun) {
        return Err(CliError::OtherRun {
            path: path.into(),
            hyperparameter,
            asked,
            begun,
        });
    }
    let choice = match args.device {
        DeviceName::Auto if checkpoint.has_few_weights() => DeviceName::Cpu,
        choice => choice,
    };
    let processor = processor(choice)?;
    let device = processor.device();
    let trainer = restore(&checkpoint, images, &args.data_dir, path, device)?;
    forget_after(trainer.iteration(), &args.out.join(LOG))?;
    Ok((trainer, processor))
}

pub(super) fn read_checkpoint(path: &Path) -> Result<Checkpoint, CliError> {
    parse_checkpoint(path, &read(path)?)
}

/// The checkpoint in the bytes of the file at `path`.
pub(super) fn parse_checkpoint(path: &Path, bytes: &[u8]) -> Result<Checkpoint, CliError> {
    Checkpoint::from_bytes(bytes).map_err(|source| unusable(path, source.into()))
}

pub(super) fn restore(
    checkpoint: &Checkpoint,
    images: &Images,
    data_dir: &Path,
    path: &Path,
    device: &Device,
) -> Result<Trainer, CliError> {
    let data = images.training(data_dir)?;
    Trainer::restore(checkpoint, data, device.clone()).map_err(|source| unusable(path, source))
}

/// A checkpoint that nothing can be made of.
pub(super) fn unusable(path: &Path, source: TrainError) -> CliError {
    CliError::Checkpoint {
        path: path.into(),
        source,
    }
}

/// A run that broke off, and what is left of it.
fn training(checkpoint: &Path, source: TrainError) -> CliError {
    let left = match checkpoint.exists() {
        true => format!("the last good checkpoint is {}", checkpoint.display()),
        false => "no checkpoint was written yet".into(),
    };
    CliError::Train { left, source }
}

/// Loss and accuracy over the epoch so far.
#[derive(Default)]
pub(super) struct Averages {
    loss: f64,
    accuracy: f64,
    steps: u32,
}

impl Averages {
    pub(super) fn add(&mut self, loss: f32, accuracy: f32) {
        self.loss += f64::from(loss);
        self.accuracy += f64::from(accuracy);
        self.steps += 1;
    }

    pub(super) fn loss(&self) -> f64 {
        self.loss / f64::from(self.steps)
    }

    pub(super) fn accuracy(&self) -> f64 {
        self.accuracy / f64::from(self.steps)
    }
}

/// Adds a line to log.csv and returns one for the terminal, with what the held-out images say if
/// they are to be looked at.
fn log_epoch(
    args: &Args,
    trainer: &Trainer,
    report: &StepReport,
    averages: &Averages,
    look: bool,
) -> Result<String, CliError> {
    let (loss, accuracy) = (averages.loss(), averages.accuracy());
    let epoch = trainer.iteration() / trainer.iterations_per_epoch();
    let settings = report.settings;
    let mut csv = format!(
        "{epoch},{},{},{},{},{loss},{accuracy},{}",
        trainer.iteration(),
        settings.norm.p(),
        settings.learning_rate,
        settings.lambda,
        trainer.weights(),
    );
    let mut line = format!(
        "epoch {epoch:3}  p {:6.1}  loss {loss:.4}  train {:5.2} %",
        settings.norm.p(),
        100.0 * accuracy
    );
    if look && trainer.config().held_out > 0 {
        let threads = threads();
        let held_out = trainer.evaluate(trainer.config().epsilon, LOG_MEANS, threads);
        let held_out =
            read_sync(held_out).map_err(|source| training(&args.out.join(CHECKPOINT), source))?;
        let Accuracies {
            clean,
            certified_lipschitz: lipschitz,
            certified_ibp: interval,
        } = held_out.evaluation.accuracies();
        csv += &format!(",{clean},{lipschitz},{interval},{}", held_out.weights_kept);
        line += &format!(
            "   held out at p = ∞: clean {:5.2} %, certified at {} {:5.2} % (Lipschitz), {:5.2} % (IBP); {:.1} % of weights",
            100.0 * clean,
            trainer.config().epsilon,
            100.0 * lipschitz,
            100.0 * interval,
            100.0 * held_out.weights_kept,
        );
    } else {
        csv += ",,,,";
    }
    append(&args.out.join(LOG), &(csv + "\n"))?;
    Ok(line)
}

/// Drops the lines of the log that are later than the checkpoint: what they say will be done again.
fn forget_after(iteration: usize, path: &Path) -> Result<(), CliError> {
    if !path.exists() {
        return Ok(());
    }
    let log = read(path)?;
    let log = String::from_utf8_lossy(&log);
    let done = log.lines().filter(|line| {
        let number = line.split(',').nth(1).map(str::parse::<usize>);
        // The header has no number.
        !matches!(number, Some(Ok(at)) if at > iteration)
    });
    let done: String = done.map(|line| format!("{line}\n")).collect();
    write(path, done.as_bytes())
}

fn append(path: &Path, line: &str) -> Result<(), CliError> {
    let new = !path.exists();
    let write = || {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?;
        if new {
            file.write_all(LOG_HEADER.as_bytes())?;
        }
        file.write_all(line.as_bytes())
    };
    write().map_err(|source| CliError::Write {
        path: path.into(),
        source,
    })
}

/// Replaces the checkpoint in one step, so that a crash leaves the old one or the new one.
///
/// Weights that are not finite are refused, so the checkpoint there is the last good one.
fn save(path: &Path, trainer: &Trainer) -> Result<(), CliError> {
    let checkpoint = read_sync(trainer.checkpoint()).map_err(|source| training(path, source))?;
    write(path, &checkpoint.to_bytes())
}

fn describe(report: &StepReport) -> String {
    let settings = report.settings;
    format!(
        "p {:.1}, λ {:.4}, rate {:.4}, loss {:.4}, {:.1} % of the batch",
        settings.norm.p(),
        settings.lambda,
        settings.learning_rate,
        report.loss,
        100.0 * report.accuracy
    )
}

pub(super) fn progress_bar(iterations: usize, done: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:30} {pos}/{len} [{elapsed} done, {eta} left, {per_sec}] {msg}",
    );
    let bar =
        ProgressBar::new(iterations as u64).with_style(style.expect("the template is well-formed"));
    bar.set_position(done as u64);
    bar.reset_eta();
    bar
}
