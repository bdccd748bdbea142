//! `linf export`: from a checkpoint's floats to the exact integer network that ships.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use super::{CliError, DatasetName, train};
use crate::data::Split;
use crate::exact::{Accuracies, DenseNet, Epsilon, ExactNet, Metadata, Model, evaluate};
use crate::train::{PRESETS, TrainConfig};

/// Fold, round and prune a checkpoint into an exact integer model
#[derive(clap::Args)]
pub(super) struct Args {
    /// Checkpoint written by `linf train`
    checkpoint: PathBuf,
    /// Model file to write (.safetensors)
    model: PathBuf,
    /// Folder that holds the data sets' folders (the means are estimated on training images)
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Units per pixel level, a power of two
    #[arg(long, default_value_t = 16)]
    scale: u32,
    /// Radius ε that the model is meant for, recorded in the file
    #[arg(long, default_value = "0.3")]
    epsilon: Epsilon,
    /// Measure the exact network on the test set and record its accuracies in the file
    #[arg(long)]
    measure: bool,
    /// Replace the model file if it exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    if args.model.exists() && !args.force {
        return Err(CliError::Exists {
            path: args.model.clone(),
        });
    }
    let checkpoint = train::read_checkpoint(&args.checkpoint)?;
    let dataset = DatasetName::from_config(&checkpoint.config().dataset).ok_or_else(|| {
        CliError::UnknownDataset {
            path: args.checkpoint.clone(),
            dataset: checkpoint.config().dataset.clone(),
        }
    })?;
    let trainer = train::restore(&checkpoint, dataset, &args.data_dir, &args.checkpoint)?;
    let refuse = |source| CliError::Train {
        checkpoint: args.checkpoint.clone(),
        source,
    };
    let float = trainer.float_net(usize::MAX);
    let dense = DenseNet::fold(&float, args.scale).map_err(|source| refuse(source.into()))?;
    let net = dense.prune().map_err(|source| refuse(source.into()))?;

    let config = checkpoint.config();
    let recipe = serde_json::to_string(config).expect("a configuration is plain data");
    let metadata = Metadata {
        dataset: dataset.as_str().into(),
        epsilon: args.epsilon,
        recipe,
        seed: config.seed,
        command: command(args, config),
        accuracies: if args.measure {
            Some(measured(args, dataset, &net)?)
        } else {
            None
        },
    };
    println!(
        "rounded to 1/{} of a pixel level; largest value on any image: {} units",
        args.scale,
        net.max_magnitude()
    );
    for (index, (kept, total)) in net.weights_kept().into_iter().enumerate() {
        println!(
            "layer {}: {kept} of {total} weights can decide ({:.2} %)",
            index + 1,
            100.0 * kept as f64 / total as f64
        );
    }
    let bytes = Model { net, metadata }.to_bytes();
    super::write(&args.model, &bytes)?;
    println!("{}: {} bytes", args.model.display(), bytes.len());
    Ok(())
}

/// The two commands that make the model again, as far as the configuration is that of a preset.
fn command(args: &Args, config: &TrainConfig) -> String {
    let is_preset = |name: &&str| {
        TrainConfig::preset(name).is_ok_and(|preset| {
            TrainConfig {
                seed: config.seed,
                held_out: config.held_out,
                ..preset
            } == *config
        })
    };
    let preset = PRESETS
        .into_iter()
        .find(is_preset)
        .unwrap_or("(as in recipe)");
    let all = if config.held_out == 0 {
        " --all-images"
    } else {
        ""
    };
    format!(
        "linf train --dataset {} --preset {preset} --seed {}{all} --out RUN && \
         linf export --scale {} --epsilon {} RUN/checkpoint.safetensors MODEL",
        config.dataset, config.seed, args.scale, args.epsilon
    )
}

/// Accuracies on the whole test set at the model's ε.
fn measured(args: &Args, dataset: DatasetName, net: &ExactNet) -> Result<Accuracies, CliError> {
    let test = dataset.load(&args.data_dir, Split::Test)?;
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let evaluation =
        evaluate(net, &test.images, &test.labels, args.epsilon, threads).map_err(|source| {
            CliError::Input {
                path: args.model.clone(),
                source,
            }
        })?;
    let fraction = |count: u64| count as f64 / evaluation.images as f64;
    let accuracies = Accuracies {
        clean: fraction(evaluation.clean),
        certified_lipschitz: fraction(evaluation.certified_lipschitz),
        certified_interval: fraction(evaluation.certified_interval),
    };
    println!(
        "{} test images at ε = {}: {:.2} % right, {:.2} % certified by the margin, {:.2} % by intervals",
        evaluation.images,
        args.epsilon,
        100.0 * accuracies.clean,
        100.0 * accuracies.certified_lipschitz,
        100.0 * accuracies.certified_interval,
    );
    Ok(accuracies)
}
