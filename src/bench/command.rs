//! `linf bench`: measures the speed of this machine, beside the roofline of its processor.
//!
//! Everything is measured in one run. A figure is the best of many short runs, since other programs on
//! the machine can only make a run longer. Processor time counts for one thread, which other programs
//! disturb least, and wall time for several; both are reported.

#[cfg(feature = "gpu")]
mod attack;
mod clock;
mod exact;
mod finetune;
#[cfg(feature = "webgpu")]
mod gpu;
mod growth;
mod kernels;
mod roofline;
mod steps;

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::{CliError, DatasetName, on_threads, print, print_line, threads};
use crate::exact::ExactNet;
use crate::norm_dist::Norm;

/// Measure speed: the distance and its gradients, the exact network, training steps
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to measure [default: everything but the GPU and fine-tuning]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Seconds that each measurement takes
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = duration)]
    seconds: Duration,
    /// Number of training steps at each p
    #[arg(long, default_value_t = 20)]
    steps: usize,
    /// Widths of the hidden layers, for `growth`
    #[arg(long, value_delimiter = ',', default_values_t = [256, 512, 1024, 2048, 3584, 5120])]
    widths: Vec<usize>,
    /// Model file of an exact network; its first member is measured
    #[arg(long, default_value = "www/public/models/mnist-eps0.3.safetensors")]
    model: PathBuf,
    /// Folder that holds the data sets' folders, of which MNIST is used
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Returns the first member of a model's net. An ensemble cannot be fine-tuned as a whole, and the peers
/// run single nets.
fn first_member(net: ExactNet) -> ExactNet {
    match net.members() {
        1 => net,
        _ => net.member(0),
    }
}

/// A part of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The distance and both gradients, beside the roofline
    NormDist,
    /// The exact integer network: dense, pruned, with early exit
    Exact,
    /// Whole training steps
    Steps,
    /// Training steps of a pruned model, beside those of a dense one
    Finetune,
    /// Training, inference and file size by the width of the hidden layers
    Growth,
    /// Attacks on the exact network and its certificates, on the CPU and on the GPU
    #[cfg(feature = "gpu")]
    Attack,
    /// The kernels on the GPU, beside the roofline and beside Burn's own operations
    #[cfg(feature = "webgpu")]
    Gpu,
}

/// The report that is printed; parts that were not measured are absent.
#[derive(Serialize)]
struct Report {
    /// Processors that the program may use.
    processors: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    norm_dist: Option<kernels::Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exact: Option<exact::Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<steps::Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finetune: Option<finetune::Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    growth: Option<growth::Report>,
    #[cfg(feature = "gpu")]
    #[serde(skip_serializing_if = "Option::is_none")]
    attack: Option<attack::Report>,
    #[cfg(feature = "webgpu")]
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu: Option<crate::bench::gpu::GpuBenchmark>,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    let asked = |part| args.only.is_empty() || args.only.contains(&part);
    let patience = args.seconds;
    let report = Report {
        processors: threads().get(),
        norm_dist: asked(Part::NormDist).then(|| kernels::measure(patience)),
        exact: asked(Part::Exact)
            .then(|| exact::measure(&args.model, &args.data_dir, patience))
            .transpose()?,
        steps: asked(Part::Steps)
            .then(|| steps::measure(&args.data_dir, args.steps.max(1)))
            .transpose()?,
        finetune: args
            .only
            .contains(&Part::Finetune)
            .then(|| finetune::measure(&args.model, &args.data_dir, args.steps.max(1)))
            .transpose()?,
        growth: asked(Part::Growth)
            .then(|| growth::measure(&args.data_dir, &args.widths, patience))
            .transpose()?,
        #[cfg(feature = "gpu")]
        attack: args
            .only
            .contains(&Part::Attack)
            .then(|| attack::measure(&args.model, &args.data_dir, patience))
            .transpose()?,
        #[cfg(feature = "webgpu")]
        gpu: args
            .only
            .contains(&Part::Gpu)
            .then(gpu::measure)
            .transpose()?,
    };
    if args.json {
        let json = serde_json::to_string_pretty(&report).expect("strings and numbers are JSON");
        print_line(json);
    } else {
        print(report.to_text());
    }
    Ok(())
}

impl Report {
    fn to_text(&self) -> String {
        let parts = [
            self.norm_dist.as_ref().map(kernels::Report::to_text),
            self.exact.as_ref().map(exact::Report::to_text),
            self.steps.as_ref().map(steps::Report::to_text),
            self.finetune.as_ref().map(finetune::Report::to_text),
            self.growth.as_ref().map(growth::Report::to_text),
            #[cfg(feature = "gpu")]
            self.attack.as_ref().map(attack::Report::to_text),
            #[cfg(feature = "webgpu")]
            self.gpu.as_ref().map(gpu::to_text),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

/// Parses a number of seconds.
fn duration(word: &str) -> Result<Duration, String> {
    let seconds = word.parse().map_err(|_| "not a number")?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a valid duration".into())
}

/// One thread, and as many threads as processors.
fn thread_counts() -> Vec<usize> {
    let mut counts = vec![1, threads().get()];
    counts.dedup();
    counts
}

/// The p of a norm in text.
fn p_name(norm: Norm) -> String {
    match norm {
        Norm::P(p) => p.to_string(),
        Norm::Inf => "inf".into(),
    }
}
