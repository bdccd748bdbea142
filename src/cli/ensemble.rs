//! `linf ensemble`: several models as the members of one.

use std::path::PathBuf;

use serde_json::json;

use super::output::{Output, refuse_existing, write_model};
use super::{CliError, DatasetName, print_line, read_model};
use crate::exact::{ExactNet, Lineage, Metadata, Model, Operation};

/// Join models into one that labels an image by the average of their logits
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model files written by `linf export`, `linf prune` or `linf member`, for the same data set and ε
    #[arg(required = true, num_args = 2.., value_name = "MODEL")]
    models: Vec<PathBuf>,
    /// Model file to write (.safetensors)
    ensemble: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    refuse_existing(&args.ensemble, args.output.force)?;
    let (models, digests) = args
        .models
        .iter()
        .map(|path| read_model(path))
        .collect::<Result<(Vec<_>, Vec<_>), CliError>>()?;
    let aim = |model: &Model| (model.metadata.dataset.clone(), model.metadata.epsilon);
    if let Some(other) = models
        .iter()
        .position(|model| aim(model) != aim(&models[0]))
    {
        return Err(CliError::OtherAim {
            first: args.models[0].clone(),
            path: args.models[other].clone(),
        });
    }
    let nets: Vec<_> = models.iter().map(|model| &model.net).collect();
    let net = ExactNet::ensemble(&nets).map_err(|source| CliError::Ensemble { source })?;
    let kept: usize = net.weights_kept().iter().map(|(kept, _)| kept).sum();
    print_line(format!("{} members, {kept} weights", net.members()))?;

    let first = &models[0].metadata;
    let dataset = DatasetName::recorded(&first.dataset, &args.models[0]);
    let accuracies = (args.output).accuracies(&args.ensemble, dataset, first.epsilon, &net)?;
    let arguments = [("measure", json!(args.output.measure))];
    let parents = models.iter().zip(digests);
    let parents = parents.map(|(model, sha256)| (Some(sha256), model.metadata.lineage.clone()));
    let metadata = Metadata {
        dataset: first.dataset.clone(),
        epsilon: first.epsilon,
        lineage: Lineage::new(Operation::Ensemble, arguments, parents),
        accuracies,
    };
    write_model(&args.ensemble, &Model { net, metadata })
}
