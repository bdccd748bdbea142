//! The edge to JavaScript: the only place that knows its values.

pub mod certify;

use std::error::Error;

use wasm_bindgen::JsError;

/// A JavaScript `Error` whose message is the error's sentence and those of its causes.
fn js_error(error: impl Error) -> JsError {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    JsError::new(&message)
}
