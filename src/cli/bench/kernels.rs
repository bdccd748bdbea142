//! The distance and its gradients. A term is one `x − w`; forward and backward each take one for
//! every input, output and image.

use std::hint::black_box;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

use super::clock::Time;
use super::limits::Limits;
use super::{on_threads, p_name, thread_counts};
use crate::norm_dist::{Norm, Sizes, cpu};

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

/// What the weights are.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Weights {
    /// N(0, 1): the hardest case, as many differences are nearly the largest.
    Random,
    /// The same with the −10 of the identity start: the case that training begins with.
    Start,
}

pub(super) fn measure(patience: Duration) -> Report {
    let limits = Limits::measured(patience);
    let mut rows = Vec::new();
    for weights in [Weights::Random, Weights::Start] {
        for inputs in INPUTS {
            let layer = Layer::new(weights, inputs);
            for norm in NORMS {
                for threads in thread_counts() {
                    rows.push(layer.row(norm, threads, &limits, patience));
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

/// What one layer computes with.
struct Layer {
    weights: Weights,
    sizes: Sizes,
    x: Vec<f32>,
    w: Vec<f32>,
    grad: Vec<f32>,
}

impl Layer {
    fn new(weights: Weights, inputs: usize) -> Self {
        let mut w = normal(OUTPUTS * inputs, 2);
        if let Weights::Start = weights {
            for (o, row) in w.chunks_exact_mut(inputs).enumerate() {
                row[o % inputs] = -10.0;
            }
        }
        Self {
            weights,
            sizes: Sizes {
                batch: BATCH,
                outputs: OUTPUTS,
                inputs,
            },
            x: normal(BATCH * inputs, 1),
            w,
            grad: normal(BATCH * OUTPUTS, 3),
        }
    }

    fn row(&self, norm: Norm, threads: usize, limits: &Limits, patience: Duration) -> Row {
        let Self {
            weights,
            sizes,
            x,
            w,
            grad,
        } = self;
        let (forward_time, backward_time) = on_threads(threads, || {
            let u = cpu::forward(x, w, *sizes, norm);
            let forward = Time::best(threads, patience, || {
                black_box(cpu::forward(x, w, *sizes, norm));
            });
            let backward = Time::best(threads, patience, || {
                black_box(cpu::backward(x, w, &u, grad, *sizes, norm));
            });
            (forward, backward)
        });
        let terms = sizes.batch * sizes.outputs * sizes.inputs;
        let (forward, backward) = (rate(terms, forward_time), rate(terms, backward_time));
        let both = in_turn(forward, backward);
        Row {
            weights: *weights,
            inputs: sizes.inputs,
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
}

/// The rate of as many terms at one rate as at the other.
fn in_turn(forward: f64, backward: f64) -> f64 {
    2.0 / (1.0 / forward + 1.0 / backward)
}

/// In 1e9 terms per second.
pub(super) fn rate(terms: usize, time: Time) -> f64 {
    terms as f64 / time.seconds() / 1e9
}

pub(super) fn normal(count: usize, seed: u64) -> Vec<f32> {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    StandardNormal.sample_iter(rng).take(count).collect()
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
