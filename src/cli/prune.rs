//! `linf prune`: a model of the weights that count where images are.

use std::path::PathBuf;

use serde_json::json;

use super::lineage::last_run;
use super::output::{Output, print_kept, refuse_existing, write_model};
use super::{CliError, DatasetName, read_model, threads};
use crate::data::Split;
use crate::exact::{Epsilon, Lineage, Metadata, Model, Operation};

/// Drop the weights of a model that decide near no training image, or near few
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file written by `linf export` or `linf member`
    model: PathBuf,
    /// Model file to write (.safetensors); may be the same one, with --force
    pruned: PathBuf,
    /// How far from an image a weight that decides still counts, a decimal fraction of full scale
    #[arg(long)]
    radius: Epsilon,
    /// Near how many images a weight has to decide for it to be kept
    #[arg(long, value_name = "IMAGES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    min_support: u32,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    refuse_existing(&args.pruned, args.output.force)?;
    let (Model { net, metadata }, sha256) = read_model(&args.model)?;
    if net.members() > 1 {
        return Err(CliError::PruneEnsemble {
            path: args.model.clone(),
        });
    }
    let dataset = DatasetName::recorded(&metadata.dataset, &args.model)?;
    let config = last_run(&metadata, &args.model)?;
    let unusable = |source| CliError::OtherImages {
        path: args.model.clone(),
        source,
    };
    config.check().map_err(|source| unusable(source.into()))?;
    let data = dataset.load(&args.output.data_dir, Split::Train)?;
    let (training, _) = config.split(data).map_err(unusable)?;

    let radius = args.radius.ticks(net.scale());
    let net = net
        .prune_by_support(&training.images, radius, args.min_support, threads())
        .map_err(|source| CliError::Input {
            path: args.model.clone(),
            source,
        })?;
    print_kept(&net)?;
    let epsilon = metadata.epsilon;
    let accuracies = (args.output).accuracies(&args.pruned, Ok(dataset), epsilon, &net)?;
    let arguments = [
        ("radius", json!(args.radius.to_string())),
        ("min_support", json!(args.min_support)),
        ("measure", json!(args.output.measure)),
    ];
    let metadata = Metadata {
        lineage: Lineage::new(
            Operation::Prune,
            arguments,
            [(Some(sha256), metadata.lineage)],
        ),
        accuracies,
        ..metadata
    };
    write_model(&args.pruned, &Model { net, metadata })
}
