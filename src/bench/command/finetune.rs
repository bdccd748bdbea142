//! Measures training steps of a pruned net, beside steps of a dense net of the same widths.

use std::path::Path;

use serde::Serialize;

use super::clock::Time;
use super::steps::{at_one_p, new_trainer, times};
use super::{DatasetName, first_member, on_threads, p_name, thread_counts};
use crate::cli::{CliError, read_model};
use crate::data::{Dataset, Split};
use crate::exact::{ExactNet, Model, Parent};
use crate::norm_dist::Norm;
use crate::train::{TrainConfig, Trainer};

/// Some quick exponents that the schedule passes, and its end.
const NORMS: [Norm; 4] = [
    Norm::of_quick(34),
    Norm::of_quick(98),
    Norm::of_quick(194),
    Norm::Inf,
];

#[derive(Serialize)]
pub(super) struct Report {
    batch: usize,
    widths: Vec<usize>,
    /// Weights of the pruned net, and of a dense net of the same widths.
    pruned: usize,
    dense: usize,
    /// Number of steps at each p.
    steps: usize,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    p: String,
    threads: usize,
    /// Shortest step of the pruned net, and of the dense net.
    pruned_milliseconds: f64,
    dense_milliseconds: f64,
    /// The second divided by the first.
    ratio: f64,
}

pub(super) fn measure(model: &Path, data_dir: &Path, steps: usize) -> Result<Report, CliError> {
    let (Model { net, metadata }, sha256) = read_model(model)?;
    let net = first_member(net);
    let dataset = DatasetName::recorded(&metadata.dataset, model)?;
    let data = dataset.load(data_dir, Split::Train)?;
    let widths = net.architecture();
    let hidden = &widths[1..widths.len() - 1];
    let recipe = TrainConfig {
        dataset: metadata.dataset.clone(),
        ..TrainConfig::preset("finetune").expect("it is there")
    };
    let counts = net.weights_kept();
    let (pruned, dense) = counts
        .iter()
        .fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
    let mut rows = Vec::new();
    for threads in thread_counts() {
        for norm in NORMS {
            let config = at_one_p(recipe.clone(), hidden, norm, steps + 1, data.len());
            let best = |mut trainer: Trainer| {
                let timed = on_threads(threads, || times(&mut trainer, threads, steps))?;
                let best = timed.into_iter().reduce(Time::shorter);
                Ok::<_, CliError>(1e3 * best.expect("there is at least one step").seconds())
            };
            let parent = Parent {
                sha256: Some(sha256.clone()),
                lineage: metadata.lineage.clone(),
            };
            let pruned = best(finetuning(config.clone(), (&net, parent), &data)?)?;
            let dense = best(new_trainer(config, &data)?)?;
            rows.push(Row {
                p: p_name(norm),
                threads,
                pruned_milliseconds: pruned,
                dense_milliseconds: dense,
                ratio: dense / pruned,
            });
        }
    }
    Ok(Report {
        batch: recipe.batch,
        widths,
        pruned,
        dense,
        steps,
        rows,
    })
}

fn finetuning(
    config: TrainConfig,
    (net, parent): (&ExactNet, Parent),
    data: &Dataset,
) -> Result<Trainer, CliError> {
    Trainer::finetune(config, (net, parent), data.clone())
        .map_err(|source| CliError::Begin { source })
}

impl Report {
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "training steps of {:?}, batch {}, best of {}: over the {} weights of the pruned net, and over all {}\n  p  threads      pruned     dense\n",
            self.widths, self.batch, self.steps, self.pruned, self.dense
        );
        for row in &self.rows {
            text += &format!(
                "{:>3}  {:7}  {:5.1} ms  {:5.1} ms  {:.1} times as fast\n",
                row.p, row.threads, row.pruned_milliseconds, row.dense_milliseconds, row.ratio
            );
        }
        text
    }
}
