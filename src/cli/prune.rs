//! `linf prune`: a model of the weights that count where images are.

use std::path::PathBuf;

use super::output::{Output, check_target, print_kept, write_model};
use super::own_data::{Images, OwnData};
use super::{CliError, read_model, threads};
use crate::exact::{Epsilon, Metadata, Model, Operation, Parent};
use crate::train::TrainConfig;
use crate::train::lineage::last_run;

/// Arguments of a pruning in a lineage.
pub(super) const RADIUS: &str = "radius";
pub(super) const MIN_SUPPORT: &str = "min_support";

/// Drop the weights of a model that decide near no training image, or near too few
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file written by `linf export` or `linf member`
    model: PathBuf,
    /// Model file to write (.safetensors); may be the same one, with --force
    pruned: PathBuf,
    /// Radius around an image within which a weight that decides counts, a decimal fraction of full scale
    #[arg(long)]
    radius: Epsilon,
    /// Images near which a weight has to decide to be kept
    #[arg(long, value_name = "IMAGES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    min_support: u32,
    #[command(flatten)]
    own: OwnData,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    check_target(&args.pruned, args.output.force)?;
    let (Model { net, metadata }, sha256) = read_model(&args.model)?;
    if net.members() > 1 {
        return Err(CliError::PruneEnsemble {
            path: args.model.clone(),
        });
    }
    let run = last_run(&metadata.lineage).ok_or_else(|| CliError::NoRun {
        path: args.model.clone(),
    })?;
    let config = TrainConfig::from_lineage(run).map_err(|source| CliError::Run {
        path: args.model.clone(),
        source,
    })?;
    let unusable = |source| CliError::OtherImages {
        path: args.model.clone(),
        source,
    };
    config.check().map_err(|source| unusable(source.into()))?;
    let images = args.own.of_run(run, &args.model)?;
    let data = images.training(&args.output.data_dir)?;
    let (training, _) = config.split(data).map_err(unusable)?;

    let radius = args.radius.ticks(net.scale());
    let net = net
        .prune_by_support(&training.images, radius, args.min_support, threads())
        .map_err(|source| CliError::Input {
            path: args.model.clone(),
            source,
        })?;
    print_kept(&net);
    let lineage = args.output.lineage(
        Operation::Prune,
        [
            (RADIUS, args.radius.to_string().into()),
            (MIN_SUPPORT, u64::from(args.min_support).into()),
        ],
        vec![Parent {
            sha256: Some(sha256),
            lineage: metadata.lineage,
        }],
    )?;
    let epsilon = metadata.epsilon;
    let accuracies = match images {
        Images::Described(dataset) => {
            (args.output).accuracies(&args.pruned, Ok(dataset), epsilon, &net)?
        }
        Images::Own(_) => None,
    };
    let metadata = Metadata {
        lineage,
        accuracies,
        ..metadata
    };
    write_model(&args.pruned, &Model { net, metadata })
}
