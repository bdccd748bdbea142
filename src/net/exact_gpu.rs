//! The exact integer network on the GPU, many images at a time, with the bits of the CPU.
//!
//! WGSL rounds sums and differences correctly and its maximum is exact, so single-precision floats
//! compute with integers without error as long as all of them stay below 2²⁴; the overflow proof
//! of [`ExactNet`] says whether they do, and a network that may leave that range is refused.
//!
//! Rows of kept weights have very different lengths, so units are not tiled. Images lie side by
//! side instead, `[units, images]`: a workgroup takes one unit and 64 images, reads each kept weight
//! once for all of them, and the value that it meets for neighbouring images from neighbouring
//! places.

use burn::Tensor;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{DType, Device, Int, Shape, TensorData};
use burn_cubecl::{CubeBackend, ops::numeric::empty_device_contiguous_dtype};
use cubecl::prelude::*;
use thiserror::Error;

use crate::exact::{ExactNet, InputError, MAX_LEVEL, Ticks, logits_of_members};
use crate::train::tensors::{ReadError, read};

/// Images of one workgroup.
const IMAGES: usize = 64;
/// Images that pass through the net together.
const BATCH: usize = 1024;
/// Units of one dispatch, of which WebGPU allows 65,535.
const UNITS: usize = 1 << 14;

/// Why the GPU does not answer for the exact network.
#[derive(Debug, Error)]
pub enum ExactOnGpuError {
    /// Some image could drive a value beyond the integers that floats hold.
    #[error(
        "values of this network can reach {magnitude} ticks, beyond the 2^24 that are exact on a \
         GPU; use a smaller scale, or the CPU"
    )]
    Inexact {
        /// The largest magnitude that any image can reach, in ticks.
        magnitude: i64,
    },
    /// The images do not fit the network.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The results could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// An [`ExactNet`] in the memory of a GPU.
#[derive(Debug)]
pub struct ExactNetOnGpu {
    layers: Vec<Layer>,
    bias: Vec<i32>,
    classes: usize,
    scale: i32,
    inputs: usize,
    device: Device,
}

/// Row starts, columns and weights, as in [`crate::exact::CsrLayer`].
#[derive(Debug)]
struct Layer {
    starts: Tensor<1, Int>,
    columns: Tensor<1, Int>,
    weights: Tensor<1>,
}

impl ExactNetOnGpu {
    /// Copies the network to `device`, which must be a GPU's.
    pub fn new(net: &ExactNet, device: &Device) -> Result<Self, ExactOnGpuError> {
        if !net.is_exact_in_f32() {
            return Err(ExactOnGpuError::Inexact {
                magnitude: net.max_magnitude(),
            });
        }
        let integers = |values: Vec<i32>| {
            let shape = [values.len()];
            Tensor::<1, Int>::from_data(TensorData::new(values, shape), device)
        };
        let layers = net.to_sparse().into_iter().map(|layer| {
            let weights: Vec<f32> = layer.weights.iter().map(|&w| w as f32).collect();
            let shape = [weights.len()];
            Layer {
                starts: integers(layer.pattern.starts().iter().map(|&at| at as i32).collect()),
                columns: integers(layer.pattern.columns().iter().map(|&c| c as i32).collect()),
                weights: Tensor::from_data(TensorData::new(weights, shape), device),
            }
        });
        Ok(Self {
            layers: layers.collect(),
            bias: net.bias().to_vec(),
            classes: net.classes(),
            scale: net.scale().cast_signed(),
            inputs: net.inputs(),
            device: device.clone(),
        })
    }

    /// Logits in ticks, `[images, classes]`, of 8-bit images, one after another.
    pub async fn logits(&self, images: &[u8]) -> Result<Vec<i32>, ExactOnGpuError> {
        let ticks: Vec<i32> = images.iter().map(|x| i32::from(*x) * self.scale).collect();
        self.logits_at(&ticks).await
    }

    /// Logits in ticks, `[images, classes]`, of images in ticks, each from 0 to 255·S.
    pub async fn logits_at(&self, images: &[i32]) -> Result<Vec<i32>, ExactOnGpuError> {
        let bounds = self.bounds(images, |x| [x; 2]).await?;
        Ok(bounds.into_iter().map(|[lower, _]| lower).collect())
    }

    /// Lower and upper bound of every logit in ticks, `[images, classes]`, when no pixel moves by
    /// more than `radius` and none leaves `0..=255·S`.
    pub async fn logit_bounds(
        &self,
        images: &[u8],
        radius: Ticks,
    ) -> Result<Vec<[i32; 2]>, ExactOnGpuError> {
        let top = MAX_LEVEL * self.scale;
        let radius = radius.get().min(top.cast_unsigned()).cast_signed();
        let ticks: Vec<i32> = images.iter().map(|x| i32::from(*x) * self.scale).collect();
        self.bounds(&ticks, |x| [(x - radius).max(0), (x + radius).min(top)])
            .await
    }

    /// Bounds of every logit, `[images, classes]`, while every pixel moves through its interval.
    async fn bounds(
        &self,
        images: &[i32],
        interval: impl Fn(i32) -> [i32; 2],
    ) -> Result<Vec<[i32; 2]>, ExactOnGpuError> {
        if !images.len().is_multiple_of(self.inputs) {
            let (found, expected) = (images.len() % self.inputs, self.inputs);
            return Err(InputError::Pixels { found, expected }.into());
        }
        let mut bounds = Vec::with_capacity(images.len() / self.inputs * self.classes);
        for images in images.chunks(BATCH * self.inputs) {
            let count = images.len() / self.inputs;
            let [lower, upper] = [0, 1].map(|end| self.columns(images, |x| interval(x)[end]));
            let (lower, upper) = self.run(lower, upper);
            let (lower, upper) = (read(lower).await?, read(upper).await?);
            for image in 0..count {
                // The logit is minus the value, so the ends change places.
                let [low, high] = [&upper, &lower].map(|values| {
                    let value = move |unit: usize| values[unit * count + image] as i32;
                    logits_of_members(&self.bias, self.classes, value)
                });
                bounds.extend(low.zip(high).map(|(low, high)| [low, high]));
            }
        }
        Ok(bounds)
    }

    /// Images side by side, `[inputs, images]`.
    fn columns(&self, images: &[i32], value: impl Fn(i32) -> i32) -> Tensor<2> {
        let count = images.len() / self.inputs;
        let mut values = vec![0.0; images.len()];
        for (pixel, values) in values.chunks_exact_mut(count).enumerate() {
            let ticks = images[pixel..].iter().step_by(self.inputs);
            for (place, ticks) in values.iter_mut().zip(ticks) {
                *place = value(*ticks) as f32;
            }
        }
        Tensor::from_data(TensorData::new(values, [self.inputs, count]), &self.device)
    }

    /// Bounds of the last layer's units, `[members · classes, images]`.
    fn run(&self, lower: Tensor<2>, upper: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.layers
            .iter()
            .fold((lower, upper), |(lower, upper), layer| {
                let (lower, upper) = Dispatch::exact_layer(
                    lower.into_dispatch(),
                    upper.into_dispatch(),
                    layer.starts.clone().into_dispatch(),
                    layer.columns.clone().into_dispatch(),
                    layer.weights.clone().into_dispatch(),
                );
                (Tensor::from_dispatch(lower), Tensor::from_dispatch(upper))
            })
    }
}

/// One layer of the exact network, as a backend provides it.
#[backend_extension(Cube)]
pub trait ExactLayer: Backend {
    /// Bounds of the units, `[units, images]`, from those of the inputs, `[inputs, images]`.
    fn exact_layer(
        lower: FloatTensor<Self>,
        upper: FloatTensor<Self>,
        starts: IntTensor<Self>,
        columns: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl ExactLayer for CubeBackend {
    fn exact_layer(
        lower: FloatTensor<Self>,
        upper: FloatTensor<Self>,
        starts: IntTensor<Self>,
        columns: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        assert_eq!(
            (lower.dtype, starts.dtype, columns.dtype),
            (DType::F32, DType::I32, DType::I32),
            "the kernel reads 32-bit numbers"
        );
        let (units, images) = (starts.shape()[0] - 1, lower.shape()[1]);
        let empty = || {
            let (client, device) = (lower.client.clone(), lower.device.clone());
            empty_device_contiguous_dtype(client, device, Shape::new([units, images]), lower.dtype)
        };
        let (unit_lower, unit_upper) = (empty(), empty());
        for first in (0..units).step_by(UNITS) {
            let count = UNITS.min(units - first);
            // SAFETY: units and images stay below the sizes given; the rows' ends and columns were
            // checked when the network was made.
            unsafe {
                layer_bounds::launch_unchecked(
                    &lower.client,
                    CubeCount::Static(images.div_ceil(IMAGES) as u32, count as u32, 1),
                    CubeDim::new_1d(IMAGES as u32),
                    lower.clone().into_buffer_arg(),
                    upper.clone().into_buffer_arg(),
                    starts.clone().into_buffer_arg(),
                    columns.clone().into_buffer_arg(),
                    weights.clone().into_buffer_arg(),
                    unit_lower.clone().into_buffer_arg(),
                    unit_upper.clone().into_buffer_arg(),
                    first,
                    images,
                );
            }
        }
        (unit_lower, unit_upper)
    }
}

#[cube(launch_unchecked)]
fn layer_bounds(
    lower: &[f32],
    upper: &[f32],
    starts: &[i32],
    columns: &[i32],
    weights: &[f32],
    unit_lower: &mut [f32],
    unit_upper: &mut [f32],
    first: usize,
    images: usize,
) {
    let unit = first + CUBE_POS_Y as usize;
    let image = ABSOLUTE_POS_X as usize;
    if image < images {
        let mut least = 0.0f32;
        let mut most = 0.0f32;
        for at in starts[unit] as usize..starts[unit + 1] as usize {
            let weight = weights[at];
            let from = columns[at] as usize * images + image;
            let from_lower = lower[from] - weight;
            let from_upper = upper[from] - weight;
            least = least.max(from_lower).max(-from_upper);
            most = most.max(from_upper).max(-from_lower);
        }
        unit_lower[unit * images + image] = least;
        unit_upper[unit * images + image] = most;
    }
}
