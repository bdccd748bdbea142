//! `linf member`: one of the nets that a model was joined from.

use std::path::PathBuf;

use serde_json::json;

use super::output::{Output, print_kept, refuse_existing, write_model};
use super::{CliError, DatasetName, read_model};
use crate::exact::{Lineage, Metadata, Model, Operation};

/// Take one member of a model, a net by itself: to finetune it, to prune it, to look at it
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file of several members, as `linf ensemble` writes; of one member only its dead units go
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
    let (Model { net, metadata }, sha256) = read_model(&args.ensemble)?;
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
    let arguments = [
        ("member", json!(args.number)),
        ("measure", json!(args.output.measure)),
    ];
    let parent = [(Some(sha256), metadata.lineage)];
    let metadata = Metadata {
        lineage: Lineage::new(Operation::Member, arguments, parent),
        accuracies,
        ..metadata
    };
    write_model(&args.model, &Model { net, metadata })
}
