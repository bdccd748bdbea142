//! Attacks that make and evaluate their perturbations on the GPU.
//!
//! The lanes of a round live on the device. A submission holds some steps of all of them, and what comes
//! back is a count, the smallest margin and the image of that margin. Before any of it is counted, the CPU
//! evaluates that image with the exact network and compares.
//!
//! Whatever goes wrong on the device, the CPU takes the lanes over where the last answer was confirmed:
//! [`GpuAttack`] goes on, and says why it is slower.

use super::Device;
use super::kernels::{
    AttackKernels, Dispatch, Params, ParamsBuffer, Size, filled, numbers, readable, record_all,
    zeros,
};
use super::net::{GpuLayer, GpuNetError, check_size, passage, upload, values};
use crate::attack::parallel::{
    Lanes, Outcome, ParallelMethod, ParallelRun, ParallelSettings, Part, Round, Start, Strongest,
    margin, one,
};
use crate::attack::{AttackError, Ball};
use crate::exact::{ExactNet, MAX_LEVEL};

/// Steps of a submission at most.
const STEPS: u32 = 64;
/// No query.
const NONE: u32 = u32::MAX;
/// Numbers of a tally in tally.wgsl.
const TALLY: usize = 4;

/// A device that attacks, with its kernels compiled; keep it for many attacks.
#[derive(Debug)]
pub struct GpuAttacker {
    device: Device,
    kernels: AttackKernels,
}

impl GpuAttacker {
    /// Compiles the kernels.
    pub fn new(device: &Device) -> Result<Self, GpuNetError> {
        let kernels = AttackKernels::new(device);
        match device.failure() {
            None => Ok(Self {
                device: device.clone(),
                kernels,
            }),
            Some(reason) => Err(GpuNetError::failed(device, reason.into())),
        }
    }
}

/// Buffers of the lanes for a number of images.
#[derive(Debug)]
struct GpuLanes {
    /// Lanes of a round that fit.
    images: usize,
    params: Params,
    steps: ParamsBuffer,
    lanes: wgpu::Buffer,
    tally: wgpu::Buffer,
    strongest: wgpu::Buffer,
    readback: wgpu::Buffer,
    /// Images to begin with, or random ones.
    start: Dispatch,
    /// Values and margins.
    evaluate: Vec<Dispatch>,
    /// Counts them, and keeps the strongest.
    count: Vec<Dispatch>,
    /// Moves along gradients, after `evaluate`.
    descend: Vec<Dispatch>,
    /// Makes squares, and keeps those that lower their margin.
    propose: Vec<Dispatch>,
    accept: Vec<Dispatch>,
}

impl GpuLanes {
    fn new(
        attacker: &GpuAttacker,
        net: &ExactNet,
        run: &ParallelRun,
        lanes: &Lanes,
    ) -> Result<Self, GpuNetError> {
        let GpuAttacker { device, kernels } = attacker;
        let ball = lanes.ball();
        let images = run.round().map_or(0, |round| round.lanes.len());
        let images = images.max(run.most_lanes());
        let inputs = ball.pixels();
        check_size(device, 4 * (inputs * images) as u64)?;
        let [rows, columns] = ball.shape();
        let params = Params {
            inputs: inputs as u32,
            classes: net.classes() as u32,
            members: net.members() as u32,
            top: MAX_LEVEL * net.scale().cast_signed(),
            label: run.label() as u32,
            grid: ball.step(),
            rows: rows as u32,
            columns: columns as u32,
            one: one(net.members()),
            ..Params::default()
        };
        let steps = ParamsBuffer::new(device, STEPS as usize + 1);
        let layers: Vec<GpuLayer> = upload(device, &lanes.net().rows())?;
        let values = values(device, &layers, images, 1)?;
        // Slopes of the margin, of the same shapes.
        let slopes = self::values(device, &layers, images, 1)?;
        let bias = filled(device, net.bias().iter().copied());
        let ends = filled(device, ends(ball));
        let lane_buffer = zeros(device, 4 * images);
        let margins = zeros(device, images);
        let tally = zeros(device, TALLY);
        let strongest = zeros(device, inputs);
        let held = zeros(device, inputs * images);
        let squares = zeros(device, 4 * images);
        let smallest = zeros(device, images);

        let size = |rows| Size { images, rows };
        let bind = |kernel: &super::kernels::Kernel, buffers: &[&wgpu::Buffer], size| {
            kernel.bind(device, &steps, buffers, size)
        };
        let (x, outputs) = (&values[0], &values[layers.len()]);
        let start = bind(
            &kernels.start,
            &[&lane_buffer, &ends, x],
            size(inputs.div_ceil(4)),
        );
        let mut evaluate = passage(device, &kernels.forward, &steps, &layers, &values, images);
        evaluate.push(bind(&kernels.margins, &[outputs, &bias, &margins], size(1)));
        let one_group = Size { images: 1, rows: 1 };
        let pixels = Size {
            images: inputs,
            rows: 1,
        };
        let count = vec![
            bind(&kernels.tally, &[&margins, &tally], one_group),
            bind(&kernels.keep, &[&tally, x, &strongest], pixels),
        ];
        let mut descend = vec![bind(
            &kernels.aim,
            &[&lane_buffer, outputs, &bias, &slopes[layers.len()]],
            size(1),
        )];
        for (index, layer) in layers.iter().enumerate().rev() {
            let buffers = layer.buffers(&[
                &values[index],
                &values[index + 1],
                &lane_buffer,
                &slopes[index + 1],
                &slopes[index],
            ]);
            descend.push(bind(&kernels.backward, &buffers, size(layer.outputs)));
        }
        descend.push(bind(
            &kernels.descend,
            &[&ends, &slopes[0], x],
            size(inputs),
        ));
        let propose = vec![
            bind(&kernels.place, &[&ends, &held, &squares], size(1)),
            bind(&kernels.propose, &[&ends, &held, &squares, x], size(inputs)),
        ];
        let accept = vec![
            bind(
                &kernels.accept,
                &[&margins, &smallest, x, &held],
                size(inputs),
            ),
            bind(&kernels.lower, &[&margins, &smallest], size(1)),
        ];
        Ok(Self {
            images,
            params,
            steps,
            lanes: lane_buffer,
            tally,
            strongest,
            readback: readable(device, TALLY + inputs),
            start,
            evaluate,
            count,
            descend,
            propose,
            accept,
        })
    }

    /// Takes some steps of a round: what [`Lanes::run`] does, but that only a query of a margin below
    /// `smallest` is the strongest.
    async fn run(
        &self,
        device: &Device,
        ball: &Ball,
        round: &Round,
        part: Part,
        smallest: i32,
    ) -> Result<Outcome, GpuNetError> {
        let lanes = round.lanes.len();
        assert!(
            lanes <= self.images,
            "the buffers were made for every round"
        );
        let each = (part.first..part.first + part.steps).map(|step| {
            let [height, width] = round.square(ball, step);
            Params {
                images: lanes as u32,
                move_size: round.move_size,
                height: height as u32,
                width: width as u32,
                key: round.key(),
                step,
                first: (step - part.first) * lanes as u32,
                ..self.params
            }
        });
        let each: Vec<_> = each.collect();
        self.steps.write(device, &each);
        if part.first == 0 {
            let lanes = round.lanes.iter().flat_map(|lane| {
                let start = match lane.start {
                    Start::Centre => 0,
                    Start::Uniform => 1,
                    Start::Corner => 2,
                    Start::Stripes => 3,
                };
                let rival = lane.rival.map_or(-1, |class| class as i32);
                let squarings = lane.squarings.cast_signed();
                [rival, squarings, start, lane.least_share.cast_signed()]
            });
            write(device, &self.lanes, lanes);
        }
        let none = NONE.cast_signed();
        write(device, &self.tally, [0, smallest, none, none]);

        let mut encoder = device.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for index in 0..part.steps as usize {
                self.record(round, part.first + index as u32, index, &mut pass);
            }
        }
        let bytes = 4 * TALLY as u64;
        encoder.copy_buffer_to_buffer(&self.tally, 0, &self.readback, 0, bytes);
        let pixels = 4 * ball.pixels() as u64;
        encoder.copy_buffer_to_buffer(&self.strongest, 0, &self.readback, bytes, pixels);
        device.queue.submit([encoder.finish()]);
        let read = device.read(&self.readback).await;
        let read = numbers(&read.map_err(|reason| GpuNetError::failed(device, reason))?);
        let (tally, input) = read.split_at(TALLY);
        let query = tally[2].cast_unsigned();
        Ok(Outcome {
            misclassified: u64::from(tally[0].cast_unsigned()),
            strongest: (query != NONE).then(|| Strongest {
                margin: tally[1],
                query: query as usize,
                input: input[..ball.pixels()].to_vec(),
            }),
        })
    }

    /// Records one step, with the parameters of that index.
    fn record(&self, round: &Round, step: u32, index: usize, pass: &mut wgpu::ComputePass<'_>) {
        match round.method {
            ParallelMethod::Random => self.start.record(pass, index),
            ParallelMethod::Square if step > 0 => record_all(&self.propose, pass, index),
            ParallelMethod::Fgsm | ParallelMethod::Pgd if step > 0 => {
                record_all(&self.descend, pass, index);
            }
            _ => {
                self.start.record(pass, index);
                if round.moves_first() {
                    record_all(&self.evaluate, pass, index);
                    record_all(&self.descend, pass, index);
                }
            }
        }
        record_all(&self.evaluate, pass, index);
        record_all(&self.count, pass, index);
        if round.method == ParallelMethod::Square {
            record_all(&self.accept, pass, index);
        }
    }
}

/// One parallel attack on one image, on a GPU as long as that answers and then on the CPU.
#[derive(Debug)]
pub struct GpuAttack {
    device: Device,
    run: ParallelRun,
    lanes: Lanes,
    /// None where the CPU is at work.
    gpu: Option<GpuLanes>,
    /// Why the GPU is no longer at work.
    trouble: Option<GpuNetError>,
}

impl GpuAttack {
    /// Begins an attack on `label` of an 8-bit image. Where the device takes no lanes, the CPU begins;
    /// [`Self::trouble`] says so.
    pub fn new(
        net: &ExactNet,
        attacker: &GpuAttacker,
        image: &[u8],
        label: usize,
        settings: ParallelSettings,
    ) -> Result<Self, AttackError> {
        let (run, lanes) = ParallelRun::new(net, image, label, settings)?;
        let (gpu, trouble) = match GpuLanes::new(attacker, net, &run, &lanes) {
            Ok(gpu) => (Some(gpu), None),
            Err(error) => (None, Some(error)),
        };
        Ok(Self {
            device: attacker.device.clone(),
            run,
            lanes,
            gpu,
            trouble,
        })
    }

    /// Takes at most so many steps more, and at most one submission. Nothing happens once the run is done.
    ///
    /// `net` is the network of [`Self::new`]: it evaluates what the GPU says on the CPU.
    pub async fn advance(&mut self, net: &ExactNet, steps: u32) {
        let Some(gpu) = &self.gpu else {
            self.run.advance(&mut self.lanes, steps);
            return;
        };
        let (Some(part), Some(round)) = (self.run.part(steps.min(STEPS)), self.run.round()) else {
            return;
        };
        let smallest = self.run.strongest();
        let smallest = smallest.map_or(i32::MAX, |found| found.perturbed.margin as i32);
        let (device, ball) = (&self.device, self.run.ball());
        let outcome = gpu.run(device, ball, round, part, smallest).await;
        let confirmed = outcome.and_then(|outcome| {
            let logits = confirm(net, &self.run, &outcome);
            let logits = logits.ok_or_else(|| GpuNetError::OtherBits {
                adapter: device.name().into(),
            })?;
            Ok((outcome, logits))
        });
        match confirmed {
            Ok((outcome, logits)) => self.run.record(part, &outcome, &logits),
            Err(error) => {
                self.gpu = None;
                self.trouble = Some(error);
            }
        }
    }

    /// What has been found so far.
    pub fn run(&self) -> &ParallelRun {
        &self.run
    }

    /// Whether the GPU is at work.
    pub fn is_on_gpu(&self) -> bool {
        self.gpu.is_some()
    }

    /// Why the GPU is no longer at work, if it is not.
    pub fn trouble(&self) -> Option<&GpuNetError> {
        self.trouble.as_ref()
    }
}

/// Evaluates the strongest query on the CPU and returns its logits; none of no such query. Gives nothing
/// where it is outside the ball or has another margin than the GPU says, or where the count of
/// misclassified queries cannot be: a new smallest margin above 0 leaves none, one of at most 0 is one
/// itself, and without a new one some query was misclassified before.
fn confirm(net: &ExactNet, run: &ParallelRun, outcome: &Outcome) -> Option<Vec<i32>> {
    let any_misclassified = outcome.misclassified > 0;
    let Some(strongest) = &outcome.strongest else {
        let possible = !any_misclassified || run.misclassifications() > 0;
        return possible.then(Vec::new);
    };
    if !run.ball().contains(&strongest.input) {
        return None;
    }
    let logits = net.evaluator().logits_at(&strongest.input).ok()?.to_vec();
    let margin = margin(&logits, run.label());
    (margin == strongest.margin && (margin <= 0) == any_misclassified).then_some(logits)
}

/// Centre, lower and upper end of each pixel, and a number that fills the place up.
fn ends(ball: &Ball) -> impl Iterator<Item = i32> {
    ball.centre()
        .iter()
        .enumerate()
        .flat_map(|(pixel, &centre)| [centre, ball.lower(pixel), ball.upper(pixel), 0])
}

fn write(device: &Device, buffer: &wgpu::Buffer, numbers: impl IntoIterator<Item = i32>) {
    let numbers = numbers.into_iter().flat_map(i32::to_le_bytes);
    let bytes: Vec<u8> = numbers.collect();
    device.queue.write_buffer(buffer, 0, &bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::Grid;
    use crate::attack::parallel::ParallelAttack;
    use crate::exact::{CsrLayer, Ticks};

    /// Two classes, a pixel each: the label is that of the darker one.
    fn net() -> ExactNet {
        let rows = vec![vec![(0, 0)], vec![(1, 0)]];
        ExactNet::with_members(2, &[CsrLayer::from_rows(2, rows)], vec![0, 0], 1).unwrap()
    }

    fn outcome(misclassified: u64, strongest: Option<(i32, [i32; 2])>) -> Outcome {
        Outcome {
            misclassified,
            strongest: strongest.map(|(margin, input)| Strongest {
                margin,
                query: 0,
                input: input.into(),
            }),
        }
    }

    #[test]
    fn only_what_can_be_is_confirmed() {
        let net = net();
        let attack = ParallelAttack::named("random").unwrap();
        let settings = ParallelSettings::new(attack, Ticks::new(10), Grid::Ticks, 1);
        // 20 and 40 ticks: a margin of 20, which no change of less than 10 ticks lowers to 0.
        let (run, _) = ParallelRun::new(&net, &[10, 20], 0, settings).unwrap();
        let is_confirmed = |outcome: Outcome| confirm(&net, &run, &outcome).is_some();
        assert!(is_confirmed(outcome(0, None)));
        assert!(is_confirmed(outcome(0, Some((2, [29, 31])))));
        assert!(is_confirmed(outcome(1, Some((0, [30, 30])))));
        // Misclassified queries without one that shows it.
        assert!(!is_confirmed(outcome(3, None)));
        assert!(!is_confirmed(outcome(3, Some((2, [29, 31])))));
        assert!(!is_confirmed(outcome(0, Some((0, [30, 30])))));
        // Another margin than that of the image, and an image outside of the ball.
        assert!(!is_confirmed(outcome(0, Some((1, [29, 31])))));
        assert!(!is_confirmed(outcome(1, Some((-2, [31, 29])))));
    }
}
