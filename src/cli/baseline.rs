//! `linf baseline`: a network to compare with, from images to its file, in minutes.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use burn::tensor::Device;
use clap::Subcommand;

use super::interrupt::{self, Interrupt};
use super::output::check_target;
use super::target::{Lock, check_writable, make_folder_of, write};
use super::train::{Averages, key_and_value, progress_bar};
use super::{CliError, DatasetName, print_line, threads};
use crate::baseline::train::{Config, TrainError, Trainer};
use crate::baseline::{Accuracies, Metadata, Model, evaluate};
use crate::data::Split;
use crate::exact::Epsilon;

/// Train and measure baselines (ReLU) to compare with
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(TrainArgs),
    Measure(MeasureArgs),
}

/// Train one and write its file
#[derive(clap::Args)]
struct TrainArgs {
    /// File to write (.safetensors)
    model: PathBuf,
    /// Data set to train on
    #[arg(long, value_enum)]
    dataset: DatasetName,
    /// Folder that holds the data sets' folders
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// How it is trained: standard, adversarial or ibp
    #[arg(long)]
    recipe: String,
    /// Change a hyperparameter of the run or of its recipe, such as epochs=60 or kappa=0.4; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
    /// Train on all training images: none is held out to measure on
    #[arg(long)]
    all_images: bool,
    /// Go on from the checkpoint MODEL.checkpoint, with the arguments that the run was begun with
    #[arg(long)]
    resume: bool,
    /// Seed of the weights, the order of the images, the augmentation and the attack's starts
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Radius ε at which accuracies are measured on held-out images
    #[arg(long, default_value = "0.3")]
    epsilon: Epsilon,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// Measure one on the full test set and record its accuracies in its file
#[derive(clap::Args)]
struct MeasureArgs {
    /// File of the network (.safetensors)
    model: PathBuf,
    /// Data set whose test images are used
    #[arg(long, value_enum)]
    dataset: DatasetName,
    /// Folder that holds the data sets' folders
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Radius ε at which certified accuracy is measured
    #[arg(long, default_value = "0.3")]
    epsilon: Epsilon,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, CliError> {
    match &args.command {
        Command::Train(args) => train(args),
        Command::Measure(args) => measure(args),
    }
}

fn train(args: &TrainArgs) -> Result<ExitCode, CliError> {
    make_folder_of(&args.model)?;
    check_target(&args.model, args.force)?;
    let changes = args.set.iter();
    let named = changes.fold(Config::named(&args.recipe), |config, (key, value)| {
        config?.with(key, value)
    })?;
    let config = Config {
        dataset: args.dataset.as_str().into(),
        seed: args.seed,
        held_out: if args.all_images { 0 } else { named.held_out },
        ..named
    };
    let checkpoint = args.model.with_added_extension("checkpoint");
    let lock = Lock::take(&checkpoint)?;
    // A new run would write over one that was stopped.
    if !args.resume {
        check_target(&checkpoint, args.force)?;
    }
    check_writable(&checkpoint)?;
    let data = args.dataset.load(&args.data_dir, Split::Train)?;
    let mut trainer = match args.resume {
        false => Trainer::new(config, data, Device::flex()),
        true => Trainer::resume(config, data, Device::flex(), &super::read(&checkpoint)?),
    }
    .map_err(failed)?;
    let interrupt = Interrupt::listen("interrupted; saving")?;

    let threads = threads();
    let bar = progress_bar(trainer.iterations(), trainer.iteration());
    let mut epoch = Averages::default();
    while !trainer.is_finished() {
        if interrupt.is_requested() {
            write(&checkpoint, &trainer.checkpoint())?;
            bar.finish_and_clear();
            print_line(format!(
                "interrupted; add --resume to the same command to go on from {}",
                checkpoint.display()
            ));
            return Ok(ExitCode::from(interrupt::EXIT_CODE));
        }
        let report = trainer.step().map_err(failed)?;
        epoch.add(report.loss, report.accuracy);
        bar.set_position(trainer.iteration() as u64);
        if trainer
            .iteration()
            .is_multiple_of(trainer.iterations_per_epoch())
        {
            write(&checkpoint, &trainer.checkpoint())?;
            let line = describe_epoch(args, &trainer, &std::mem::take(&mut epoch), threads)?;
            // Unlike println, this prints where there is no terminal to draw a bar on, too.
            bar.suspend(|| print_line(line));
        }
    }
    bar.finish_and_clear();

    let plain = trainer.baseline_net().map_err(failed)?;
    let metadata = Metadata {
        dataset: args.dataset.as_str().into(),
        lineage: trainer.config().lineage(),
        accuracies: None,
    };
    let bytes = Model { plain, metadata }.to_bytes();
    write(&args.model, &bytes)?;
    // The run is over; that its checkpoint cannot be removed changes nothing.
    let _ = std::fs::remove_file(&checkpoint);
    lock.remove();
    print_line(format!("{}: {} bytes", args.model.display(), bytes.len()));
    Ok(ExitCode::SUCCESS)
}

fn failed(source: TrainError) -> CliError {
    CliError::Baseline { source }
}

/// A line about the epoch that just ended, with accuracies on the held-out images.
fn describe_epoch(
    args: &TrainArgs,
    trainer: &Trainer,
    averages: &Averages,
    threads: NonZeroUsize,
) -> Result<String, CliError> {
    let epoch = trainer.iteration() / trainer.iterations_per_epoch();
    let measured = format!(
        "epoch {epoch:3}  loss {:.4}  train {:5.2} %",
        averages.loss(),
        100.0 * averages.accuracy(),
    );
    if trainer.config().held_out == 0 {
        return Ok(measured);
    }
    let held_out = trainer.evaluate(args.epsilon, threads).map_err(failed)?;
    Ok(format!(
        "{measured}   held out: clean {:5.2} %, at ε = {} under \
         attack {:5.2} %, certified {:5.2} %",
        100.0 * held_out.clean,
        args.epsilon,
        100.0 * held_out.empirical,
        100.0 * held_out.certified,
    ))
}

fn measure(args: &MeasureArgs) -> Result<ExitCode, CliError> {
    let mut model = super::read_baseline(&args.model, &super::read(&args.model)?, args.dataset)?;
    args.dataset.same_as(&model.metadata.dataset, &args.model)?;
    check_writable(&args.model)?;
    let test = args.dataset.load(&args.data_dir, Split::Test)?;
    let threads = threads();
    let evaluation = evaluate(&model.plain, &test, args.epsilon, threads);
    let fraction = |count: usize| count as f64 / test.len() as f64;
    let accuracies = Accuracies {
        epsilon: args.epsilon,
        clean: fraction(evaluation.clean),
        certified: fraction(evaluation.certified),
    };
    model.metadata.accuracies = Some(accuracies);
    write(&args.model, &model.to_bytes())?;
    print_line(format!(
        "{} test images: clean {:.2} %, certified {:.2} % at ε = {}",
        test.len(),
        100.0 * accuracies.clean,
        100.0 * accuracies.certified,
        args.epsilon
    ));
    Ok(ExitCode::SUCCESS)
}
