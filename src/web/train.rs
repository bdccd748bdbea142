//! What the training Worker calls: requests in, replies out, and steps in between.
//!
//! The messages are those of [`train`](crate::train), turned into JavaScript values here and
//! nowhere else.

use std::hint::black_box;
use std::time::Duration;

use wasm_bindgen::prelude::*;

use super::{js_error, to_js};
use crate::bench::layer::{Layer, Weights};
use crate::norm_dist::{Norm, Sizes, cpu};
use crate::train::{DeviceChoice, Processor, Request, Session};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn now() -> f64;
}

fn clock() -> Duration {
    Duration::from_secs_f64(now() / 1000.0)
}

/// A training run that is stepped from outside, one call at a time: wait for each promise before the
/// next call, even of `isRunning`.
#[wasm_bindgen]
pub struct TrainSession {
    session: Session,
}

#[wasm_bindgen]
impl TrainSession {
    /// A session without a run, on the device that the choice comes to. Rejects with an `Error` where
    /// a GPU is insisted on and there is none.
    pub async fn open(
        #[wasm_bindgen(unchecked_param_type = "DeviceChoice")] device: String,
    ) -> Result<TrainSession, JsError> {
        console_error_panic_hook::set_once();
        let choice: DeviceChoice = device.parse().map_err(js_error)?;
        let processor = Processor::open(choice).await.map_err(js_error)?;
        Ok(Self {
            session: Session::new(processor, clock),
        })
    }

    /// The first thing to be said: what can be trained here, and on what.
    #[wasm_bindgen(unchecked_return_type = "Reply")]
    pub fn opened(&self) -> Result<JsValue, JsError> {
        to_js(&self.session.opened())
    }

    /// Meets a request. Rejects with an `Error` for a value that is none.
    #[wasm_bindgen(unchecked_return_type = "Reply[]")]
    pub async fn handle(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Request")] request: JsValue,
    ) -> Result<JsValue, JsError> {
        let request: Request = serde_wasm_bindgen::from_value(request).map_err(js_error)?;
        to_js(&self.session.handle(request).await)
    }

    /// Trains up to `steps` steps if the run goes on, and says what they did.
    #[wasm_bindgen(unchecked_return_type = "Reply[]")]
    pub async fn advance(&mut self, steps: usize) -> Result<JsValue, JsError> {
        to_js(&self.session.advance(steps).await)
    }

    /// Whether `advance` has anything to do.
    #[wasm_bindgen(getter, js_name = isRunning)]
    pub fn is_running(&self) -> bool {
        self.session.is_running()
    }
}

/// Measures the kernels on the GPU, which takes some seconds. Rejects with an `Error` where there is
/// no GPU.
#[cfg(feature = "webgpu")]
#[wasm_bindgen(unchecked_return_type = "GpuBenchmark")]
pub async fn benchmark() -> Result<JsValue, JsError> {
    console_error_panic_hook::set_once();
    let gpu = crate::gpu::Gpu::request().await.map_err(js_error)?;
    let benchmark = crate::bench::gpu::benchmark(&gpu, clock).await;
    to_js(&benchmark.map_err(js_error)?)
}

/// A layer with random weights on the CPU, to be timed: the one that `linf bench` times, where it has
/// the same sizes.
#[wasm_bindgen]
pub struct LayerBenchmark {
    layer: Layer,
    norm: Norm,
    distances: (Vec<f32>, cpu::Kept),
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
