//! What the training Worker calls: requests in, replies out, and steps in between.
//!
//! The messages are those of [`train`](crate::train), turned into JavaScript values here and
//! nowhere else.

use std::time::Duration;

use wasm_bindgen::prelude::*;

use super::{js_error, to_js};
use crate::train::{DeviceChoice, Processor};
use crate::web::{Reply, Request, Session};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn now() -> f64;
}

/// Names a GPU that `wgpu` has no name for.
#[cfg(feature = "webgpu")]
use super::adapter::adapter_family as name_gpu;

/// Without GPU kernels no GPU is opened.
#[cfg(not(feature = "webgpu"))]
async fn name_gpu() -> Option<String> {
    None
}

/// The time since the page was opened.
pub(super) fn clock() -> Duration {
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
        let processor = Processor::open_naming(choice, name_gpu)
            .await
            .map_err(js_error)?;
        Ok(Self {
            session: Session::new(processor, clock),
        })
    }

    /// The first thing to be said: what can be trained here, and on what.
    #[wasm_bindgen(unchecked_return_type = "Reply")]
    pub fn opened(&self) -> Result<JsValue, JsError> {
        to_js(&self.session.opened())
    }

    /// Meets a request. A value that is none is answered with an error, as is one that cannot be met.
    #[wasm_bindgen(unchecked_return_type = "Reply[]")]
    pub async fn handle(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Request")] request: JsValue,
    ) -> Result<JsValue, JsError> {
        let replies = match serde_wasm_bindgen::from_value::<Request>(request) {
            Ok(request) => self.session.handle(request).await,
            Err(error) => vec![Reply::Error {
                message: format!("the trainer was asked for what it does not know: {error}"),
                fatal: false,
            }],
        };
        to_js(&replies)
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
