//! Measures how cost grows with the width of three hidden layers: a training epoch, estimated from
//! steps; the exact network per image; the model file.
//!
//! The number of weights after pruning depends on training, so each net is trained briefly, in the same
//! way for every width. A longer run leaves more weights.

use std::hint::black_box;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use burn::tensor::read_sync;
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;

use super::clock::Time;
use super::steps::{new_trainer, recipe, times, trainer};
use super::{DatasetName, exact, on_threads, p_name};
use crate::cli::{CliError, threads};
use crate::data::{Dataset, Split};
use crate::exact::{Metadata, Model, evaluate};
use crate::norm_dist::Norm;
use crate::train::{TrainConfig, Trainer};

/// The p at which an epoch is estimated.
const NORMS: [Norm; 3] = [Norm::of_quick(8), Norm::of_quick(98), Norm::Inf];
/// Steps that are timed at each p.
const STEPS: usize = 3;
/// Test images that the exact network is timed with.
const IMAGES: usize = 256;

#[derive(Serialize)]
pub(super) struct Report {
    threads: usize,
    /// Steps of the brief training.
    steps: usize,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    width: usize,
    /// Weights of the dense network.
    weights: usize,
    epochs: Vec<Epoch>,
    /// Clean accuracy on the whole test set, after the brief training.
    clean: f64,
    weights_kept: f64,
    /// Time of the exact network on one thread.
    microseconds_per_image: f64,
    bytes: usize,
    gzip_bytes: usize,
}

#[derive(Serialize)]
struct Epoch {
    p: String,
    seconds: f64,
}

pub(super) fn measure(
    data_dir: &Path,
    widths: &[usize],
    patience: Duration,
) -> Result<Report, CliError> {
    let training = DatasetName::mnist().load(data_dir, Split::Train)?;
    let test = DatasetName::mnist().load(data_dir, Split::Test)?;
    let rows = widths
        .iter()
        .map(|&width| row(width, &training, &test, patience));
    Ok(Report {
        threads: threads().get(),
        steps: brief(1).epochs() * brief(1).images / brief(1).batch,
        rows: rows.collect::<Result<_, _>>()?,
    })
}

/// The brief training.
fn brief(width: usize) -> TrainConfig {
    let recipe = recipe();
    TrainConfig {
        hidden: vec![width; 3],
        images: 25 * recipe.batch,
        held_out: 0,
        epochs_start: 2,
        epochs_growth: 2,
        epochs_inf: 1,
        ..recipe
    }
}

fn row(
    width: usize,
    training: &Dataset,
    test: &Dataset,
    patience: Duration,
) -> Result<Row, CliError> {
    let threads = threads().get();
    let mut epochs = Vec::new();
    for norm in NORMS {
        let mut trainer = trainer(&[width; 3], norm, STEPS + 1, training)?;
        let timed = on_threads(threads, || times(&mut trainer, threads, STEPS))?;
        let best = timed.into_iter().reduce(Time::shorter);
        let steps = training.len() / trainer.config().batch;
        epochs.push(Epoch {
            p: p_name(norm),
            seconds: best.expect("at least one step").seconds() * steps as f64,
        });
    }

    let mut trainer = new_trainer(brief(width), training)?;
    let model = on_threads(threads, || trained(&mut trainer))
        .map_err(|source| CliError::Begin { source })?;
    let net = &model.net;
    let images = &test.first(IMAGES).images;
    let time = on_threads(1, || {
        Time::best(1, patience, || {
            black_box(exact::early_exit(net, black_box(images)));
        })
    });
    let cores = NonZeroUsize::new(threads).expect("there is a processor");
    let epsilon = model.metadata.epsilon;
    let evaluation = evaluate(net, &test.images, &test.labels, epsilon, cores)
        .expect("data sets hold images of the size that the net was built for");
    let bytes = model.to_bytes();
    Ok(Row {
        width,
        weights: net.weights_kept().iter().map(|(_, all)| all).sum(),
        epochs,
        clean: evaluation.accuracies().clean,
        weights_kept: net.share_kept(),
        microseconds_per_image: 1e6 * time.per(IMAGES).seconds(),
        bytes: bytes.len(),
        gzip_bytes: gzip_size(&bytes),
    })
}

fn trained(trainer: &mut Trainer) -> Result<Model, crate::train::TrainError> {
    while !trainer.is_finished() {
        trainer.step()?;
    }
    let config = trainer.config();
    Ok(Model {
        net: read_sync(trainer.exact_net(config.images))?,
        metadata: Metadata {
            dataset: config.dataset.clone(),
            classes: Vec::new(),
            epsilon: config.epsilon,
            lineage: trainer.lineage()?,
            accuracies: None,
        },
    })
}

fn gzip_size(bytes: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.expect("memory takes whatever is written").len()
}

impl Report {
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "growth with the width of three hidden layers, trained for {} steps; epochs on {} threads\n\
             width    weights   epoch, s, by p                        clean   pruned    µs per image  file, kB (gzip)\n",
            self.steps, self.threads
        );
        for row in &self.rows {
            let epochs: Vec<_> = row
                .epochs
                .iter()
                .map(|epoch| format!("{:7.1} at {:>3}", epoch.seconds, epoch.p))
                .collect();
            text += &format!(
                "{:5}  {:9}  {}  {:5.2} %  {:6.3} %  {:9.1}  {:6} ({:6})\n",
                row.width,
                row.weights,
                epochs.join(" "),
                100.0 * row.clean,
                100.0 * row.weights_kept,
                row.microseconds_per_image,
                row.bytes / 1000,
                row.gzip_bytes / 1000,
            );
        }
        text
    }
}
