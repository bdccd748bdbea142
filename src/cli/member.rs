//! `linf member`: one of the nets that a model was joined from.

use std::path::PathBuf;

use serde_json::Value;

use super::output::{Output, print_kept, refuse_existing, write_model};
use super::{CliError, DatasetName, ensemble, read_model};
use crate::exact::{Metadata, Model};

/// Take one member of a model, a net by itself: to finetune it, to prune it, to look at it
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file of several members, as `linf ensemble` writes; of one member only units that nothing sees go
    ensemble: PathBuf,
    /// Which of its members, from 1
    number: usize,
    /// Model file to write (.safetensors)
    model: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    refuse_existing(&args.model, args.output.force)?;
    let (Model { net, metadata }, _) = read_model(&args.ensemble)?;
    let members = net.members();
    let index = args.number.checked_sub(1).filter(|&index| index < members);
    let index = index.ok_or_else(|| CliError::NoMember {
        path: args.ensemble.clone(),
        number: args.number,
        members,
    })?;
    let net = net.member(index);
    print_kept(&net)?;

    let dataset = DatasetName::recorded(&metadata.dataset, &args.ensemble);
    let accuracies = (args.output).accuracies(&args.model, dataset, metadata.epsilon, &net)?;
    let own = ensemble::recipe_of(&metadata.recipe, members, index);
    let seed = own.as_ref().and_then(|recipe| recipe["seed"].as_u64());
    let recipe = match own {
        // What was no JSON when it was joined.
        Some(Value::String(recipe)) => recipe,
        Some(recipe) => recipe.to_string(),
        None => metadata.recipe,
    };
    let metadata = Metadata {
        command: command(args, &metadata.command, members),
        seed: seed.unwrap_or(metadata.seed),
        recipe,
        accuracies,
        ..metadata
    };
    write_model(&args.model, &Model { net, metadata })
}

/// The commands that make the model again: those that made its member alone, where they are told apart,
/// and else those that made the ensemble; and this.
fn command(args: &Args, before: &str, members: usize) -> String {
    let measure = args.output.measure_flag();
    let (before, number) = match ensemble::commands_of(before, members, args.number) {
        Some(own) => (own, 1),
        None => (before.to_owned(), args.number),
    };
    format!("{before} && linf member --force{measure} MODEL {number} MODEL")
}
