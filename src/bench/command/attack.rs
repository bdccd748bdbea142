//! Measures the exact network under parallel attacks and its certificates, on the CPU's one thread and on
//! the GPU, and checks that both give the same bits.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::DatasetName;
use crate::attack::Grid;
use crate::attack::parallel::{ParallelAttack, ParallelRun, ParallelSettings};
use crate::cli::{CliError, read_model};
use crate::data::Split;
use crate::error::sentence;
use crate::exact::{ExactNet, Ticks};
use crate::gpu::{Device, GpuAttack, GpuAttacker, GpuCertifier, block_on};

/// Test images that are certified.
const IMAGES: usize = 256;
/// Steps of a submission on hardware. A software adapter takes seconds for one.
const STEPS: u32 = 16;

#[derive(Serialize)]
pub(super) struct Report {
    adapter: String,
    software: bool,
    model_sha256: String,
    /// Largest change of a pixel, in levels.
    radius_levels: f64,
    attacks: Vec<Row>,
    certificates: Row,
}

/// Queries or certificates a second.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    cpu_per_second: f64,
    gpu_per_second: f64,
    /// Whether both gave the same results.
    same_bits: bool,
}

pub(super) fn measure(
    model: &Path,
    data_dir: &Path,
    patience: Duration,
) -> Result<Report, CliError> {
    let (model, model_sha256) = read_model(model)?;
    let dataset = DatasetName::mnist().load(data_dir, Split::Test)?;
    let images = dataset.first(IMAGES).images;
    let radius = model.metadata.epsilon.ticks(model.net.scale());
    let measured = block_on(Report::new(
        &model.net,
        model_sha256,
        &images,
        radius,
        patience,
    ));
    measured.map_err(|why| CliError::GpuFailed { why })
}

impl Report {
    async fn new(
        net: &ExactNet,
        model_sha256: String,
        images: &[u8],
        radius: Ticks,
        patience: Duration,
    ) -> Result<Self, String> {
        let device = Device::open().await.map_err(|error| sentence(&error))?;
        let attacker = GpuAttacker::new(&device).map_err(|error| sentence(&error))?;
        let mut attacks = Vec::new();
        for attack in ParallelAttack::registered() {
            let steps = if device.is_software() { 1 } else { STEPS };
            attacks.push(under(attack, steps, net, &attacker, images, radius, patience).await?);
        }
        Ok(Self {
            adapter: device.name().into(),
            software: device.is_software(),
            model_sha256,
            radius_levels: radius.levels(net.scale()).get(),
            attacks,
            certificates: certificates(net, &device, images, patience).await?,
        })
    }

    pub fn to_text(&self) -> String {
        let software = if self.software {
            ", a software adapter"
        } else {
            ""
        };
        let mut text = format!(
            "the exact network on the GPU {}{software}, radius {} levels\n",
            self.adapter, self.radius_levels
        );
        for row in self.attacks.iter().chain([&self.certificates]) {
            text += &format!(
                "{:20} {:12.0}/s on one thread, {:12.0}/s on the GPU; bits {}\n",
                row.name,
                row.cpu_per_second,
                row.gpu_per_second,
                if row.same_bits { "agree" } else { "DIFFER" },
            );
        }
        text
    }
}

/// Queries of one attack on the first image.
async fn under(
    attack: ParallelAttack,
    steps: u32,
    net: &ExactNet,
    attacker: &GpuAttacker,
    images: &[u8],
    radius: Ticks,
    patience: Duration,
) -> Result<Row, String> {
    let image = &images[..net.inputs()];
    let certificate = net.evaluator().certificate(image);
    let label = certificate.map_err(|error| sentence(&error))?.label;
    let label = label.ok_or("the network has no label for the first image")?;
    let settings = ParallelSettings::new(attack, radius, Grid::Levels, 1);
    let begin_gpu = || {
        let begun = GpuAttack::new(net, attacker, image, label, settings);
        begun.map_err(|error| sentence(&error))
    };
    let begin_cpu = || {
        let begun = ParallelRun::new(net, image, label, settings);
        begun.map_err(|error| sentence(&error))
    };

    // Twice the same steps; they warm both up.
    let (mut gpu, (mut cpu, mut lanes)) = (begin_gpu()?, begin_cpu()?);
    gpu.advance(net, 2).await;
    cpu.advance(&mut lanes, 2);
    let same_bits = (gpu.run().queries(), gpu.run().strongest())
        == (cpu.queries(), cpu.strongest())
        && gpu.run().misclassifications() == cpu.misclassifications();

    let (start, mut queries) = (Instant::now(), 0);
    while start.elapsed() < patience {
        let before = cpu.queries();
        cpu.advance(&mut lanes, 1);
        queries += cpu.queries() - before;
        if cpu.is_done() {
            (cpu, lanes) = begin_cpu()?;
        }
    }
    let cpu_per_second = queries as f64 / start.elapsed().as_secs_f64();
    let (mut spent, mut queries) = (Duration::ZERO, 0);
    while spent < patience {
        if gpu.run().is_done() {
            gpu = begin_gpu()?;
        }
        let (start, before) = (Instant::now(), gpu.run().queries());
        gpu.advance(net, steps).await;
        spent += start.elapsed();
        queries += gpu.run().queries() - before;
        if let Some(error) = gpu.trouble() {
            return Err(sentence(error));
        }
    }
    Ok(Row {
        name: attack.name(),
        cpu_per_second,
        gpu_per_second: queries as f64 / spent.as_secs_f64(),
        same_bits,
    })
}

/// Labels with both radii.
async fn certificates(
    net: &ExactNet,
    device: &Device,
    images: &[u8],
    patience: Duration,
) -> Result<Row, String> {
    let certifier = GpuCertifier::new(net, device).map_err(|error| sentence(&error))?;
    let certify = async || {
        let certified = certifier.certify(images).await;
        certified.map_err(|error| sentence(&error))
    };
    let answers = certify().await?;
    let mut evaluator = net.evaluator();
    let (start, mut count, mut same_bits) = (Instant::now(), 0, true);
    for (image, answer) in images.chunks_exact(net.inputs()).zip(&answers) {
        let certificate = evaluator.certificate(image);
        let certificate = certificate.map_err(|error| sentence(&error))?;
        same_bits &= certificate.label == answer.label
            && certificate.lipschitz_radius == answer.lipschitz_radius
            && certificate.ibp_radius == answer.ibp_radius;
        count += 1;
    }
    let cpu_per_second = f64::from(count) / start.elapsed().as_secs_f64();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < patience {
        count += certify().await?.len();
    }
    Ok(Row {
        name: "certificates",
        cpu_per_second,
        gpu_per_second: count as f64 / start.elapsed().as_secs_f64(),
        same_bits,
    })
}
