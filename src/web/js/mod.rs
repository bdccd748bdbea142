//! The WebAssembly modules' APIs: what the page calls.

#[cfg(any(feature = "gpu", feature = "webgpu"))]
mod adapter;
#[cfg(any(feature = "certify", feature = "baseline", feature = "gpu"))]
pub mod attack;
#[cfg(feature = "certify")]
pub mod attacker;
#[cfg(feature = "baseline")]
pub mod baseline;
#[cfg(feature = "bench")]
pub mod bench;
#[cfg(feature = "certify")]
pub mod certificate;
#[cfg(feature = "certify")]
pub mod certify;
#[cfg(feature = "gpu")]
pub mod gpu;
#[cfg(feature = "import")]
pub mod import;
#[cfg(any(feature = "certify", feature = "baseline"))]
pub mod measure;
#[cfg(feature = "train")]
mod play;
#[cfg(feature = "teach")]
pub mod teach;
#[cfg(feature = "train")]
pub mod train;

use std::error::Error;

use wasm_bindgen::JsError;

use crate::error::sentence;

/// A JavaScript `Error` whose message is the error's sentence and those of its causes.
fn js_error(error: impl Error) -> JsError {
    JsError::new(&sentence(&error))
}

/// Reads an unpacked model file.
#[cfg(any(feature = "certify", feature = "gpu", feature = "teach"))]
fn read_model(model: &[u8]) -> Result<crate::exact::Model, JsError> {
    console_error_panic_hook::set_once();
    crate::exact::Model::from_bytes(model).map_err(js_error)
}

#[cfg(any(
    feature = "certify",
    feature = "baseline",
    feature = "gpu",
    feature = "import",
    feature = "train"
))]
fn to_js(value: &impl serde::Serialize) -> Result<wasm_bindgen::JsValue, JsError> {
    let serializer = serde_wasm_bindgen::Serializer::new()
        .serialize_missing_as_null(true)
        // A flattened struct counts as a map, and would else become a JavaScript `Map`.
        .serialize_maps_as_objects(true);
    value.serialize(&serializer).map_err(js_error)
}
