//! `linf member`: one of the nets that a model was joined from.

use std::path::PathBuf;

use super::output::{Output, check_target, print_kept, write_model};
use super::{CliError, DatasetName, read_model};
use crate::exact::{Lineage, Metadata, Model, Operation, Parent};

/// Argument of a member in a lineage: its number, from 1.
pub(super) const MEMBER: &str = "member";

/// Take one member of a model, a net by itself: to finetune it, to prune it, to look at it
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file of several members, as `linf ensemble` writes; of one member alone its dead units are dropped
    ensemble: PathBuf,
    /// Which of its members, from 1
    number: usize,
    /// Model file to write (.safetensors)
    model: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    check_target(&args.model, args.output.force)?;
    let (Model { net, metadata }, sha256) = read_model(&args.ensemble)?;
    let members = net.members();
    let index = args.number.checked_sub(1).filter(|&index| index < members);
    let index = index.ok_or_else(|| CliError::NoMember {
        path: args.ensemble.clone(),
        number: args.number,
        members,
    })?;
    let net = net.member(index);
    print_kept(&net);

    let dataset = DatasetName::recorded(&metadata.dataset, &args.ensemble);
    let accuracies = (args.output).accuracies(&args.model, dataset, metadata.epsilon, &net)?;
    let lineage = lineage(args, metadata.lineage, sha256, members)?;
    let metadata = Metadata {
        lineage,
        accuracies,
        ..metadata
    };
    write_model(&args.model, &Model { net, metadata })
}

/// The lineage of the member: of the model that it was joined from, where the ensemble tells, as if it
/// had been taken out of that; and else of the ensemble.
fn lineage(
    args: &Args,
    ensemble: Lineage,
    sha256: String,
    members: usize,
) -> Result<Lineage, CliError> {
    let told = ensemble.members() == Some(members);
    let own = ensemble.member(args.number - 1).filter(|_| told);
    let (parent, number) = match own {
        Some(own) => (own.clone(), 1),
        None => {
            let ensemble = Parent {
                sha256: Some(sha256),
                lineage: ensemble,
            };
            (ensemble, args.number as u64)
        }
    };
    let arguments = [(MEMBER, number.into())];
    (args.output).lineage(Operation::Member, arguments, vec![parent])
}
