//! Measures whole training steps at several p: a batch forward, backward and through Adam.

use std::path::Path;

use burn::tensor::Device;
use serde::Serialize;

use super::clock::Time;
use super::{DatasetName, on_threads, p_name, thread_counts};
use crate::cli::CliError;
use crate::data::{Dataset, Split};
use crate::net::WeightInit;
use crate::norm_dist::Norm;
use crate::train::{TrainConfig, Trainer};

/// The schedule rounds these to the nearest quick exponents, see [`Norm::quick`].
const NORMS: [Norm; 5] = [
    Norm::P(8.0),
    Norm::P(30.0),
    Norm::P(100.0),
    Norm::P(300.0),
    Norm::Inf,
];

/// Widths of the hidden layers, as of the peers in bench/peers/.
const HIDDEN: [usize; 3] = [1024; 3];

#[derive(Serialize)]
pub(super) struct Report {
    batch: usize,
    hidden: Vec<usize>,
    /// Number of steps at each p.
    steps: usize,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    p: String,
    threads: usize,
    /// Shortest step, and mean of all steps.
    milliseconds: f64,
    mean_milliseconds: f64,
    time: Time,
}

pub(super) fn measure(data_dir: &Path, steps: usize) -> Result<Report, CliError> {
    let data = DatasetName::mnist().load(data_dir, Split::Train)?;
    let batch = recipe().batch;
    let mut rows = Vec::new();
    for threads in thread_counts() {
        for norm in NORMS {
            let mut trainer = trainer(&HIDDEN, norm, steps + 1, &data)?;
            let timed = on_threads(threads, || times(&mut trainer, threads, steps))?;
            let best = timed.iter().copied().reduce(Time::shorter);
            let best = best.expect("there is at least one step");
            let sum: f64 = timed.iter().map(|time| time.seconds()).sum();
            rows.push(Row {
                p: p_name(norm),
                threads,
                milliseconds: 1e3 * best.seconds(),
                mean_milliseconds: 1e3 * sum / timed.len() as f64,
                time: best,
            });
        }
    }
    Ok(Report {
        batch,
        hidden: HIDDEN.into(),
        steps,
        rows,
    })
}

/// The preset `standard` with its original hyperparameters, so that figures can be compared with older
/// ones.
pub(super) fn recipe() -> TrainConfig {
    TrainConfig {
        weight_init: WeightInit::Identity,
        p_end: 1000.0,
        learning_rate: 0.02,
        ..TrainConfig::preset("standard").expect("it is there")
    }
}

/// Creates a trainer of `steps` steps at one p, from scratch.
pub(super) fn trainer(
    hidden: &[usize],
    norm: Norm,
    steps: usize,
    data: &Dataset,
) -> Result<Trainer, CliError> {
    new_trainer(at_one_p(recipe(), hidden, norm, steps, data.len()), data)
}

/// The recipe for `steps` steps at one p, on a training set of so many images.
pub(super) fn at_one_p(
    recipe: TrainConfig,
    hidden: &[usize],
    norm: Norm,
    steps: usize,
    images: usize,
) -> TrainConfig {
    // More steps than an epoch of all images has are several.
    let per_epoch = steps.min(images / recipe.batch);
    let epochs = steps.div_ceil(per_epoch);
    let (p, epochs_start, epochs_inf) = match norm {
        Norm::P(p) => (p, epochs, 0),
        Norm::Inf => (recipe.p_start, 0, epochs),
    };
    TrainConfig {
        hidden: hidden.to_vec(),
        images: recipe.batch * per_epoch,
        held_out: 0,
        epochs_start,
        epochs_growth: 0,
        epochs_inf,
        p_start: p,
        p_end: p,
        ..recipe
    }
}

pub(super) fn new_trainer(config: TrainConfig, data: &Dataset) -> Result<Trainer, CliError> {
    Trainer::new(config, data.clone(), Device::flex()).map_err(|source| CliError::Begin { source })
}

/// Measures `steps` steps, after one that is not timed.
pub(super) fn times(
    trainer: &mut Trainer,
    threads: usize,
    steps: usize,
) -> Result<Vec<Time>, CliError> {
    let mut outcome = trainer.step();
    let mut times = Vec::new();
    for _ in 0..steps {
        if outcome.is_err() {
            break;
        }
        times.push(Time::of(threads, || outcome = trainer.step()));
    }
    match outcome {
        Ok(_) => Ok(times),
        Err(source) => Err(CliError::Begin { source }),
    }
}

impl Report {
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "training steps, hidden layers {:?}, batch {}\n  p  threads  best of {}  on average\n",
            self.hidden, self.batch, self.steps
        );
        for row in &self.rows {
            text += &format!(
                "{:>3}  {:7}  {:7.1} ms  {:7.1} ms\n",
                row.p, row.threads, row.milliseconds, row.mean_milliseconds
            );
        }
        text
    }
}
