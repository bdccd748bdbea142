//! What the commands that write a model share.

use std::path::{Path, PathBuf};

use super::target::{check_writable, write};
use super::{CliError, DatasetName, print_line, threads};
use crate::data::Split;
use crate::exact::{
    Accuracies, Argument, Arguments, Epsilon, ExactNet, Lineage, Model, Operation, Parent, evaluate,
};

/// Argument of what wrote a model: whether it was measured on the test set.
pub(super) const MEASURE: &str = "measure";

/// How a model is measured and written.
#[derive(clap::Args)]
pub(super) struct Output {
    /// Folder that holds the data sets' folders
    #[arg(long, default_value = "data")]
    pub(super) data_dir: PathBuf,
    /// Measure the network on the test set and record its accuracies in the file
    #[arg(long)]
    measure: bool,
    /// Replace the model file if it exists
    #[arg(long)]
    pub(super) force: bool,
}

impl Output {
    /// The lineage of what an operation writes, which also tells if it is measured.
    pub(super) fn lineage<const N: usize>(
        &self,
        operation: Operation,
        arguments: [(&str, Argument); N],
        parents: Vec<Parent>,
    ) -> Result<Lineage, CliError> {
        let arguments = arguments.map(|(name, argument)| (name.to_owned(), argument));
        let mut arguments = Arguments::from(arguments);
        if self.measure {
            arguments.insert(MEASURE.into(), true.into());
        }
        Lineage::new(operation, arguments, None, parents)
            .map_err(|source| CliError::Lineage { source })
    }

    /// Accuracies of the network for the file at `path` on the whole test set, at ε, if they were asked
    /// for; only then a data set that is not known is an error.
    pub(super) fn accuracies(
        &self,
        path: &Path,
        dataset: Result<DatasetName, CliError>,
        epsilon: Epsilon,
        net: &ExactNet,
    ) -> Result<Option<Accuracies>, CliError> {
        if !self.measure {
            return Ok(None);
        }
        let test = dataset?.load(&self.data_dir, Split::Test)?;
        let evaluation = evaluate(net, &test.images, &test.labels, epsilon, threads());
        let evaluation = evaluation.map_err(|source| CliError::Input {
            path: path.into(),
            source,
        })?;
        let accuracies = evaluation.accuracies();
        print_line(format!(
            "{} test images at ε = {}: clean {:.2} %, certified {:.2} % (Lipschitz), {:.2} % (IBP)",
            evaluation.images,
            epsilon,
            100.0 * accuracies.clean,
            100.0 * accuracies.certified_lipschitz,
            100.0 * accuracies.certified_ibp,
        ));
        Ok(Some(accuracies))
    }
}

/// Refuses a file that cannot be written, and one that would be replaced without that being asked for.
pub(super) fn check_target(path: &Path, force: bool) -> Result<(), CliError> {
    match path.exists() && !force {
        true => Err(CliError::Exists { path: path.into() }),
        false => check_writable(path),
    }
}

/// Says how many weights of each layer are kept.
pub(super) fn print_kept(net: &ExactNet) {
    for (index, (kept, total)) in net.weights_kept().into_iter().enumerate() {
        let share = 100.0 * kept as f64 / total as f64;
        print_line(format!(
            "layer {}: {kept} of {total} weights are kept ({share:.2} %)",
            index + 1
        ));
    }
}

/// Writes a model file, and says how large it is.
pub(super) fn write_model(path: &Path, model: &Model) -> Result<(), CliError> {
    let bytes = model.to_bytes();
    write(path, &bytes)?;
    print_line(format!("{}: {} bytes", path.display(), bytes.len()));
    Ok(())
}
