//! `linf ensemble`: several models as the heads of one.

use std::path::PathBuf;

use serde_json::Value;

use super::export::{measured, print_kept, refuse_existing, write_model};
use super::{CliError, DatasetName, read_model};
use crate::exact::{ExactNet, Metadata, Model};

/// Join models into one that labels an image by the average of their logits
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model files written by `linf export` or `linf prune`, for the same data set and ε
    #[arg(required = true, num_args = 2.., value_name = "MODEL")]
    models: Vec<PathBuf>,
    /// Model file to write (.safetensors)
    ensemble: PathBuf,
    /// Folder that holds the data sets' folders, for --measure
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Measure the ensemble on the test set and record its accuracies in the file
    #[arg(long)]
    measure: bool,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    refuse_existing(&args.ensemble, args.force)?;
    let models = args
        .models
        .iter()
        .map(|path| Ok(read_model(path)?.0))
        .collect::<Result<Vec<_>, CliError>>()?;
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
    print_kept(&net);

    let first = &models[0].metadata;
    let measure = || {
        let dataset = DatasetName::recorded(&first.dataset, &args.models[0])?;
        measured(&args.ensemble, &args.data_dir, dataset, first.epsilon, &net)
    };
    let accuracies = args.measure.then(measure).transpose()?;
    let metadata = Metadata {
        dataset: first.dataset.clone(),
        epsilon: first.epsilon,
        recipe: recipes(&models),
        seed: first.seed,
        command: command(args, &models),
        accuracies,
    };
    write_model(&args.ensemble, &Model { net, metadata })
}

/// The recipes of the models, as a list.
fn recipes(models: &[Model]) -> String {
    let recipe = |model: &Model| {
        let recipe = &model.metadata.recipe;
        serde_json::from_str(recipe).unwrap_or_else(|_| Value::String(recipe.clone()))
    };
    Value::Array(models.iter().map(recipe).collect()).to_string()
}

/// The commands that make the ensemble again: those that made its models, and this.
fn command(args: &Args, models: &[Model]) -> String {
    let names = || (1..=models.len()).map(|number| format!("MODEL{number}"));
    let measure = if args.measure { " --measure" } else { "" };
    let joined = names().collect::<Vec<_>>().join(" ");
    let before = models.iter().zip(names());
    let before = before.map(|(model, name)| model.metadata.command.replace("MODEL", &name));
    let all = before.chain([format!("linf ensemble{measure} {joined} MODEL")]);
    all.collect::<Vec<_>>().join(" && ")
}
