//! `linf head`: one of the nets that a model was joined from.

use std::path::PathBuf;

use serde_json::Value;

use super::export::{measured, print_kept, refuse_existing, write_model};
use super::{CliError, DatasetName, read_model};
use crate::exact::{Metadata, Model};

/// Take one head of a model, a net by itself: to refine it, to prune it, to look at it
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file of several heads, as `linf ensemble` writes; of one head only units that nothing sees go
    ensemble: PathBuf,
    /// Which of its heads, from 1
    number: usize,
    /// Model file to write (.safetensors)
    model: PathBuf,
    /// Folder that holds the data sets' folders, for --measure
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Measure the net on the test set and record its accuracies in the file
    #[arg(long)]
    measure: bool,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    refuse_existing(&args.model, args.force)?;
    let (Model { net, metadata }, _) = read_model(&args.ensemble)?;
    let heads = net.heads();
    let index = args.number.checked_sub(1).filter(|&index| index < heads);
    let index = index.ok_or_else(|| CliError::NoHead {
        path: args.ensemble.clone(),
        number: args.number,
        heads,
    })?;
    let net = net.head(index);
    print_kept(&net)?;

    let epsilon = metadata.epsilon;
    let measure = || {
        let dataset = DatasetName::recorded(&metadata.dataset, &args.ensemble)?;
        measured(&args.model, &args.data_dir, dataset, epsilon, &net)
    };
    let accuracies = args.measure.then(measure).transpose()?;
    let own = own_recipe(&metadata.recipe, heads, index);
    let seed = own.as_ref().and_then(|recipe| recipe["seed"].as_u64());
    let recipe = match own {
        // What was no JSON when it was joined.
        Some(Value::String(recipe)) => recipe,
        Some(recipe) => recipe.to_string(),
        None => metadata.recipe,
    };
    let metadata = Metadata {
        command: command(args, &metadata.command, heads),
        seed: seed.unwrap_or(metadata.seed),
        recipe,
        accuracies,
        ..metadata
    };
    write_model(&args.model, &Model { net, metadata })
}

/// The recipe of a head, where the record has one for each; a net of one head has its own.
fn own_recipe(recipes: &str, heads: usize, index: usize) -> Option<Value> {
    match serde_json::from_str(recipes).ok()? {
        Value::Array(mut recipes) => (recipes.len() == heads).then(|| recipes.swap_remove(index)),
        recipe => (heads == 1).then_some(recipe),
    }
}

/// The commands that make the model again: those that made its head alone, where they are told apart,
/// and else those that made the ensemble; and this.
fn command(args: &Args, before: &str, heads: usize) -> String {
    let measure = if args.measure { " --measure" } else { "" };
    let (before, number) = match own_commands(before, heads, args.number) {
        Some(own) => (own, 1),
        None => (before.to_owned(), args.number),
    };
    format!("{before} && linf head --force{measure} MODEL {number} MODEL")
}

/// Of the commands that made an ensemble of nets with one head each those that made the net of this
/// `number`: their files and runs have its number.
fn own_commands(commands: &str, heads: usize, number: usize) -> Option<String> {
    let (made, joined) = commands.rsplit_once(" && ")?;
    let members = (1..=heads).map(|number| format!("MODEL-{number} "));
    let members: String = members.collect();
    if !joined.starts_with("linf ensemble") || !joined.ends_with(&format!(" {members}MODEL")) {
        return None;
    }
    let numbered = |word: &str| {
        let rest = ["MODEL", "RUN"].iter().find_map(|name| {
            let rest = word.strip_prefix(name)?.strip_prefix('-')?;
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let (of, path) = rest.split_at(digits);
            Some((of.parse() == Ok(number), format!("{name}{path}")))
        });
        rest.unwrap_or((false, word.to_owned()))
    };
    let own = made.split(" && ").filter_map(|command| {
        let words: Vec<_> = command.split(' ').map(numbered).collect();
        let is_own = words.iter().any(|(is_own, _)| *is_own);
        let words: Vec<_> = words.into_iter().map(|(_, word)| word).collect();
        is_own.then(|| words.join(" "))
    });
    Some(own.collect::<Vec<_>>().join(" && "))
}
