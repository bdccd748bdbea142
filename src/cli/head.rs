//! `linf head`: one of the nets that a model was joined from.

use std::path::PathBuf;

use serde_json::Value;

use super::export::{measured, print_kept, refuse_existing, write_model};
use super::{CliError, DatasetName, read_model};
use crate::exact::{Metadata, Model};

/// Take one head of a model, a net by itself: to refine it, to prune it, to look at it
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file written by `linf ensemble`
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
    let metadata = Metadata {
        command: command(args, &metadata.command),
        seed: seed.unwrap_or(metadata.seed),
        recipe: own.map_or(metadata.recipe, |recipe| recipe.to_string()),
        accuracies,
        ..metadata
    };
    write_model(&args.model, &Model { net, metadata })
}

/// The recipe of a head, where the record has one for each.
fn own_recipe(recipes: &str, heads: usize, index: usize) -> Option<Value> {
    let mut recipes: Vec<Value> = serde_json::from_str(recipes).ok()?;
    (recipes.len() == heads).then(|| recipes.swap_remove(index))
}

/// The commands that make the model again: those that made the ensemble, and this.
fn command(args: &Args, before: &str) -> String {
    let measure = if args.measure { " --measure" } else { "" };
    let number = args.number;
    format!("{before} && linf head --force{measure} MODEL {number} MODEL")
}
