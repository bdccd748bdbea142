//! What `bench/web/` measures in a browser: the kernels of the trainer, on the GPU and on the CPU. In a
//! module of its own, as no visitor of the page calls it.

use std::hint::black_box;

use wasm_bindgen::prelude::*;

#[cfg(feature = "webgpu")]
use super::{adapter::adapter_family, js_error, to_js, train::clock};
use crate::bench::layer::{Layer, Weights};
use crate::norm_dist::{Norm, Sizes, cpu};

/// Measures the kernels on the GPU, which takes some seconds. Rejects with an `Error` where there is
/// no GPU.
#[cfg(feature = "webgpu")]
#[wasm_bindgen(unchecked_return_type = "GpuBenchmark")]
pub async fn benchmark() -> Result<JsValue, JsError> {
    console_error_panic_hook::set_once();
    let gpu = crate::gpu::Gpu::request_naming(adapter_family)
        .await
        .map_err(js_error)?;
    let benchmark = crate::bench::gpu::benchmark(&gpu, clock).await;
    to_js(&benchmark.map_err(js_error)?)
}

/// A layer with random weights on the CPU, to be timed: the one that `linf bench` times, where it has
/// the same sizes.
#[wasm_bindgen]
pub struct LayerBenchmark {
    layer: Layer,
    norm: Norm,
    distances: (Vec<f32>, cpu::SavedForBackward),
}

#[wasm_bindgen]
impl LayerBenchmark {
    /// A layer of so many images, units and inputs at p from 1 to ∞. Throws for sizes that are 0 and
    /// other p.
    #[wasm_bindgen(constructor)]
    pub fn new(
        batch: usize,
        outputs: usize,
        inputs: usize,
        p: f32,
    ) -> Result<LayerBenchmark, JsError> {
        console_error_panic_hook::set_once();
        if batch == 0 || outputs == 0 || inputs == 0 || p.is_nan() || p < 1.0 {
            let message = format!(
                "a layer needs images, outputs and inputs, and p from 1, not {batch}, {outputs}, {inputs} and {p}"
            );
            return Err(JsError::new(&message));
        }
        let norm = match p {
            f32::INFINITY => Norm::Inf,
            p => Norm::P(p),
        };
        let sizes = Sizes {
            batch,
            outputs,
            inputs,
        };
        let layer = Layer::new(Weights::Random, sizes);
        let distances = layer.forward(norm);
        Ok(Self {
            layer,
            norm,
            distances,
        })
    }

    /// Inputs, `[batch, inputs]`.
    pub fn x(&self) -> Vec<f32> {
        self.layer.x.clone()
    }

    /// Weights, `[outputs, inputs]`.
    pub fn w(&self) -> Vec<f32> {
        self.layer.w.clone()
    }

    /// Incoming gradients, `[batch, outputs]`.
    pub fn grad(&self) -> Vec<f32> {
        self.layer.grad.clone()
    }

    /// The gradient with respect to the weights, `[outputs, inputs]`.
    pub fn dw(&self) -> Vec<f32> {
        self.layer.backward(&self.distances, self.norm).1
    }

    /// Computes the distances so many times over.
    pub fn forward(&self, runs: usize) {
        for _ in 0..runs {
            black_box(self.layer.forward(self.norm));
        }
    }

    /// Computes both gradients so many times over.
    pub fn backward(&self, runs: usize) {
        for _ in 0..runs {
            black_box(self.layer.backward(&self.distances, self.norm));
        }
    }
}
