//! Measures the distance and its gradients. A term is one `x − w`; forward and backward each have one
//! term for every input, output and image.

use std::hint::black_box;
use std::time::Duration;

use serde::Serialize;

use super::clock::{Time, Turns};
use super::roofline::{self, Roofline};
use super::{on_threads, p_name, thread_counts};
use crate::bench::layer::{Layer, Weights};
use crate::norm_dist::{Norm, Sizes};

const BATCH: usize = 128;
const OUTPUTS: usize = 1024;
const INPUTS: [usize; 2] = [784, 1024];
/// The schedule of training rounds 100 to 98 and 300 to 322, see [`Norm::quick`].
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
    /// Forward, then backward.
    both: f64,
    /// Shares of the roofline, for the p that have one: the median of measurements that alternate with
    /// the roofline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    of_roofline: Option<Shares>,
    forward_time: Time,
    backward_time: Time,
    /// Time of the roofline's arithmetic for as many terms, for the p that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    forward_roofline_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backward_roofline_time: Option<Time>,
}

#[derive(Serialize)]
struct Shares {
    forward: f64,
    backward: f64,
    both: f64,
}

pub(super) fn measure(patience: Duration) -> Report {
    let mut rows = Vec::new();
    for weights in [Weights::Random, Weights::Identity] {
        for inputs in INPUTS {
            let sizes = Sizes {
                batch: BATCH,
                outputs: OUTPUTS,
                inputs,
            };
            let layer = Layer::new(weights, sizes);
            for norm in NORMS {
                for threads in thread_counts() {
                    rows.push(row(weights, &layer, norm, threads, patience));
                }
            }
        }
    }
    Report {
        batch: BATCH,
        outputs: OUTPUTS,
        rows,
    }
}

fn row(weights: Weights, layer: &Layer, norm: Norm, threads: usize, patience: Duration) -> Row {
    let terms = layer.terms();
    let (forward, backward) = on_threads(threads, || {
        let distances = layer.forward(norm);
        let forward = || drop(black_box(layer.forward(norm)));
        let backward = || drop(black_box(layer.backward(&distances, norm)));
        (
            measure_pass(roofline::forward(norm), terms, threads, patience, forward),
            measure_pass(roofline::backward(norm), terms, threads, patience, backward),
        )
    });
    let (forward_time, backward_time) = (forward.time, backward.time);
    let [forward_rate, backward_rate] = [forward_time, backward_time].map(|time| rate(terms, time));
    Row {
        weights,
        inputs: layer.sizes.inputs,
        p: p_name(norm),
        threads,
        forward: forward_rate,
        backward: backward_rate,
        both: 2.0 / (1.0 / forward_rate + 1.0 / backward_rate),
        of_roofline: forward
            .of_roofline
            .zip(backward.of_roofline)
            .map(|shares| Shares {
                forward: shares.0,
                backward: shares.1,
                both: (shares.0 * forward_time.seconds() + shares.1 * backward_time.seconds())
                    / (forward_time.seconds() + backward_time.seconds()),
            }),
        forward_time,
        backward_time,
        forward_roofline_time: forward.roofline_time,
        backward_roofline_time: backward.roofline_time,
    }
}

/// Measurements of one pass, and of its roofline if there is one.
struct Pass {
    time: Time,
    roofline_time: Option<Time>,
    of_roofline: Option<f64>,
}

/// Measures a pass of `terms` terms, in the current pool of `threads` threads.
fn measure_pass(
    roofline: Option<Roofline>,
    terms: usize,
    threads: usize,
    patience: Duration,
    pass: impl FnMut(),
) -> Pass {
    let Some(roofline) = roofline else {
        return Pass {
            time: Time::best(threads, patience, pass),
            roofline_time: None,
            of_roofline: None,
        };
    };
    let turns = Turns::of(threads, 2 * patience, pass, || roofline(terms));
    Pass {
        time: turns.one,
        roofline_time: Some(turns.other),
        of_roofline: Some(turns.ratio),
    }
}

/// Returns 1e9 terms per second.
fn rate(terms: usize, time: Time) -> f64 {
    terms as f64 / time.seconds() / 1e9
}

impl Report {
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "distance and gradients, batch {}, {} outputs: 1e9 terms per second (of the roofline)\n\
             weights   inputs    p  threads  forward         backward        both\n",
            self.batch, self.outputs
        );
        for row in &self.rows {
            let figure = |rate: f64, share: Option<f64>| match share {
                Some(share) => format!("{rate:5.1} ({:2.0} %) ", 100.0 * share),
                None => format!("{rate:5.1}        "),
            };
            let shares = row.of_roofline.as_ref();
            let weights = match row.weights {
                Weights::Random => "random",
                Weights::Identity => "identity",
            };
            text += &format!(
                "{weights:8}  {:6}  {:>3}  {:7}  {}  {}  {}\n",
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
