//! `linf export`: from a checkpoint's floats to the exact integer network that ships.

use std::path::PathBuf;

use burn::tensor::{Device, read_sync};

use super::output::{Output, print_kept, refuse_existing, write_model};
use super::{CliError, DatasetName, print_line, train};
use crate::data::{Dataset, HELD_OUT};
use crate::exact::FloatNet;
use crate::exact::{Epsilon, ExactNet, Metadata, Model};
use crate::net::float_logits;
use crate::train::Trainer;

/// Fold, round and prune a checkpoint into an exact integer model
#[derive(clap::Args)]
pub(super) struct Args {
    /// Checkpoint written by `linf train`
    checkpoint: PathBuf,
    /// Model file to write (.safetensors)
    model: PathBuf,
    /// Units per pixel level, a power of two
    #[arg(long, default_value_t = 16)]
    scale: u32,
    /// Radius ε that is measured at and recorded in the file; the run's own unless given
    #[arg(long)]
    epsilon: Option<Epsilon>,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let is_checkpoint = args.model.canonicalize().ok() == args.checkpoint.canonicalize().ok();
    refuse_existing(&args.model, args.output.force && !is_checkpoint)?;
    let checkpoint = train::read_checkpoint(&args.checkpoint)?;
    let dataset = DatasetName::recorded(&checkpoint.config().dataset, &args.checkpoint)?;
    let trainer = train::restore(
        &checkpoint,
        dataset,
        &args.output.data_dir,
        &args.checkpoint,
        &Device::flex(),
    )?;
    let refuse = |source| train::unusable(&args.checkpoint, source);
    if !trainer.is_finished() {
        let (done, all) = (trainer.iteration(), trainer.schedule().iterations());
        eprintln!(
            "warning: the run is not finished ({done} of {all} iterations); the file records that"
        );
    }
    let float = read_sync(trainer.float_net(usize::MAX)).map_err(refuse)?;
    let net = ExactNet::quantize(&float, args.scale).map_err(|source| refuse(source.into()))?;
    print_line(format!(
        "rounded to 1/{} of a pixel level; no value on any image exceeds {} units",
        args.scale,
        net.max_magnitude()
    ))?;
    print_changed_labels(&float, &net, trainer.held_out())?;
    print_kept(&net)?;

    let epsilon = args.epsilon.unwrap_or(checkpoint.config().epsilon);
    let accuracies = (args.output).accuracies(&args.model, Ok(dataset), epsilon, &net)?;
    let metadata = Metadata {
        dataset: dataset.as_str().into(),
        epsilon,
        recipe: serde_json::to_string(checkpoint.config()).expect("a configuration is plain data"),
        seed: checkpoint.config().seed,
        command: command(args, epsilon, &trainer, checkpoint.has_few_weights()),
        accuracies,
    };
    write_model(&args.model, &Model { net, metadata })
}

/// Says how many held-out images the integer network labels otherwise than the floats did.
fn print_changed_labels(
    float: &FloatNet,
    net: &ExactNet,
    held_out: &Dataset,
) -> Result<(), CliError> {
    let mut evaluator = net.evaluator();
    let float_logits = float_logits(float, &held_out.images);
    let changed = float_logits
        .chunks_exact(net.classes())
        .enumerate()
        .filter(|(index, logits)| {
            let exact = evaluator
                .logits(held_out.image(*index))
                .expect("images of the net's size");
            largest(logits.iter().copied()) != largest(exact.iter().copied())
        });
    print_line(format!(
        "{} of {} held-out images change their label through rounding",
        changed.count(),
        held_out.len()
    ))
}

/// Index of the largest value, the first among equals.
fn largest<T: PartialOrd>(values: impl Iterator<Item = T>) -> Option<usize> {
    let better = |best: (usize, T), next: (usize, T)| if next.1 > best.1 { next } else { best };
    values.enumerate().reduce(better).map(|(index, _)| index)
}

/// How the record begins of a model that no command makes again.
pub(super) const NONE: &str = "none:";

/// What `linf train` is told to train the weights of a model.
pub(super) const REFINE: &str = "--finetune";

/// The commands that make the model again; whether the run dropped weights is told by its checkpoint.
fn command(args: &Args, epsilon: Epsilon, trainer: &Trainer, few_weights: bool) -> String {
    let config = trainer.config();
    let measure = args.output.measure_flag();
    let export = |run: &str| {
        format!(
            "linf export --scale {} --epsilon {epsilon}{measure} {run}/checkpoint.safetensors MODEL",
            args.scale
        )
    };
    let (preset, turned) = config.as_preset();
    // A run that refines takes the widths of its model. Brackets, braces and quotes mean something to a
    // shell.
    let refines = trainer.origin().is_some();
    let turned: String = turned
        .iter()
        .filter(|(hyperparameter, _)| !refines || hyperparameter != "hidden")
        .map(|(hyperparameter, value)| format!(" --set '{hyperparameter}={value}'"))
        .collect();
    let held_out = match config.held_out {
        HELD_OUT => String::new(),
        0 => " --all-images".into(),
        other => format!(" --set held_out={other}"),
    };
    // A GPU would have kept the weights that were dropped.
    let device = match few_weights && trainer.origin().is_none() {
        true => " --device cpu",
        false => "",
    };
    let train = format!(
        "--dataset {} --preset {preset}{turned} --seed {}{held_out}{device}",
        config.dataset, config.seed
    );
    let (train, export) = match trainer.origin() {
        None => (format!("linf train {train} --out RUN"), export("RUN")),
        // The model that was finetuned was in the file that this one replaces.
        Some(origin) => {
            let run = format!(
                "RUN{}",
                "/finetuned".repeat(1 + origin.matches(REFINE).count())
            );
            let train = format!("{origin} && linf train {REFINE} MODEL {train} --out {run}");
            (train, export(&run) + " --force")
        }
    };
    // What the run held out is told all the same: `linf eval --held-out` reads it here.
    if !trainer.is_finished() {
        let (done, all) = (trainer.iteration(), trainer.schedule().iterations());
        format!("{NONE} interrupted after {done} of {all} iterations: {train} && {export}")
    } else if !config.changed_at.is_empty() {
        format!("{NONE} hyperparameters were turned during the run: {train} && {export}")
    } else {
        format!("{train} && {export}")
    }
}
