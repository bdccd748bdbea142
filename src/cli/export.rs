//! `linf export`: from a checkpoint's floats to the exact integer network that ships.

use std::path::PathBuf;

use super::{CliError, DatasetName, train};
use crate::exact::{DenseNet, Epsilon, Metadata, Model};

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
        command: format!(
            "linf export --scale {} --epsilon {}",
            args.scale, args.epsilon
        ),
        accuracies: None,
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
