//! `linf ensemble`: several models as the heads of one.

use std::path::PathBuf;

use serde_json::Value;

use super::export::{measured, refuse_existing, write_model};
use super::{CliError, DatasetName, print_line, read_model};
use crate::exact::{ExactNet, Metadata, Model};

/// Join models into one that labels an image by the average of their logits
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model files written by `linf export`, `linf prune` or `linf head`, for the same data set and ε
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
    let kept: usize = net.weights_kept().iter().map(|(kept, _)| kept).sum();
    print_line(format!("{} heads, {kept} weights", net.heads()))?;

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

/// The recipes of the models, as one list; an ensemble has one already.
fn recipes(models: &[Model]) -> String {
    let recipes = models.iter().flat_map(|model| {
        let recipe = &model.metadata.recipe;
        match serde_json::from_str(recipe) {
            Ok(Value::Array(recipes)) => recipes,
            Ok(recipe) => vec![recipe],
            Err(_) => vec![Value::String(recipe.clone())],
        }
    });
    Value::Array(recipes.collect()).to_string()
}

/// The commands that make the ensemble again: those that made its models, and this.
fn command(args: &Args, models: &[Model]) -> String {
    let measure = if args.measure { " --measure" } else { "" };
    let mut commands = Vec::new();
    let mut joined = Vec::new();
    for (model, number) in models.iter().zip(1..) {
        // Each has a file and runs of its own, also where it is an ensemble itself.
        let mut command = model.metadata.command.clone();
        for name in ["MODEL", "RUN"] {
            command = command.replace(name, &format!("{name}-{number}"));
        }
        commands.push(command);
        joined.push(format!("MODEL-{number}"));
    }
    commands.push(format!("linf ensemble{measure} {} MODEL", joined.join(" ")));
    commands.join(" && ")
}
