//! How long a run takes on this machine, from the speed of the very kernels measured at a few p.
//!
//! A step's cost is that of its distance terms, forward and backward; how much one costs depends
//! on p, by a factor of ten. So one layer is timed at several p and a run is priced by its
//! schedule. Where weights are dropped as p grows, as many are taken to be left as a trained net
//! kept, and the kernels for few weights are timed as well. What else a step does is priced by the
//! step, and on the CPU by the weight, which all have their gradient and their moments: of small
//! nets it is a good part of the time.

use std::sync::Arc;
use std::time::Duration;

use burn::Tensor;
use burn::tensor::{Device, TensorData, Transaction};

use crate::data::{Dataset, DatasetDescription, Normalisation};
use crate::exact::Csr;
use crate::net::IDENTITY_WEIGHT;
use crate::norm_dist::{Norm, Sizes, cpu, norm_dist};
use crate::train::tensors::{ReadError, read_all};
use crate::train::{DeviceKind, Processor, Schedule, TrainConfig, TrainError, Trainer};

/// The p at which the kernels are timed: quick exponents, to which a schedule rounds. A run's p is priced
/// like the nearest of them.
const TIMED: [Norm; 6] = [
    Norm::of_quick(8),
    Norm::of_quick(26),
    Norm::of_quick(66),
    Norm::of_quick(194),
    Norm::of_quick(642),
    Norm::Inf,
];
/// Inputs and classes of what is timed: those of the data sets that the page has.
const INPUTS: usize = 784;
const CLASSES: usize = 10;
/// The layer that is timed: large enough for the kernels' tiles, small enough to take no time.
const SIZES: Sizes = Sizes {
    batch: 32,
    outputs: 64,
    inputs: INPUTS,
};
/// The layer that is timed on hardware made for more.
const LARGE_SIZES: Sizes = Sizes {
    batch: 128,
    outputs: 1024,
    inputs: INPUTS,
};
/// Timings of each p, of which the best counts: the first of them warm up caches and compilers.
const REPEATS: usize = 6;
/// Timings on a GPU, each of several layers, as every wait for it takes time of its own.
const GPU_REPEATS: usize = 3;
const GPU_LAYERS: usize = 4;
/// Inputs of the timed layer, of which one is kept.
const ONE_OF: usize = 8;
/// Share of the weights that are left where weights are dropped: so much by p, and at least the other.
/// `quick` kept 49, 32, 19, 11, 8 and 6 % after epochs that ended at p = 8, 12, 16, 22, 34 and 66.
const LEFT_TIMES_P: f64 = 4.0;
const LEFT_AT_LEAST: f64 = 0.05;
/// Steps whose cost beside their terms is measured, so many times over: of these, too, the best counts.
const STEPS: usize = 10;
const ROUNDS: usize = 4;
/// Hidden layers of nets that have next to no weights, and enough to tell what they cost.
const FEW_WEIGHTS: [usize; 2] = [1, 1];
const MANY_WEIGHTS: [usize; 2] = [64, 64];

/// What training costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CostModel {
    /// Seconds per distance term at each of [`TIMED`], forward and backward together.
    terms: [f64; TIMED.len()],
    /// The same where few weights are left, in a first layer, whose inputs need no gradient, and in the
    /// others; None on a GPU, which drops none.
    few_terms: Option<[[f64; TIMED.len()]; 2]>,
    /// Seconds per step beside that.
    step: f64,
    /// Seconds per weight and step beside both.
    weight: f64,
}

impl CostModel {
    /// Times the kernels, which takes a fraction of a second. `clock` is the time since any moment.
    pub async fn measure(
        processor: &Processor,
        clock: fn() -> Duration,
    ) -> Result<Self, TrainError> {
        match processor.info().kind {
            DeviceKind::Cpu => Self::of_cpu(processor.device(), clock).await,
            DeviceKind::Webgpu => {
                let software = processor.info().software;
                let sizes = if software { SIZES } else { LARGE_SIZES };
                Self::of_gpu(processor.device(), sizes, clock).await
            }
        }
    }

    async fn of_cpu(device: &Device, clock: fn() -> Duration) -> Result<Self, TrainError> {
        let (x, w) = layer(SIZES);
        let grad = vec![1.0; SIZES.batch * SIZES.outputs];
        let best = |pass: &dyn Fn()| {
            let timings = (0..REPEATS).map(|_| {
                let start = clock();
                pass();
                (clock() - start).as_secs_f64()
            });
            timings.fold(f64::INFINITY, f64::min) / terms(SIZES)
        };
        let terms = TIMED.map(|norm| {
            best(&|| {
                let (u, saved) = cpu::forward_saving(&x, &w, SIZES, norm);
                cpu::backward(&x, &w, (&u, &saved), &grad, SIZES, norm);
            })
        });
        let few = every(ONE_OF, SIZES);
        let few_w: Vec<_> = few
            .rows()
            .enumerate()
            .flat_map(|(o, row)| few.columns()[row].iter().map(move |&i| (o, i as usize)))
            .map(|(o, i)| w[o * SIZES.inputs + i])
            .collect();
        let few_terms = [false, true].map(|of_inputs| {
            TIMED.map(|norm| {
                let passes = best(&|| {
                    let u = cpu::sparse_forward(&x, &few_w, &few, norm);
                    cpu::sparse_backward(&x, &few_w, &u, &grad, &few, norm, of_inputs);
                });
                passes * ONE_OF as f64
            })
        });
        let step = step_without_terms(device, &FEW_WEIGHTS, clock).await?;
        let more = step_without_terms(device, &MANY_WEIGHTS, clock).await? - step;
        let weight = (more / (timed_weights(&MANY_WEIGHTS) - timed_weights(&FEW_WEIGHTS))).max(0.0);
        Ok(Self {
            terms,
            few_terms: Some(few_terms),
            step,
            weight,
        })
    }

    async fn of_gpu(
        device: &Device,
        sizes: Sizes,
        clock: fn() -> Duration,
    ) -> Result<Self, TrainError> {
        let (x, w) = layer(sizes);
        let autodiff = device.clone().autodiff();
        let matrix = |values: Vec<f32>, rows| {
            let data = TensorData::new(values, [rows, sizes.inputs]);
            Tensor::<2>::from_data(data, &autodiff).require_grad()
        };
        let (x, w) = (matrix(x, sizes.batch), matrix(w, sizes.outputs));
        let mut costs = [0.0; TIMED.len()];
        for (cost, norm) in costs.iter_mut().zip(TIMED) {
            let mut best = f64::INFINITY;
            for _ in 0..GPU_REPEATS {
                let start = clock();
                compute(&x, &w, norm).await?;
                best = best.min((clock() - start).as_secs_f64());
            }
            *cost = best / (GPU_LAYERS as f64 * terms(sizes));
        }
        Ok(Self {
            terms: costs,
            few_terms: None,
            step: step_without_terms(device, &FEW_WEIGHTS, clock).await?,
            weight: 0.0,
        })
    }

    /// Seconds of one step with `batch` images and so many weights, a distance term of which costs
    /// what `terms` says.
    fn step(&self, norm: Norm, batch: f64, weights: f64, terms: &[f64; TIMED.len()]) -> f64 {
        let log = |norm| match norm {
            Norm::P(p) => f32::ln(p),
            // Farther than any finite p that is timed.
            Norm::Inf => f32::MAX,
        };
        let away = |timed: Norm| (log(timed) - log(norm)).abs();
        let nearest = (0..TIMED.len())
            .min_by(|&a, &b| away(TIMED[a]).total_cmp(&away(TIMED[b])))
            .expect("some p are timed");
        terms[nearest] * batch * weights + self.weight * weights + self.step
    }

    /// What the iterations of a run cost whose net has these widths: each of a short run, and of a long
    /// one each of [`PRICED`] stretches, by its middle. That takes some 100 logarithms for each.
    pub fn eta(&self, config: &TrainConfig, widths: &[usize], schedule: &Schedule) -> Eta {
        let (batch, weights) = (config.batch as f64, weights(widths));
        let first = widths[0] as f64 * widths[1] as f64 / weights;
        let few_terms = self.few_terms.map(|[of_first, of_others]| {
            let mixed = |k: usize| first * of_first[k] + (1.0 - first) * of_others[k];
            std::array::from_fn(mixed)
        });
        let per_epoch = schedule.iterations() / config.epochs().max(1);
        let after = config.prune_from_epoch;
        let seconds = |iteration| {
            let norm = schedule.at(iteration).norm;
            let few_are_left = after > 0 && iteration >= after.saturating_mul(per_epoch);
            match &few_terms {
                Some(terms) if few_are_left => {
                    // What is left was chosen when the epoch began.
                    let p = schedule.at(iteration.saturating_sub(per_epoch)).norm.p();
                    let left = (LEFT_TIMES_P / f64::from(p)).clamp(LEFT_AT_LEAST, 1.0);
                    self.step(norm, batch, left * weights, terms)
                }
                _ => self.step(norm, batch, weights, &self.terms),
            }
        };
        let iterations = schedule.iterations();
        let stretches = iterations.clamp(1, PRICED);
        let edge = |index: usize| (index as u128 * iterations as u128 / stretches as u128) as usize;
        let edges: Vec<_> = (0..=stretches).map(edge).collect();
        let mut until = vec![0.0];
        let mut sum = 0.0;
        for ends in edges.windows(2) {
            sum += (ends[1] - ends[0]) as f64 * seconds(ends[0].midpoint(ends[1]));
            until.push(sum);
        }
        Eta { edges, until }
    }
}

/// Stretches of a schedule that are priced one by one, so that the price of a long schedule costs no more
/// than that of a short one.
const PRICED: usize = 4096;

/// What a run costs.
#[derive(Debug, PartialEq)]
pub(super) struct Eta {
    /// The iterations at which a stretch begins, and the last one's end.
    edges: Vec<usize>,
    /// Seconds up to each of them.
    until: Vec<f64>,
}

impl Eta {
    /// Seconds from iteration `from` up to `to`.
    pub fn seconds(&self, from: usize, to: usize) -> f64 {
        self.until(to) - self.until(from)
    }

    /// Seconds from the beginning to the end.
    pub fn all(&self) -> f64 {
        self.until[self.until.len() - 1]
    }

    /// Seconds up to an iteration, all of a stretch taken to last alike.
    fn until(&self, iteration: usize) -> f64 {
        let after = self.edges.partition_point(|&edge| edge <= iteration);
        if after == self.edges.len() {
            return self.all();
        }
        let (from, to) = (self.edges[after - 1], self.edges[after]);
        let part = (iteration - from) as f64 / (to - from) as f64;
        self.until[after - 1] + part * (self.until[after] - self.until[after - 1])
    }
}

/// A layer with one in so many of its weights.
fn every(nth: usize, sizes: Sizes) -> Csr {
    let columns = (0..sizes.outputs).flat_map(|o| (o % nth..sizes.inputs).step_by(nth));
    let columns: Vec<_> = columns.map(|column| column as u32).collect();
    let starts = (0..=sizes.outputs).map(|o| (o * sizes.inputs / nth) as u32);
    Csr::new(sizes.inputs, starts.collect(), columns).expect("the timed layer is a layer")
}

/// Inputs and weights of a layer as they are in a real one: no two values alike, and in each unit one
/// weight far from the others, which is what the kernels skip most of them for.
fn layer(sizes: Sizes) -> (Vec<f32>, Vec<f32>) {
    let wave = |k: usize| ((k * 7919) % 1009) as f32 / 500.0 - 1.0;
    let x = (0..sizes.batch * sizes.inputs).map(wave).collect();
    let weight = |k: usize| match k / sizes.inputs % sizes.inputs == k % sizes.inputs {
        true => IDENTITY_WEIGHT,
        false => 1.7 * wave(k + 13),
    };
    (x, (0..sizes.outputs * sizes.inputs).map(weight).collect())
}

fn terms(sizes: Sizes) -> f64 {
    (sizes.batch * sizes.outputs * sizes.inputs) as f64
}

/// Some layers forward and backward, until the GPU is done with them.
async fn compute(x: &Tensor<2>, w: &Tensor<2>, norm: Norm) -> Result<(), ReadError> {
    let mut results = Transaction::default();
    for _ in 0..GPU_LAYERS {
        let grads = norm_dist(x.clone(), w.clone(), norm).sum().backward();
        for tensor in [x, w] {
            let gradient = tensor.grad(&grads).expect("the distance depends on both");
            results = results.register(gradient.narrow(0, 0, 1).narrow(1, 0, 1));
        }
    }
    read_all(results).await.map(drop)
}

/// Seconds of a training step of two images, whose distance terms cost next to nothing.
async fn step_without_terms(
    device: &Device,
    hidden: &[usize],
    clock: fn() -> Duration,
) -> Result<f64, TrainError> {
    let config = TrainConfig {
        hidden: hidden.to_vec(),
        batch: 2,
        held_out: 0,
        epochs_start: ROUNDS * STEPS,
        ..TrainConfig::preset("tiny")?
    };
    let description =
        DatasetDescription::in_memory("timed", [1, INPUTS], CLASSES, Normalisation::IDENTITY);
    let images = Dataset {
        description: Arc::new(description),
        images: vec![0; 2 * INPUTS],
        labels: vec![0; 2],
    };
    let mut trainer = Trainer::new(config, images, device.clone())?;
    let mut seconds = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = clock();
        for _ in 0..STEPS {
            trainer.step()?;
        }
        trainer.read().await?;
        seconds = seconds.min((clock() - start).as_secs_f64());
    }
    Ok(seconds / STEPS as f64)
}

/// Weights of a net of these widths: the distance terms of a step for each of its images.
fn weights(widths: &[usize]) -> f64 {
    let weights: usize = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
    weights as f64
}

/// Weights of a net with these hidden layers that is timed.
fn timed_weights(hidden: &[usize]) -> f64 {
    weights(&[&[INPUTS], hidden, &[CLASSES]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_costs_its_terms_at_the_p_of_each_step() {
        // p = 8 costs one unit a term, p = ∞ a tenth; the rest is not met here.
        // A step by itself costs two, and a hundredth for each weight.
        let speed = CostModel {
            terms: [1.0, 0.0, 0.0, 0.0, 0.0, 0.1],
            few_terms: Some([
                [0.0, 0.0, 0.0, 0.0, 0.0, 0.3],
                [0.0, 0.0, 0.0, 0.0, 0.0, 0.5],
            ]),
            step: 2.0,
            weight: 0.01,
        };
        let config = TrainConfig {
            hidden: vec![3],
            batch: 2,
            epochs_start: 1,
            epochs_growth: 0,
            epochs_inf: 1,
            ..TrainConfig::preset("tiny").unwrap()
        };
        let widths = [784, 3, 10];
        let weights = 784.0 * 3.0 + 3.0 * 10.0;
        let schedule = Schedule::new(&config, 5);
        let eta = speed.eta(&config, &widths, &schedule);
        let seconds = eta.all();
        let expected = 2.0 * weights * (5.0 + 0.5) + 10.0 * (2.0 + 0.01 * weights);
        assert!((seconds - expected).abs() < 1e-6, "{seconds}");
        assert_eq!(seconds, eta.seconds(0, 5) + eta.seconds(5, 10));
        assert_eq!(eta.seconds(10, 10), 0.0);

        // After an epoch at p = 8 half of the weights are left.
        let gradual_pruning = TrainConfig {
            prune_from_epoch: 1,
            ..config.clone()
        };
        let seconds = speed
            .eta(&gradual_pruning, &widths, &schedule)
            .seconds(5, 10);
        let terms = 0.3 * 784.0 * 3.0 + 0.5 * 3.0 * 10.0;
        let expected = 2.0 * terms / 2.0 * 5.0 + 5.0 * (2.0 + 0.01 * weights / 2.0);
        assert!((seconds - expected).abs() < 1e-6, "{seconds}");
        let gpu = CostModel {
            few_terms: None,
            ..speed
        };
        let [all, left] =
            [&config, &gradual_pruning].map(|config| gpu.eta(config, &widths, &schedule));
        assert_eq!(all, left);
    }
}
