//! `linf ensemble`: several models as the members of one.

use std::path::PathBuf;

use serde_json::Value;

use super::output::{Output, refuse_existing, write_model};
use super::{CliError, DatasetName, print_line, read_model};
use crate::exact::{ExactNet, Metadata, Model};

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
    print_line(format!("{} members, {kept} weights", net.members()))?;

    let first = &models[0].metadata;
    let dataset = DatasetName::recorded(&first.dataset, &args.models[0]);
    let accuracies = (args.output).accuracies(&args.ensemble, dataset, first.epsilon, &net)?;
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

/// The recipe of a member, where the record has one for each; a net of one member has its own.
pub(super) fn recipe_of(recipes: &str, members: usize, index: usize) -> Option<Value> {
    match serde_json::from_str(recipes).ok()? {
        Value::Array(mut recipes) => (recipes.len() == members).then(|| recipes.swap_remove(index)),
        recipe => (members == 1).then_some(recipe),
    }
}

/// The commands that make the ensemble again: those that made its models, and this.
fn command(args: &Args, models: &[Model]) -> String {
    let measure = args.output.measure_flag();
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

/// Of the commands that made an ensemble of nets with one member each those that made the net of this
/// `number`; none if they are not told apart.
pub(super) fn commands_of(commands: &str, members: usize, number: usize) -> Option<String> {
    let (made, joined) = commands.rsplit_once(" && ")?;
    let members: String = (1..=members)
        .map(|member| format!("MODEL-{member} "))
        .collect();
    if !joined.starts_with("linf ensemble") || !joined.ends_with(&format!(" {members}MODEL")) {
        return None;
    }
    let alone = |word: &str| {
        ["MODEL", "RUN"].iter().find_map(|name| {
            let rest = word.strip_prefix(&format!("{name}-{number}"))?;
            let whole = rest.is_empty() || rest.starts_with('/');
            whole.then(|| format!("{name}{rest}"))
        })
    };
    let own = made.split(" && ").filter_map(|command| {
        let words = || command.split(' ');
        words().find_map(alone)?;
        let words: Vec<_> = words()
            .map(|word| alone(word).unwrap_or(word.into()))
            .collect();
        Some(words.join(" "))
    });
    Some(own.collect::<Vec<_>>().join(" && "))
}
