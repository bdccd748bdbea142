//! Training steps over the weights that a pruned net kept, beside steps over all of a net as wide.

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

/// Those that p passes on its way, as the schedule rounds them, and its end.
const NORMS: [Norm; 4] = [Norm::P(34.0), Norm::P(98.0), Norm::P(194.0), Norm::Inf];

#[derive(Serialize)]
pub(super) struct Report {
    batch: usize,
    widths: Vec<usize>,
    /// Weights that the net has, and that nets as wide can have.
    kept: usize,
    all: usize,
    /// At each p.
    steps: usize,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    p: String,
    threads: usize,
    /// Of the shortest step over the weights that are kept, and over all.
    kept_milliseconds: f64,
    all_milliseconds: f64,
    /// The second by the first.
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
    let (kept, all) = counts
        .iter()
        .fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
    let mut rows = Vec::new();
    for threads in thread_counts() {
        for norm in NORMS {
            let config = at_one_p(recipe.clone(), hidden, norm, steps + 1);
            let best = |mut trainer: Trainer| {
                let timed = on_threads(threads, || times(&mut trainer, threads, steps))?;
                let best = timed.into_iter().reduce(Time::shorter);
                Ok::<_, CliError>(1e3 * best.expect("there is at least one step").seconds())
            };
            let parent = Parent {
                sha256: Some(sha256.clone()),
                lineage: metadata.lineage.clone(),
            };
            let kept = best(finetuning(config.clone(), (&net, parent), dataset, &data)?)?;
            let all = best(new_trainer(config, &data)?)?;
            rows.push(Row {
                p: p_name(norm),
                threads,
                kept_milliseconds: kept,
                all_milliseconds: all,
                ratio: all / kept,
            });
        }
    }
    Ok(Report {
        batch: recipe.batch,
        widths,
        kept,
        all,
        steps,
        rows,
    })
}

fn finetuning(
    config: TrainConfig,
    (net, parent): (&ExactNet, Parent),
    dataset: DatasetName,
    data: &Dataset,
) -> Result<Trainer, CliError> {
    let (mean, std) = dataset.normalisation();
    Trainer::finetune(config, (net, parent), data.clone(), mean, std)
        .map_err(|source| CliError::Begin { source })
}

impl Report {
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "training steps of {:?}, batch {}, best of {}: over the {} weights that are kept, and over all {}\n  p  threads      kept       all\n",
            self.widths, self.batch, self.steps, self.kept, self.all
        );
        for row in &self.rows {
            text += &format!(
                "{:>3}  {:7}  {:5.1} ms  {:5.1} ms  {:.1} times as long\n",
                row.p, row.threads, row.kept_milliseconds, row.all_milliseconds, row.ratio
            );
        }
        text
    }
}
