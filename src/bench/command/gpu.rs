//! Measures the kernels on a GPU.

use burn::tensor::read_sync;

use super::CliError;
use super::clock::since_start;
use crate::bench::gpu::{GpuBenchmark, benchmark};
use crate::gpu::Gpu;
use crate::train::{DeviceError, TrainError};

pub(super) fn measure() -> Result<GpuBenchmark, CliError> {
    let measured = async {
        let gpu = Gpu::request().await.map_err(DeviceError::from)?;
        let benchmark = benchmark(&gpu, since_start).await?;
        gpu.check().map_err(DeviceError::from)?;
        Ok(benchmark)
    };
    read_sync(measured).map_err(|source: TrainError| CliError::Gpu { source })
}

pub(super) fn to_text(benchmark: &GpuBenchmark) -> String {
    let mut text = format!("on the GPU {}", benchmark.adapter);
    if benchmark.software {
        text += " (a software adapter)";
    }
    text += "\nroofline of the arithmetic, G terms/s\n";
    for roofline in &benchmark.rooflines {
        text += &format!(
            "{:9.3}  {}\n",
            roofline.terms_per_second / 1e9,
            roofline.arithmetic
        );
    }
    text += "  p   batch × outputs × inputs   G terms/s  share  kernel\n";
    for row in &benchmark.timings {
        let share = row.share_of_roofline.map(|share| format!("{share:.2}"));
        text += &format!(
            "{:>3}  {:5} × {:4} × {:4}  {:14.3}  {:>5}  {}\n",
            p_name(row.p),
            row.batch,
            row.outputs,
            row.inputs,
            row.terms_per_second / 1e9,
            share.unwrap_or_default(),
            row.kernel,
        );
    }
    for step in &benchmark.steps {
        text += &format!(
            "training with hidden layers {:?}, batch {}, p = {}: {:.1} steps/s\n",
            step.hidden,
            step.batch,
            p_name(step.p),
            step.steps_per_second,
        );
    }
    text
}

fn p_name(p: Option<f32>) -> String {
    p.map_or("inf".into(), |p| p.to_string())
}
