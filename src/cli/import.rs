//! `linf import`: from a checkpoint of the authors' programs to an exact integer network.

use std::path::{Path, PathBuf};

use super::export::{EPSILON, SCALE};
use super::lineage::{CHECKPOINT_SHA256, DATASET};
use super::output::{Output, check_target, print_kept, write_model};
use super::{CliError, DatasetName, note, print_line, read};
use crate::attack::label;
use crate::data::{Split, sha256_hex};
use crate::exact::{Epsilon, ExactNet, FloatNet, Lineage, Metadata, Model, Operation, Ticks};
use crate::interop::pytorch::{self, AuthorsNet, Variant};
use crate::net::float_logits;

/// Images whose float logits are computed at a time.
const BATCH: usize = 500;

/// Make an exact integer model of a checkpoint that the authors' programs wrote (model.pth of
/// L_inf-dist-net or L_inf-dist-net-v2)
#[derive(clap::Args)]
pub(super) struct Args {
    /// Checkpoint of PyTorch
    #[arg(value_name = "MODEL.pth")]
    checkpoint: PathBuf,
    /// Model file to write (.safetensors)
    model: PathBuf,
    /// Data set that the network was trained on, which the checkpoint does not say
    #[arg(long)]
    dataset: DatasetName,
    /// Radius ε that is measured at and recorded in the file
    #[arg(long)]
    epsilon: Epsilon,
    /// Ticks per pixel level, a power of two
    #[arg(long, default_value_t = 32)]
    scale: u32,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let is_checkpoint = args.model.canonicalize().ok() == args.checkpoint.canonicalize().ok();
    check_target(&args.model, args.output.force && !is_checkpoint)?;
    let bytes = read(&args.checkpoint)?;
    let normalisation = args.dataset.description().normalisation;
    let AuthorsNet {
        variant,
        net: float,
    } = pytorch::read(&args.checkpoint, normalisation).map_err(|source| CliError::Authors {
        path: args.checkpoint.clone(),
        source,
    })?;
    let net = ExactNet::quantize(&float, args.scale).map_err(|source| CliError::Quantize {
        path: args.checkpoint.clone(),
        source,
    })?;
    let (pixels, classes) = (
        args.dataset.description().pixels(),
        args.dataset.description().classes.len(),
    );
    if (net.inputs(), net.classes()) != (pixels, classes) {
        return Err(CliError::OtherShape {
            path: args.checkpoint.clone(),
            found: [net.inputs(), net.classes()],
            expected: [pixels, classes],
        });
    }
    let architecture: Vec<_> = net.architecture().iter().map(ToString::to_string).collect();
    print_line(format!(
        "{}, {}",
        match variant {
            Variant::V1 => "L_inf-dist-net (ICML 2021)",
            Variant::V2 => "L_inf-dist-net-v2 (ICLR 2022)",
        },
        architecture.join("-"),
    ));
    if variant == Variant::V2 {
        note(
            "note: a checkpoint of SortNet has the same keys, and would become another network here, without \
             its order statistics",
        );
    }
    print_line(format!(
        "rounded to 1/{} of a pixel level, which moves a logit by at most {} levels; no value on any image \
         exceeds {} ticks",
        args.scale,
        rounding(&net).levels(args.scale).get() / 2.0,
        net.max_magnitude()
    ));
    print_kept(&net);
    let lineage = lineage(args, &bytes)?;
    let accuracies = (args.output).accuracies(&args.model, Ok(args.dataset), args.epsilon, &net)?;
    if accuracies.is_some() {
        print_comparison(args, &float, &net)?;
    }
    let metadata = Metadata {
        dataset: args.dataset.as_str().into(),
        classes: Vec::new(),
        epsilon: args.epsilon,
        lineage,
        accuracies,
    };
    write_model(&args.model, &Model { net, metadata })
}

/// Twice the most that rounding moves a logit: half a tick for the weights of each layer, which all layers
/// above pass on, and half a tick for the bias. So much can the distance of two logits move.
fn rounding(net: &ExactNet) -> Ticks {
    let layers = net.architecture().len() - 1;
    Ticks::new(u32::try_from(layers + 1).expect("a net has few layers"))
}

fn lineage(args: &Args, checkpoint: &[u8]) -> Result<Lineage, CliError> {
    args.output.lineage(
        Operation::Import,
        [
            (CHECKPOINT_SHA256, sha256_hex(checkpoint).into()),
            (DATASET, args.dataset.as_str().into()),
            (SCALE, u64::from(args.scale).into()),
            (EPSILON, args.epsilon.to_string().into()),
        ],
        Vec::new(),
    )
}

/// Says what the float network achieves, and how many labels rounding can change and does.
fn print_comparison(args: &Args, float: &FloatNet, net: &ExactNet) -> Result<(), CliError> {
    let test = args
        .dataset
        .load(Path::new(&args.output.data_dir), Split::Test)?;
    let mut evaluator = net.evaluator();
    let within = rounding(net);
    let (mut right, mut changed, mut close) = (0, 0, 0);
    let (pixels, classes) = (net.inputs(), net.classes());
    for (images, labels) in test
        .images
        .chunks(BATCH * pixels)
        .zip(test.labels.chunks(BATCH))
    {
        let logits = float_logits(float, images);
        let each = images
            .chunks_exact(pixels)
            .zip(logits.chunks_exact(classes));
        for ((image, logits), &truth) in each.zip(labels) {
            let exact = evaluator.radii(image).map_err(|source| CliError::Input {
                path: args.model.clone(),
                source,
            })?;
            let found = label(logits);
            right += usize::from(found == Some(truth.into()));
            changed += usize::from(found != exact.label);
            close += usize::from(exact.margin <= within);
        }
    }
    print_line(format!(
        "before rounding: clean {:.2} %; {changed} labels changed, and {close} images are so close to a tie \
         that rounding can change their label",
        100.0 * right as f64 / test.len() as f64
    ));
    Ok(())
}
