//! Measures the kernels on a GPU, beside its roofline and beside the same layer written with Burn's own
//! operations. The browser and the command line print the same rows.
//!
//! A distance term is one `|x − w|^p`; forward and backward count each term once. A timing is the best of
//! several. Each takes a fraction of a second, since waiting for a GPU alone takes milliseconds.

use std::sync::Arc;
use std::time::Duration;

use burn::Tensor;
use burn::backend::Dispatch;
use burn::tensor::{Device, TensorData};
use serde::Serialize;

use crate::data::{Dataset, DatasetDescription, Normalisation};
use crate::gpu::Gpu;
use crate::norm_dist::{Arithmetic, Norm, NormDist, ROOFLINE_TERMS, Roofline, Sizes, norm_dist};
use crate::train::tensors::{ReadError, read};
use crate::train::{TrainConfig, TrainError, Trainer};

/// The p that are measured.
const NORMS: [Norm; 5] = [
    Norm::P(8.0),
    Norm::P(30.0),
    Norm::P(100.0),
    Norm::P(300.0),
    Norm::Inf,
];
/// Inputs of the first layer of a net for MNIST.
const INPUTS: usize = 784;
/// Layers for hardware: those that the CPU's benchmark has.
const LAYERS: [Sizes; 2] = [sizes(128, 1024, INPUTS), sizes(128, 1024, 1024)];
/// A layer that software computes in a moment.
const SMALL_LAYER: Sizes = sizes(64, 64, 256);
/// A layer whose `[batch, outputs, inputs]` tensor fits a buffer of any GPU.
const BROADCAST_LAYER: Sizes = sizes(32, 256, INPUTS);
/// Timings of which the best counts.
const REPEATS: usize = 3;
/// Shortest time of a timing on hardware.
const WINDOW: Duration = Duration::from_millis(60);
/// Most runs of a timing.
const MOST_RUNS: usize = 200;
/// Fewest and most steps of training that are timed together.
const STEPS: [usize; 2] = [10, 100];
/// Time that these steps should take.
const STEPS_WINDOW: Duration = Duration::from_millis(400);

const fn sizes(batch: usize, outputs: usize, inputs: usize) -> Sizes {
    Sizes {
        batch,
        outputs,
        inputs,
    }
}

/// Measurements of one GPU.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GpuBenchmark {
    /// Name of the adapter.
    pub adapter: String,
    /// Whether it is a software adapter, which runs on the CPU.
    pub software: bool,
    /// The roofline of each kind of arithmetic.
    pub rooflines: Vec<ArithmeticRoofline>,
    /// Timings of the kernels, and of Burn's operations where their name says so.
    pub timings: Vec<Timing>,
    /// Whole steps of training.
    pub steps: Vec<StepTiming>,
}

/// The rate of the arithmetic of a distance alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArithmeticRoofline {
    /// The operations of one term.
    pub arithmetic: String,
    /// Terms per second.
    pub terms_per_second: f64,
}

/// One kernel on one layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// Name of the kernel.
    pub kernel: String,
    /// The p; None for ∞.
    pub p: Option<f32>,
    /// Images.
    pub batch: usize,
    /// Units.
    pub outputs: usize,
    /// Inputs of each unit.
    pub inputs: usize,
    /// Seconds of one run.
    pub seconds: f64,
    /// Distance terms per second.
    pub terms_per_second: f64,
    /// Share of the roofline of its arithmetic, if that was measured.
    pub share_of_roofline: Option<f64>,
}

/// Steps of training at one p.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepTiming {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Images in a batch.
    pub batch: usize,
    /// The p; None for ∞.
    pub p: Option<f32>,
    /// Steps per second.
    pub steps_per_second: f64,
}

/// Measures everything, which takes some seconds. `clock` returns the time since a fixed moment.
///
/// # Errors
/// Fails if the device does not answer.
pub async fn benchmark(gpu: &Gpu, clock: fn() -> Duration) -> Result<GpuBenchmark, TrainError> {
    let bench = Bench {
        device: gpu.device(),
        software: gpu.is_software(),
        clock,
    };
    let mut rooflines: Vec<(Arithmetic, f64)> = Vec::new();
    for arithmetic in NORMS.map(Arithmetic::of) {
        if rooflines.iter().all(|(of, _)| *of != arithmetic) {
            rooflines.push((arithmetic, bench.roofline(arithmetic).await?));
        }
    }
    let layers = if bench.software {
        &[SMALL_LAYER][..]
    } else {
        &LAYERS[..]
    };
    let mut timings = Vec::new();
    for &sizes in layers {
        for norm in NORMS {
            let roofline = rooflines.iter().find(|(of, _)| *of == Arithmetic::of(norm));
            let roofline = roofline.map(|(_, roofline)| *roofline);
            timings.push(bench.forward(sizes, norm, roofline).await?);
            timings.push(bench.gradients(sizes, norm, roofline).await?);
        }
    }
    let shared = if bench.software {
        SMALL_LAYER
    } else {
        BROADCAST_LAYER
    };
    for norm in [Norm::P(8.0), Norm::P(30.0), Norm::Inf] {
        timings.push(
            bench
                .both(shared, norm, "ours, forward and gradients", norm_dist)
                .await?,
        );
        timings.push(
            bench
                .both(
                    shared,
                    norm,
                    "Burn's operations, forward and gradients",
                    broadcast,
                )
                .await?,
        );
    }
    let mut steps = Vec::new();
    for norm in [Norm::P(8.0), Norm::P(100.0), Norm::Inf] {
        steps.push(bench.step(norm).await?);
    }
    let rooflines =
        rooflines
            .into_iter()
            .map(|(arithmetic, terms_per_second)| ArithmeticRoofline {
                arithmetic: arithmetic.to_string(),
                terms_per_second,
            });
    Ok(GpuBenchmark {
        adapter: gpu.name().into(),
        software: gpu.is_software(),
        rooflines: rooflines.collect(),
        timings,
        steps,
    })
}

fn finite(norm: Norm) -> Option<f32> {
    match norm {
        Norm::P(p) => Some(p),
        Norm::Inf => None,
    }
}

/// The layer as a user of Burn would write it, with a tensor `[batch, outputs, inputs]`.
fn broadcast(x: Tensor<2>, w: Tensor<2>, norm: Norm) -> Tensor<2> {
    let d = (x.unsqueeze_dim::<3>(1) - w.unsqueeze_dim::<3>(0)).abs();
    match norm {
        Norm::Inf => d.max_dim(2),
        // Powers of unscaled differences would overflow.
        Norm::P(p) => {
            let largest = d.clone().max_dim(2).detach();
            let sum = (d / largest.clone()).powf_scalar(p).sum_dim(2);
            sum.powf_scalar(1.0 / p) * largest
        }
    }
    .squeeze_dim(2)
}

struct Bench<'a> {
    device: &'a Device,
    software: bool,
    clock: fn() -> Duration,
}

impl Bench<'_> {
    /// Returns the seconds of one run of `work`. Reading its result tells when it is done.
    async fn time(&self, mut work: impl FnMut() -> Tensor<2>) -> Result<f64, ReadError> {
        // The first run compiles, the second determines the number of runs in a timing.
        let mut seconds = 0.0;
        for _ in 0..2 {
            seconds = self.runs(1, &mut work).await?;
        }
        let runs = match self.software {
            true => 1,
            false => ((WINDOW.as_secs_f64() / seconds) as usize).clamp(1, MOST_RUNS),
        };
        let mut best = f64::INFINITY;
        for _ in 0..REPEATS {
            best = best.min(self.runs(runs, &mut work).await? / runs as f64);
        }
        Ok(best)
    }

    async fn runs(
        &self,
        runs: usize,
        work: &mut impl FnMut() -> Tensor<2>,
    ) -> Result<f64, ReadError> {
        let start = (self.clock)();
        for _ in 1..runs {
            work();
        }
        let corner = work().narrow(0, 0, 1).narrow(1, 0, 1);
        read(corner).await?;
        Ok(self.since(start))
    }

    /// Returns the seconds since `start`: more than 0, although a browser's clock may not have advanced.
    fn since(&self, start: Duration) -> f64 {
        ((self.clock)() - start).as_secs_f64().max(1e-5)
    }

    async fn roofline(&self, arithmetic: Arithmetic) -> Result<f64, ReadError> {
        let (workgroups, rounds) = if self.software {
            (4, 200)
        } else {
            (1024, 4096)
        };
        let seed = [1e-6, 0.5, 0.25, 0.125, 0.75, 0.375, 0.625, 0.875];
        let seed = Tensor::<2>::from_data([seed], self.device);
        let seconds = self
            .time(|| {
                let seed = seed.clone().into_dispatch();
                Tensor::from_dispatch(Dispatch::roofline(seed, workgroups, rounds, arithmetic))
            })
            .await?;
        Ok((workgroups * rounds * ROOFLINE_TERMS) as f64 / seconds)
    }

    /// Returns a matrix of numbers spread over ±`scale`.
    fn matrix(&self, rows: usize, columns: usize, scale: f32) -> Tensor<2> {
        let wave = |k: usize| scale * (((k * 7919) % 10_007) as f32 / 5_000.0 - 1.0);
        let values: Vec<f32> = (0..rows * columns).map(wave).collect();
        Tensor::from_data(TensorData::new(values, [rows, columns]), self.device)
    }

    fn inputs(&self, sizes: Sizes) -> (Tensor<2>, Tensor<2>) {
        (
            self.matrix(sizes.batch, sizes.inputs, 1.0),
            self.matrix(sizes.outputs, sizes.inputs, 1.7),
        )
    }

    async fn forward(
        &self,
        sizes: Sizes,
        norm: Norm,
        roofline: Option<f64>,
    ) -> Result<Timing, ReadError> {
        let (x, w) = self.inputs(sizes);
        let seconds = self.time(|| norm_dist(x.clone(), w.clone(), norm)).await?;
        Ok(timing("forward", norm, sizes, 1, seconds, roofline))
    }

    async fn gradients(
        &self,
        sizes: Sizes,
        norm: Norm,
        roofline: Option<f64>,
    ) -> Result<Timing, ReadError> {
        let (x, w) = self.inputs(sizes);
        let grad = self.matrix(sizes.batch, sizes.outputs, 1.0);
        let [x, w, grad] = [x, w, grad].map(|tensor| tensor.into_dispatch());
        let distances = Dispatch::norm_dist_saving(x.clone(), w.clone(), norm);
        let seconds = self
            .time(|| {
                let [x, w, grad] = [&x, &w, &grad].map(Clone::clone);
                let (_, dw) = Dispatch::norm_dist_backward(x, w, distances.clone(), grad, norm);
                Tensor::from_dispatch(dw)
            })
            .await?;
        Ok(timing("both gradients", norm, sizes, 1, seconds, roofline))
    }

    /// Times forward and backward of `layer` through autodiff.
    async fn both(
        &self,
        sizes: Sizes,
        norm: Norm,
        kernel: &str,
        layer: fn(Tensor<2>, Tensor<2>, Norm) -> Tensor<2>,
    ) -> Result<Timing, ReadError> {
        let (x, w) = self.inputs(sizes);
        let [x, w] = [x, w].map(|tensor| tensor.autodiff().require_grad());
        let seconds = self
            .time(|| {
                let grads = layer(x.clone(), w.clone(), norm).sum().backward();
                w.grad(&grads).expect("the distance depends on the weights")
            })
            .await?;
        Ok(timing(kernel, norm, sizes, 2, seconds, None))
    }

    async fn step(&self, norm: Norm) -> Result<StepTiming, TrainError> {
        let (hidden, batch) = if self.software {
            (vec![32], 16)
        } else {
            (vec![1024; 3], 128)
        };
        let (finite_epochs, p) = match norm {
            Norm::P(p) => (1, p),
            Norm::Inf => (0, 8.0),
        };
        let epoch = 2 * STEPS[0] + STEPS[1] * REPEATS;
        let config = TrainConfig {
            hidden: hidden.clone(),
            batch,
            held_out: 0,
            epochs_start: finite_epochs * epoch,
            epochs_growth: 0,
            epochs_inf: (1 - finite_epochs) * epoch,
            p_start: p,
            p_end: p,
            ..TrainConfig::preset("tiny")?
        };
        let normalisation = Normalisation {
            mean: 0.13,
            std: 0.31,
        };
        let description = DatasetDescription::in_memory("timed", [28, 28], 10, normalisation);
        let images = Dataset {
            description: Arc::new(description),
            images: (0..batch * INPUTS)
                .map(|k| (k * 7919 % 251) as u8)
                .collect(),
            labels: (0..batch).map(|k| (k % 10) as u8).collect(),
        };
        let mut trainer = Trainer::new(config, images, self.device.clone())?;
        // The first steps compile, the next tell how many make a timing.
        self.steps(&mut trainer, STEPS[0]).await?;
        let mut best = self.steps(&mut trainer, STEPS[0]).await?;
        for _ in 0..REPEATS {
            let fitting = (STEPS_WINDOW.as_secs_f64() / best) as usize;
            let count = fitting.clamp(STEPS[0], STEPS[1]);
            best = best.min(self.steps(&mut trainer, count).await?);
        }
        Ok(StepTiming {
            hidden,
            batch,
            p: finite(norm),
            steps_per_second: 1.0 / best,
        })
    }

    /// Returns the seconds of one step, of `count` steps that are read together.
    async fn steps(&self, trainer: &mut Trainer, count: usize) -> Result<f64, TrainError> {
        let start = (self.clock)();
        for _ in 0..count {
            trainer.step()?;
        }
        trainer.read().await?;
        Ok(self.since(start) / count as f64)
    }
}

/// Builds a row. `passes` is how often each term counts: forward, backward.
fn timing(
    kernel: &str,
    norm: Norm,
    sizes: Sizes,
    passes: usize,
    seconds: f64,
    roofline: Option<f64>,
) -> Timing {
    let Sizes {
        batch,
        outputs,
        inputs,
    } = sizes;
    let terms_per_second = (passes * batch * outputs * inputs) as f64 / seconds;
    Timing {
        kernel: kernel.into(),
        p: finite(norm),
        batch,
        outputs,
        inputs,
        seconds,
        terms_per_second,
        share_of_roofline: roofline.map(|roofline| terms_per_second / roofline),
    }
}
