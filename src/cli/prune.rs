//! `linf prune`: a model of the weights that count where images are.

use std::path::PathBuf;

use super::output::{Output, print_kept, refuse_existing, write_model};
use super::{CliError, DatasetName, read_model, threads};
use crate::data::Split;
use crate::exact::{Epsilon, Metadata, Model};
use crate::train::TrainConfig;

/// Drop the weights of a model that decide near no training image, or near few
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file written by `linf export` or `linf member`
    model: PathBuf,
    /// Model file to write (.safetensors); may be the same one, with --force
    pruned: PathBuf,
    /// How far from an image a weight that decides still counts, a decimal fraction of full scale
    #[arg(long)]
    near: Epsilon,
    /// Near how many images a weight has to decide for it to be kept
    #[arg(long, value_name = "IMAGES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    least: u32,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    refuse_existing(&args.pruned, args.output.force)?;
    let (Model { net, metadata }, _) = read_model(&args.model)?;
    if net.members() > 1 {
        return Err(CliError::PruneEnsemble {
            path: args.model.clone(),
        });
    }
    let dataset = DatasetName::recorded(&metadata.dataset, &args.model)?;
    let config: TrainConfig =
        serde_json::from_str(&metadata.recipe).map_err(|source| CliError::NoRun {
            path: args.model.clone(),
            source,
        })?;
    let unusable = |source| CliError::OtherImages {
        path: args.model.clone(),
        source,
    };
    config.check().map_err(|source| unusable(source.into()))?;
    let data = dataset.load(&args.output.data_dir, Split::Train)?;
    let (training, _) = config.split(data).map_err(unusable)?;

    let radius = args.near.ticks(net.scale());
    let net = net
        .prune_by_support(&training.images, radius, args.least, threads())
        .map_err(|source| CliError::Input {
            path: args.model.clone(),
            source,
        })?;
    print_kept(&net)?;
    let epsilon = metadata.epsilon;
    let accuracies = (args.output).accuracies(&args.pruned, Ok(dataset), epsilon, &net)?;
    let metadata = Metadata {
        command: command(args, &metadata.command),
        accuracies,
        ..metadata
    };
    write_model(&args.pruned, &Model { net, metadata })
}

/// The commands that make the model again: those that made the one before, and this.
fn command(args: &Args, before: &str) -> String {
    let (near, least) = (args.near, args.least);
    let measure = args.output.measure_flag();
    format!("{before} && linf prune --force --near {near} --least {least}{measure} MODEL MODEL")
}
