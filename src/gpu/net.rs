//! The layers of an exact network in the memory of a GPU.
//!
//! Rows of kept weights have very different lengths, so units are not tiled. A workgroup takes one unit
//! and 64 images, reads each kept weight once for all of them, and the values that it meets for
//! neighbouring images from neighbouring addresses. A row is visited in the order of the CPU, the longest
//! reach first, and ends where no later weight can win; the ends are looked at once in 8 weights.

use thiserror::Error;

use super::Device;
use super::kernels::{Dispatch, Kernel, ParamsBuffer, Size, filled, zeros};
use crate::exact::{InputError, LayerRows, UnitRow};

/// Weights of a block, `LANES` in net.wgsl.
const LANES: usize = 8;

/// Why the GPU does not answer for the exact network.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GpuNetError {
    /// The images do not fit the network.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Something on the device went wrong, or it was lost. No result is given.
    #[error("the GPU {adapter} reports an error ({reason})")]
    Failed {
        /// The adapter's name.
        adapter: String,
        /// What the system says.
        reason: String,
    },
    /// The network's layers do not fit the device.
    #[error(
        "a layer of this network takes {bytes} bytes, but the GPU {adapter} takes {limit} at most"
    )]
    TooLarge {
        /// The adapter's name.
        adapter: String,
        /// Bytes of the largest buffer.
        bytes: u64,
        /// The most that the adapter takes.
        limit: u64,
    },
    /// The GPU's strongest query is another one than the CPU makes of it. Nothing of that step is counted.
    #[error("the GPU {adapter} gives other results than the CPU, which is right")]
    OtherBits {
        /// The adapter's name.
        adapter: String,
    },
}

impl GpuNetError {
    pub(super) fn failed(device: &Device, reason: String) -> Self {
        Self::Failed {
            adapter: device.name().into(),
            reason,
        }
    }
}

/// A layer's weights on the device.
#[derive(Debug)]
pub(super) struct GpuLayer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Per unit: first block, end of its blocks, weights, floor.
    units: wgpu::Buffer,
    /// Per block.
    reaches: wgpu::Buffer,
    /// Column and weight of each weight, block by block.
    weights: wgpu::Buffer,
}

impl GpuLayer {
    /// Copies a layer. Fails where one of its buffers is too large for the device.
    pub(super) fn new(device: &Device, layer: &LayerRows) -> Result<Self, GpuNetError> {
        let blocks = |row: &UnitRow| row.weights.len().div_ceil(LANES);
        let count: usize = layer.rows.iter().map(blocks).sum();
        check_size(device, 8 * (LANES * count) as u64)?;
        let mut units = Vec::with_capacity(4 * layer.rows.len());
        let mut reaches = Vec::with_capacity(count);
        let mut weights = Vec::with_capacity(2 * LANES * count);
        for row in &layer.rows {
            let first = reaches.len();
            for block in row.weights.chunks(LANES) {
                reaches.push(block[0].reach);
                for lane in 0..LANES {
                    // The last block is filled up with its last weight, which changes no maximum.
                    let weight = block[lane.min(block.len() - 1)];
                    weights.extend([weight.column.cast_signed(), weight.weight]);
                }
            }
            let ends = [first, reaches.len(), row.weights.len()];
            units.extend(ends.map(|count| count as i32));
            units.push(row.floor);
        }
        Ok(Self {
            inputs: layer.inputs,
            outputs: layer.rows.len(),
            units: filled(device, units),
            reaches: filled(device, reaches),
            weights: filled(device, weights),
        })
    }

    /// The buffers of net.wgsl, then these.
    pub(super) fn buffers<'a>(&'a self, others: &[&'a wgpu::Buffer]) -> Vec<&'a wgpu::Buffer> {
        let own = [&self.units, &self.reaches, &self.weights];
        own.into_iter().chain(others.iter().copied()).collect()
    }
}

/// Fails where the device takes no buffer of so many bytes.
pub(super) fn check_size(device: &Device, bytes: u64) -> Result<(), GpuNetError> {
    let limits = device.device.limits();
    let limit = limits
        .max_storage_buffer_binding_size
        .min(limits.max_buffer_size);
    if bytes <= limit {
        return Ok(());
    }
    Err(GpuNetError::TooLarge {
        adapter: device.name().into(),
        bytes,
        limit,
    })
}

/// Copies every layer.
pub(super) fn upload(device: &Device, layers: &[LayerRows]) -> Result<Vec<GpuLayer>, GpuNetError> {
    let layers = layers.iter().map(|layer| GpuLayer::new(device, layer));
    layers.collect()
}

/// Values of every layer, input first, `[width, images]`, each of so many numbers.
pub(super) fn values(
    device: &Device,
    layers: &[GpuLayer],
    images: usize,
    numbers: usize,
) -> Result<Vec<wgpu::Buffer>, GpuNetError> {
    let widths = layers.iter().map(|layer| layer.inputs);
    let widths = widths.chain(layers.last().map(|layer| layer.outputs));
    widths
        .map(|width| {
            let words = width * images * numbers;
            check_size(device, 4 * words as u64)?;
            Ok(zeros(device, words))
        })
        .collect()
}

/// Prepares the passage through all layers by `kernel`, one dispatch each.
pub(super) fn passage(
    device: &Device,
    kernel: &Kernel,
    params: &ParamsBuffer,
    layers: &[GpuLayer],
    values: &[wgpu::Buffer],
    images: usize,
) -> Vec<Dispatch> {
    let layers = layers.iter().zip(values.windows(2));
    layers
        .map(|(layer, values)| {
            let buffers = layer.buffers(&[&values[0], &values[1]]);
            let rows = layer.outputs;
            kernel.bind(device, params, &buffers, Size { images, rows })
        })
        .collect()
}
