//! The distance and its gradients. A term is one `x − w`; forward and backward each take one for
//! every input, output and image.

use std::hint::black_box;
use std::time::Duration;

use serde::Serialize;

use super::clock::Time;
use super::limits::Limits;
use super::{on_threads, p_name, thread_counts};
use crate::bench::layer::{Layer, Weights};
use crate::norm_dist::{Norm, Sizes};

const BATCH: usize = 128;
const OUTPUTS: usize = 1024;
const INPUTS: [usize; 2] = [784, 1024];
/// Training takes 98 and 322 where its schedule comes to 100 and 300: see [`Norm::quick`].
const NORMS: [Norm; 7] = [
    Norm::P(8.0),
    Norm::P(30.0),
    Norm::P(98.0),
    Norm::P(100.0),
    Norm::P(300.0),
    Norm::P(322.0),
    Norm::Inf,
];

#[derive(Serialize)]
pub(super) struct Report {
    batch: usize,
    outputs: usize,
    limits: Limits,
    rows: Vec<Row>,
}

/// Rates are in 1e9 terms per second.
#[derive(Serialize)]
struct Row {
    weights: Weights,
    inputs: usize,
    p: String,
    threads: usize,
    forward: f64,
    backward: f64,
    /// One after the other.
    both: f64,
    /// As shares of what the arithmetic alone allows, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    of_limit: Option<Shares>,
    forward_time: Time,
    backward_time: Time,
}

#[derive(Serialize)]
struct Shares {
    forward: f64,
    backward: f64,
    both: f64,
}

pub(super) fn measure(patience: Duration) -> Report {
    let limits = Limits::measured(patience);
    let mut rows = Vec::new();
    for weights in [Weights::Random, Weights::Start] {
        for inputs in INPUTS {
            let sizes = Sizes {
                batch: BATCH,
                outputs: OUTPUTS,
                inputs,
            };
            let layer = Layer::new(weights, sizes);
            for norm in NORMS {
                for threads in thread_counts() {
                    rows.push(row(weights, &layer, norm, threads, &limits, patience));
                }
            }
        }
    }
    Report {
        batch: BATCH,
        outputs: OUTPUTS,
        limits,
        rows,
    }
}

fn row(
    weights: Weights,
    layer: &Layer,
    norm: Norm,
    threads: usize,
    limits: &Limits,
    patience: Duration,
) -> Row {
    let (forward_time, backward_time) = on_threads(threads, || {
        let distances = layer.forward(norm);
        let forward = Time::best(threads, patience, || {
            black_box(layer.forward(norm));
        });
        let backward = Time::best(threads, patience, || {
            black_box(layer.backward(&distances, norm));
        });
        (forward, backward)
    });
    let terms = layer.terms();
    let (forward, backward) = (rate(terms, forward_time), rate(terms, backward_time));
    let both = in_turn(forward, backward);
    Row {
        weights,
        inputs: layer.sizes.inputs,
        p: p_name(norm),
        threads,
        forward,
        backward,
        both,
        of_limit: limits
            .at(norm, threads)
            .map(|(of_forward, of_backward)| Shares {
                forward: forward / of_forward,
                backward: backward / of_backward,
                both: both / in_turn(of_forward, of_backward),
            }),
        forward_time,
        backward_time,
    }
}

/// The rate of as many terms at one rate as at the other.
fn in_turn(forward: f64, backward: f64) -> f64 {
    2.0 / (1.0 / forward + 1.0 / backward)
}

/// In 1e9 terms per second.
pub(super) fn rate(terms: usize, time: Time) -> f64 {
    terms as f64 / time.seconds() / 1e9
}

impl Report {
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "distance and gradients, batch {}, {} outputs: 1e9 terms per second (of the limit)\n\
             weights  inputs    p  threads  forward         backward        both\n",
            self.batch, self.outputs
        );
        for row in &self.rows {
            let figure = |rate: f64, share: Option<f64>| match share {
                Some(share) => format!("{rate:5.1} ({:2.0} %) ", 100.0 * share),
                None => format!("{rate:5.1}        "),
            };
            let shares = row.of_limit.as_ref();
            let weights = match row.weights {
                Weights::Random => "random",
                Weights::Start => "start",
            };
            text += &format!(
                "{weights:7}  {:6}  {:>3}  {:7}  {}  {}  {}\n",
                row.inputs,
                row.p,
                row.threads,
                figure(row.forward, shares.map(|shares| shares.forward)),
                figure(row.backward, shares.map(|shares| shares.backward)),
                figure(row.both, shares.map(|shares| shares.both)),
            );
        }
        text
    }
}
