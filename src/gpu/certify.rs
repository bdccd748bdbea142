//! Labels, bounds and radii of many images on the GPU, with the bits of the CPU.
//!
//! Images pass through the network in batches. The search for the IBP radius is a binary search that runs
//! on the device, each image with a radius of its own, and reads nothing back before it is done.

use super::Device;
use super::kernels::{
    CertifyKernels, Dispatch, Params, ParamsBuffer, Size, filled, numbers, readable, record_all,
    zeros,
};
use super::net::{GpuLayer, GpuNetError, passage, upload, values};
use crate::exact::{CriticalPixel, ExactNet, InputError, MAX_LEVEL, Ticks, whole_images};

/// Images that pass through the net together.
const BATCH: usize = 256;
/// Steps of the binary search that a submission holds. Each is short, but a submission of all of them
/// could keep a slow device busy for so long that the system takes it away.
const STEPS: usize = 4;

/// The label of an image and the radii for which it is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certified {
    /// The class of the largest logit; none when several are the largest.
    pub label: Option<usize>,
    /// How far the largest logit is above the second largest; 0 in a tie.
    pub margin: Ticks,
    /// The largest radius that the margin proves; none without a label.
    pub lipschitz_radius: Option<Ticks>,
    /// The largest radius that interval bound propagation proves; none without a label.
    pub ibp_radius: Option<Ticks>,
}

/// An [`ExactNet`] in the memory of a GPU, which certifies images.
#[derive(Debug)]
pub struct GpuCertifier {
    device: Device,
    scale: i32,
    inputs: usize,
    classes: usize,
    params: Params,
    buffer: ParamsBuffer,
    layers: Vec<GpuLayer>,
    /// Of every layer, input first, `[width, BATCH]`.
    values: Vec<wgpu::Buffer>,
    logits: wgpu::Buffer,
    logit_bounds: wgpu::Buffer,
    searches: wgpu::Buffer,
    lipschitz: wgpu::Buffer,
    points: wgpu::Buffer,
    /// What follows an image's pixels: its values and logits.
    evaluate: Vec<Dispatch>,
    /// Then its label, with which the search begins.
    begin: Dispatch,
    /// The logit bounds within the radius that the search asks about.
    bound: Vec<Dispatch>,
    /// Then what the search makes of them.
    conclude: Dispatch,
    /// The arg-max paths, after `evaluate`.
    trace: Vec<Dispatch>,
}

impl GpuCertifier {
    /// Copies a network to the device.
    pub fn new(net: &ExactNet, device: &Device) -> Result<Self, GpuNetError> {
        let kernels = &CertifyKernels::new(device);
        let scale = net.scale().cast_signed();
        let (inputs, classes, outputs) = (net.inputs(), net.classes(), net.bias().len());
        let params = Params {
            inputs: inputs as u32,
            classes: classes as u32,
            members: net.members() as u32,
            top: MAX_LEVEL * scale,
            ..Params::default()
        };
        let buffer = ParamsBuffer::new(device, 1);
        let layers = upload(device, &net.rows())?;
        let values = values(device, &layers, BATCH, 1)?;
        let boxes = self::values(device, &layers, BATCH, 2)?;
        let bias = filled(device, net.bias().iter().copied());
        let logits = zeros(device, classes * BATCH);
        let logit_bounds = zeros(device, 2 * classes * BATCH);
        let searches = zeros(device, 4 * BATCH);
        let lipschitz = zeros(device, BATCH);
        let points = zeros(device, 2 * outputs * BATCH);

        let size = |rows| Size {
            images: BATCH,
            rows,
        };
        let (last, last_box) = (&values[layers.len()], &boxes[layers.len()]);
        let mut evaluate = passage(device, &kernels.forward, &buffer, &layers, &values, BATCH);
        let buffers = [last, &bias, &logits];
        evaluate.push((kernels.logits).bind(device, &buffer, &buffers, size(classes)));
        let buffers = [&logits, &searches, &lipschitz];
        let begin = kernels.label.bind(device, &buffer, &buffers, size(1));
        let buffers = [&values[0], &searches, &boxes[0]];
        let mut bound = vec![(kernels.boxes).bind(device, &buffer, &buffers, size(inputs))];
        bound.extend(passage(
            device,
            &kernels.bounds,
            &buffer,
            &layers,
            &boxes,
            BATCH,
        ));
        let buffers = [last_box, &bias, &logit_bounds];
        bound.push((kernels.logit_bounds).bind(device, &buffer, &buffers, size(classes)));
        let buffers = [&logit_bounds, &searches];
        let conclude = (kernels.certified).bind(device, &buffer, &buffers, size(1));
        let mut trace = vec![(kernels.outputs).bind(device, &buffer, &[&points], size(outputs))];
        for (layer, values) in layers.iter().zip(values.windows(2)).rev() {
            let buffers = layer.buffers(&[&values[0], &values[1], &points]);
            trace.push((kernels.trace).bind(device, &buffer, &buffers, size(outputs)));
        }
        let certifier = Self {
            device: device.clone(),
            scale,
            inputs,
            classes,
            params,
            buffer,
            layers,
            values,
            logits,
            logit_bounds,
            searches,
            lipschitz,
            points,
            evaluate,
            begin,
            bound,
            conclude,
            trace,
        };
        certifier.check()?;
        Ok(certifier)
    }

    /// Logits in ticks, `[images, classes]`, of 8-bit images, one after another.
    pub async fn logits(&self, images: &[u8]) -> Result<Vec<i32>, GpuNetError> {
        whole_images(images, self.inputs)?;
        self.logits_at(&self.ticks(images)).await
    }

    /// Logits in ticks, `[images, classes]`, of images in ticks, each from 0 to 255·S.
    pub async fn logits_at(&self, images: &[i32]) -> Result<Vec<i32>, GpuNetError> {
        self.check_ticks(images)?;
        let mut logits = Vec::new();
        for batch in images.chunks(BATCH * self.inputs) {
            let count = self.load(batch);
            self.submit(|pass| record_all(&self.evaluate, pass, 0));
            let read = self.read(&[(&self.logits, self.classes * count)]).await?;
            logits.extend(by_image(&read, count));
        }
        Ok(logits)
    }

    /// Lower and upper bound of every logit in ticks, `[images, classes]`, when no pixel of an 8-bit
    /// image moves by more than `radius` and none leaves `0..=255·S`.
    pub async fn logit_bounds(
        &self,
        images: &[u8],
        radius: Ticks,
    ) -> Result<Vec<[i32; 2]>, GpuNetError> {
        whole_images(images, self.inputs)?;
        let radius = radius.get().min(self.params.top.unsigned_abs());
        // A search that asks about this radius.
        let search = [0, 0, radius.cast_signed(), radius.cast_signed()];
        let mut bounds = Vec::new();
        for batch in self.ticks(images).chunks(BATCH * self.inputs) {
            let count = self.load(batch);
            self.write(
                &self.searches,
                search.iter().copied().cycle().take(4 * count),
            );
            self.submit(|pass| record_all(&self.bound, pass, 0));
            let words = 2 * self.classes * count;
            let read = self.read(&[(&self.logit_bounds, words)]).await?;
            let ends: Vec<_> = read
                .chunks_exact(2)
                .map(|ends| [ends[0], ends[1]])
                .collect();
            bounds.extend(by_image(&ends, count));
        }
        Ok(bounds)
    }

    /// The critical pixel of every unit of the last layer, `[images, members · classes]`, of 8-bit
    /// images: those of [`Evaluator::critical_pixels`](crate::exact::Evaluator::critical_pixels).
    pub async fn critical_pixels(&self, images: &[u8]) -> Result<Vec<CriticalPixel>, GpuNetError> {
        whole_images(images, self.inputs)?;
        let outputs = self.layers.last().map_or(0, |layer| layer.outputs);
        let mut pixels = Vec::new();
        for batch in self.ticks(images).chunks(BATCH * self.inputs) {
            let count = self.load(batch);
            self.submit(|pass| {
                record_all(&self.evaluate, pass, 0);
                record_all(&self.trace, pass, 0);
            });
            let read = self.read(&[(&self.points, 2 * outputs * count)]).await?;
            let points: Vec<_> = read
                .chunks_exact(2)
                .map(|point| CriticalPixel {
                    pixel: point[0] as usize,
                    sign: point[1] as i8,
                })
                .collect();
            pixels.extend(by_image(&points, count));
        }
        Ok(pixels)
    }

    /// Label, margin and both radii of 8-bit images, one after another:
    /// those of [`Evaluator::certificate`](crate::exact::Evaluator::certificate).
    pub async fn certify(&self, images: &[u8]) -> Result<Vec<Certified>, GpuNetError> {
        whole_images(images, self.inputs)?;
        // From what is proved to beyond every image, halved until nothing lies between.
        let steps = (self.params.top.unsigned_abs() + 1)
            .next_power_of_two()
            .ilog2() as usize;
        let mut certified = Vec::new();
        for batch in self.ticks(images).chunks(BATCH * self.inputs) {
            let count = self.load(batch);
            self.submit(|pass| {
                record_all(&self.evaluate, pass, 0);
                self.begin.record(pass, 0);
            });
            for first in (0..steps).step_by(STEPS) {
                self.submit(|pass| {
                    for _ in first..steps.min(first + STEPS) {
                        record_all(&self.bound, pass, 0);
                        self.conclude.record(pass, 0);
                    }
                });
            }
            let wanted = [(&self.searches, 4 * count), (&self.lipschitz, count)];
            let read = self.read(&wanted).await?;
            let (searches, lipschitz) = read.split_at(4 * count);
            let radius = |radius: i32| u32::try_from(radius).ok().map(Ticks::new);
            let answers = searches.chunks_exact(4).zip(lipschitz);
            certified.extend(answers.map(|(search, &lipschitz)| Certified {
                label: usize::try_from(search[0]).ok(),
                margin: Ticks::new(search[1].cast_unsigned()),
                lipschitz_radius: radius(lipschitz),
                ibp_radius: radius(search[2]),
            }));
        }
        Ok(certified)
    }

    fn ticks(&self, images: &[u8]) -> Vec<i32> {
        images.iter().map(|&x| i32::from(x) * self.scale).collect()
    }

    fn check_ticks(&self, images: &[i32]) -> Result<(), InputError> {
        let (found, expected) = (images.len() % self.inputs, self.inputs);
        if found != 0 {
            return Err(InputError::Pixels { found, expected });
        }
        let limit = self.params.top;
        match images.iter().position(|x| !(0..=limit).contains(x)) {
            None => Ok(()),
            Some(at) => Err(InputError::Domain {
                pixel: at % expected,
                value: images[at],
                limit,
            }),
        }
    }

    /// Lays images in ticks side by side on the device; returns how many there are.
    fn load(&self, images: &[i32]) -> usize {
        let count = images.len() / self.inputs;
        let columns =
            (0..self.inputs).flat_map(|pixel| images[pixel..].iter().step_by(self.inputs).copied());
        self.write(&self.values[0], columns);
        let params = Params {
            images: count as u32,
            ..self.params
        };
        self.buffer.write(&self.device, &[params]);
        count
    }

    fn write(&self, buffer: &wgpu::Buffer, numbers: impl Iterator<Item = i32>) {
        let bytes: Vec<u8> = numbers.flat_map(i32::to_le_bytes).collect();
        self.device.queue.write_buffer(buffer, 0, &bytes);
    }

    fn submit(&self, record: impl FnOnce(&mut wgpu::ComputePass<'_>)) {
        let mut encoder = self
            .device
            .device
            .create_command_encoder(&Default::default());
        record(&mut encoder.begin_compute_pass(&Default::default()));
        self.device.queue.submit([encoder.finish()]);
    }

    /// The first numbers of some buffers.
    async fn read(&self, buffers: &[(&wgpu::Buffer, usize)]) -> Result<Vec<i32>, GpuNetError> {
        let words = buffers.iter().map(|(_, words)| words).sum();
        let readable = readable(&self.device, words);
        let mut encoder = self
            .device
            .device
            .create_command_encoder(&Default::default());
        let mut offset = 0;
        for (buffer, words) in buffers {
            let bytes = 4 * *words as u64;
            encoder.copy_buffer_to_buffer(buffer, 0, &readable, offset, bytes);
            offset += bytes;
        }
        self.device.queue.submit([encoder.finish()]);
        let bytes = self.device.read(&readable).await;
        let bytes = bytes.map_err(|reason| GpuNetError::failed(&self.device, reason))?;
        Ok(numbers(&bytes))
    }

    fn check(&self) -> Result<(), GpuNetError> {
        match self.device.failure() {
            None => Ok(()),
            Some(reason) => Err(GpuNetError::failed(&self.device, reason.into())),
        }
    }
}

/// Reads `[rows, images]` image by image.
fn by_image<T: Copy>(values: &[T], images: usize) -> impl Iterator<Item = T> {
    (0..images).flat_map(move |image| values[image..].iter().step_by(images).copied())
}
