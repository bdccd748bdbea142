//! `linf ensemble`: several models as the members of one.

use std::path::PathBuf;

use super::output::{Output, check_target, write_model};
use super::{CliError, DatasetName, print_line, read_model};
use crate::exact::{ExactNet, Metadata, Model, Operation, Parent};

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
    check_target(&args.ensemble, args.output.force)?;
    let models = args
        .models
        .iter()
        .map(|path| read_model(path))
        .collect::<Result<Vec<_>, CliError>>()?;
    let aim =
        |(model, _): &(Model, String)| (model.metadata.dataset.clone(), model.metadata.epsilon);
    if let Some(other) = models
        .iter()
        .position(|model| aim(model) != aim(&models[0]))
    {
        return Err(CliError::OtherAim {
            first: args.models[0].clone(),
            path: args.models[other].clone(),
        });
    }
    let nets: Vec<_> = models.iter().map(|(model, _)| &model.net).collect();
    let net = ExactNet::ensemble(&nets).map_err(|source| CliError::Ensemble { source })?;
    let kept: usize = net.weights_kept().iter().map(|(kept, _)| kept).sum();
    print_line(format!("{} members, {kept} weights", net.members()));

    let parents = models.iter().map(|(model, sha256)| Parent {
        sha256: Some(sha256.clone()),
        lineage: model.metadata.lineage.clone(),
    });
    let lineage = (args.output).lineage(Operation::Ensemble, [], parents.collect())?;
    let first = &models[0].0.metadata;
    let dataset = DatasetName::recorded(&first.dataset, &args.models[0]);
    let accuracies = (args.output).accuracies(&args.ensemble, dataset, first.epsilon, &net)?;
    let metadata = Metadata {
        dataset: first.dataset.clone(),
        classes: first.classes.clone(),
        epsilon: first.epsilon,
        lineage,
        accuracies,
    };
    write_model(&args.ensemble, &Model { net, metadata })
}
