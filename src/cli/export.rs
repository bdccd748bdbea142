//! `linf export`: from a checkpoint's floats to the exact integer network that ships, and from there to
//! the formats of others (`formats`).

use std::path::PathBuf;

use burn::tensor::{Device, read_sync};

use super::formats::Formats;
use super::output::{Output, check_target, print_kept, write_model};
use super::own_data::{Images, OwnData};
use super::{CliError, DatasetName, note, print_line, read, train};
use crate::data::{Dataset, sha256_hex};
use crate::exact::{Epsilon, ExactNet, FloatNet, Metadata, Model, Operation, Parent};
use crate::net::float_logits;

/// Arguments of an export in a lineage.
pub(super) const SCALE: &str = "scale";
pub(super) const EPSILON: &str = "epsilon";

/// Quantize and prune a checkpoint into an exact integer model, or write a model in another format
#[derive(clap::Args)]
#[command(override_usage = "linf export CHECKPOINT MODEL [OPTIONS]\n       \
    linf export MODEL --onnx FILE [--form compact|verifier]\n       \
    linf export MODEL --vnnlib FOLDER --images 0..99 --epsilon 0.3\n       \
    linf export MODEL --safetensors-f32 FILE\n       \
    linf export MODEL --json FILE")]
#[command(mut_arg("measure", |measure| measure.conflicts_with("format")))]
#[command(mut_arg("data", |data| data.conflicts_with("format")))]
pub(super) struct Args {
    /// Checkpoint written by `linf train`; with --onnx and its like a model
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Model file to write (.safetensors)
    #[arg(required_unless_present = "format", conflicts_with = "format")]
    model: Option<PathBuf>,
    #[command(flatten)]
    formats: Formats,
    /// Ticks per pixel level, a power of two
    #[arg(long, default_value_t = 16, conflicts_with = "format")]
    scale: u32,
    /// Radius ε that is measured at and recorded in the file, the run's own unless given; with --vnnlib that
    /// of the properties
    #[arg(long, conflicts_with_all = ["onnx", "safetensors_f32", "json"])]
    epsilon: Option<Epsilon>,
    #[command(flatten)]
    own: OwnData,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let Some(model) = &args.model else {
        return args
            .formats
            .write(&args.checkpoint, args.epsilon, &args.output);
    };
    let is_checkpoint = model.canonicalize().ok() == args.checkpoint.canonicalize().ok();
    check_target(model, args.output.force && !is_checkpoint)?;
    let bytes = read(&args.checkpoint)?;
    let checkpoint = train::parse_checkpoint(&args.checkpoint, &bytes)?;
    let images = match checkpoint.imported() {
        None => Images::Described(DatasetName::recorded(
            &checkpoint.config().dataset,
            &args.checkpoint,
        )?),
        Some(described) => {
            let own = args.own.load(described.imported.as_ref())?;
            let own = own.ok_or_else(|| CliError::OwnImages {
                path: args.checkpoint.clone(),
                title: described.title.clone(),
            })?;
            Images::Own(own.into())
        }
    };
    let trainer = train::restore(
        &checkpoint,
        &images,
        &args.output.data_dir,
        &args.checkpoint,
        &Device::flex(),
    )?;
    let refuse = |source| train::unusable(&args.checkpoint, source);
    if !trainer.is_finished() {
        let (done, all) = (trainer.iteration(), trainer.schedule().iterations());
        note(format_args!(
            "warning: the run is not finished ({done} of {all} iterations); the file records that"
        ));
    }
    let float = read_sync(trainer.float_net(usize::MAX)).map_err(refuse)?;
    let net = ExactNet::quantize(&float, args.scale).map_err(|source| refuse(source.into()))?;
    print_line(format!(
        "rounded to 1/{} of a pixel level; no value on any image exceeds {} ticks",
        args.scale,
        net.max_magnitude()
    ));
    print_changed_labels(&float, &net, trainer.held_out());
    print_kept(&net);

    let epsilon = args.epsilon.unwrap_or(checkpoint.config().epsilon);
    let lineage = args.output.lineage(
        Operation::Export,
        [
            (SCALE, u64::from(args.scale).into()),
            (EPSILON, epsilon.to_string().into()),
        ],
        vec![Parent {
            sha256: Some(sha256_hex(&bytes)),
            lineage: trainer.lineage().map_err(refuse)?,
        }],
    )?;
    let accuracies = match images {
        Images::Described(dataset) => {
            (args.output).accuracies(model, Ok(dataset), epsilon, &net)?
        }
        // There is no test set: `linf eval --held-out` measures.
        Images::Own(_) => None,
    };
    let description = trainer.description();
    let metadata = Metadata {
        dataset: description.name.clone(),
        classes: description.names_to_record(),
        epsilon,
        lineage,
        accuracies,
    };
    write_model(model, &Model { net, metadata })
}

/// Says how many held-out images the integer network labels otherwise than the floats did.
fn print_changed_labels(float: &FloatNet, net: &ExactNet, held_out: &Dataset) {
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
    ));
}

/// Index of the largest value, the first among equals.
fn largest<T: PartialOrd>(values: impl Iterator<Item = T>) -> Option<usize> {
    let better = |best: (usize, T), next: (usize, T)| if next.1 > best.1 { next } else { best };
    values.enumerate().reduce(better).map(|(index, _)| index)
}
