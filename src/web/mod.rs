//! The edge to JavaScript: the only place that knows its values.

pub mod certify;

use std::error::Error;

use wasm_bindgen::JsError;

use crate::sentence::sentence;

/// A JavaScript `Error` whose message is the error's sentence and those of its causes.
fn js_error(error: impl Error) -> JsError {
    JsError::new(&sentence(&error))
}
