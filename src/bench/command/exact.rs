//! Measures the exact integer network on one thread: dense, pruned, and pruned with early exit. It checks
//! that all give the same bits.

use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::clock::Time;
use super::{DatasetName, first_member, on_threads};
use crate::cli::{CliError, read_model};
use crate::data::{Split, sha256_hex};
use crate::exact::{CsrLayer, DenseNet, ExactNet, logits_of_members};
use crate::norm_dist::{Norm, Sizes, cpu};

/// Test images that are evaluated.
const IMAGES: usize = 512;
/// Test images that the slow reference evaluates.
const REFERENCE_IMAGES: usize = 32;
/// Images in a batch of the dense kernel, as in training.
const BATCH: usize = 128;

#[derive(Serialize)]
pub(super) struct Report {
    architecture: String,
    model_sha256: String,
    images: usize,
    weights_kept: f64,
    rows: Vec<Row>,
    /// SHA-256 of all images' logits as little-endian 32-bit integers, which other programs can compare.
    logits_sha256: String,
    /// Whether all rows gave the same bits.
    same_bits: bool,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    microseconds_per_image: f64,
    /// Time divided by that of the last row.
    ratio: f64,
}

pub(super) fn measure(
    model: &Path,
    data_dir: &Path,
    patience: Duration,
) -> Result<Report, CliError> {
    let (model, model_sha256) = read_model(model)?;
    let net = &first_member(model.net);
    let test = DatasetName::mnist().load(data_dir, Split::Test)?;
    let images = &test.first(IMAGES).images;
    Ok(on_threads(1, || {
        Report::new(net, model_sha256, images, patience)
    }))
}

impl Report {
    fn new(net: &ExactNet, model_sha256: String, images: &[u8], patience: Duration) -> Self {
        let early = early_exit(net, images);
        let mut same_bits = true;
        let mut rows = Vec::new();
        let mut add = |name, images: &[u8], evaluate: &dyn Fn(&[u8]) -> Vec<i32>| {
            let logits = evaluate(images);
            same_bits &= logits == early[..logits.len()];
            let time = Time::best(1, patience, || {
                black_box(evaluate(black_box(images)));
            });
            rows.push(Row {
                name,
                microseconds_per_image: 1e6 * time.seconds() / (images.len() / net.inputs()) as f64,
                ratio: 0.0,
            });
        };
        let dense = DenseNet::from_exact(net);
        let few = &images[..images.len().min(REFERENCE_IMAGES * net.inputs())];
        add("dense, the specification in plain loops", few, &|images| {
            reference(&dense, images)
        });
        // The vector kernel needs a weight in every lane. In a fine-tuned net some units have no weight
        // that could fill the gaps.
        if let Some(dense) = dense.filled().filter(|_| net.is_exact_in_f32()) {
            let dense = VectorNet::new(&dense);
            add("dense, vectors, an image at a time", images, &|images| {
                dense.logits(images, 1)
            });
            add("dense, vectors, 128 images at a time", images, &|images| {
                dense.logits(images, BATCH)
            });
        }
        let sparse = net.to_sparse();
        add("pruned", images, &|images| pruned(net, &sparse, images));
        add("pruned, early exit", images, &|images| {
            early_exit(net, images)
        });
        add(
            "pruned, early exit, batches of 16 images",
            images,
            &|images| {
                let mut evaluator = net.batch_evaluator();
                evaluator.logits(images).expect("images of the net's size")
            },
        );
        let last = rows.last().expect("just added").microseconds_per_image;
        for row in &mut rows {
            row.ratio = row.microseconds_per_image / last;
        }
        let architecture = net.architecture();
        let widths: Vec<_> = architecture.iter().map(usize::to_string).collect();
        let bytes: Vec<_> = early.iter().flat_map(|logit| logit.to_le_bytes()).collect();
        Self {
            architecture: widths.join("-"),
            model_sha256,
            images: images.len() / net.inputs(),
            weights_kept: net.share_kept(),
            rows,
            logits_sha256: sha256_hex(&bytes),
            same_bits,
        }
    }

    pub fn to_text(&self) -> String {
        let mut text = format!(
            "exact network {}, {:.1} % of its weights after pruning, {} images on one thread; bits {}\n",
            self.architecture,
            100.0 * self.weights_kept,
            self.images,
            if self.same_bits { "agree" } else { "DIFFER" },
        );
        for row in &self.rows {
            text += &format!(
                "{:40} {:9.1} µs per image, {:7.1} times the last\n",
                row.name, row.microseconds_per_image, row.ratio
            );
        }
        text
    }
}

/// Computes logits, `[images, classes]`, as the page does.
pub(super) fn early_exit(net: &ExactNet, images: &[u8]) -> Vec<i32> {
    let mut evaluator = net.evaluator();
    let images = images.chunks_exact(net.inputs());
    images
        .flat_map(|image| {
            let logits = evaluator.logits(image).expect("images of the net's size");
            logits.to_vec()
        })
        .collect()
}

fn reference(net: &DenseNet, images: &[u8]) -> Vec<i32> {
    let scale = i64::from(net.scale());
    let mut logits = Vec::new();
    for image in images.chunks_exact(net.layers()[0].inputs) {
        let input: Vec<_> = image
            .iter()
            .map(|&level| i64::from(level) * scale)
            .collect();
        logits.extend(net.logits(&input).iter().map(|&logit| logit as i32));
    }
    logits
}

/// Computes logits from every weight of every unit after pruning.
fn pruned(net: &ExactNet, layers: &[CsrLayer], images: &[u8]) -> Vec<i32> {
    let scale = net.scale().cast_signed();
    let mut logits = Vec::new();
    for image in images.chunks_exact(net.inputs()) {
        let mut x: Vec<_> = image
            .iter()
            .map(|&level| i32::from(level) * scale)
            .collect();
        for layer in layers {
            let unit = |row: Range<usize>| {
                let weights = layer.pattern.columns()[row.clone()]
                    .iter()
                    .zip(&layer.weights[row]);
                let distances =
                    weights.map(|(&column, weight)| (x[column as usize] - weight).abs());
                distances.max().unwrap_or(0)
            };
            x = layer.pattern.rows().map(unit).collect();
        }
        logits.extend(logits_of_members(net.bias(), net.classes(), |unit| x[unit]));
    }
    logits
}

/// A dense net in floats, which represent all of its numbers exactly.
struct VectorNet {
    scale: f32,
    /// Outputs, inputs and weights of each layer.
    layers: Vec<(usize, usize, Vec<f32>)>,
    bias: Vec<i32>,
    classes: usize,
}

impl VectorNet {
    fn new(net: &DenseNet) -> Self {
        let layers = net.layers().iter().map(|layer| {
            let weights = layer.weight.iter().map(|&weight| weight as f32);
            (layer.outputs, layer.inputs, weights.collect())
        });
        Self {
            scale: net.scale() as f32,
            layers: layers.collect(),
            bias: net.bias().to_vec(),
            classes: net.bias().len() / net.members(),
        }
    }

    fn logits(&self, images: &[u8], batch: usize) -> Vec<i32> {
        let mut logits = Vec::new();
        let (_, inputs, _) = self.layers[0];
        for images in images.chunks(batch * inputs) {
            let batch = images.len() / inputs;
            let mut x: Vec<_> = images
                .iter()
                .map(|&level| f32::from(level) * self.scale)
                .collect();
            for (outputs, inputs, weights) in &self.layers {
                let sizes = Sizes {
                    batch,
                    outputs: *outputs,
                    inputs: *inputs,
                };
                x = cpu::forward(&x, weights, sizes, Norm::Inf);
            }
            for values in x.chunks_exact(self.bias.len()) {
                let value = |unit: usize| values[unit] as i32;
                logits.extend(logits_of_members(&self.bias, self.classes, value));
            }
        }
        logits
    }
}
