//! What the training Worker calls: requests in, replies out, and steps in between.
//!
//! The messages are those of [`train`](crate::train), turned into JavaScript values here and
//! nowhere else.

use std::time::Duration;

use wasm_bindgen::prelude::*;

use super::{js_error, to_js};
use crate::train::{Request, Session};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn now() -> f64;
}

fn clock() -> Duration {
    Duration::from_secs_f64(now() / 1000.0)
}

/// A training run that is stepped from outside.
#[wasm_bindgen]
pub struct TrainSession {
    session: Session,
}

#[wasm_bindgen]
impl TrainSession {
    /// A session without a run.
    #[wasm_bindgen(constructor)]
    #[expect(
        clippy::new_without_default,
        reason = "a constructor for JavaScript alone"
    )]
    pub fn new() -> Self {
        console_error_panic_hook::set_once();
        Self {
            session: Session::new(clock),
        }
    }

    /// The first thing to be said: what can be trained here.
    #[wasm_bindgen(unchecked_return_type = "Reply")]
    pub fn open(&self) -> Result<JsValue, JsError> {
        to_js(&Session::open())
    }

    /// Meets a request. Throws an `Error` for a value that is none.
    #[wasm_bindgen(unchecked_return_type = "Reply[]")]
    pub fn handle(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Request")] request: JsValue,
    ) -> Result<JsValue, JsError> {
        let request: Request = serde_wasm_bindgen::from_value(request).map_err(js_error)?;
        to_js(&self.session.handle(request))
    }

    /// Trains up to `steps` steps if the run goes on, and says what they did.
    #[wasm_bindgen(unchecked_return_type = "Reply[]")]
    pub fn advance(&mut self, steps: usize) -> Result<JsValue, JsError> {
        to_js(&self.session.advance(steps))
    }

    /// Whether `advance` has anything to do.
    #[wasm_bindgen(getter, js_name = isRunning)]
    pub fn is_running(&self) -> bool {
        self.session.is_running()
    }
}
