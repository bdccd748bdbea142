//! Asks the browser for maker and family of the GPU. Most browsers give no product name, which is all
//! that `wgpu` passes on.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type GpuAdapter;
    type GpuAdapterInfo;

    #[wasm_bindgen(js_namespace = ["navigator", "gpu"], js_name = requestAdapter, catch)]
    async fn request_adapter() -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn info(this: &GpuAdapter) -> Option<GpuAdapterInfo>;
    #[wasm_bindgen(method, getter)]
    fn vendor(this: &GpuAdapterInfo) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn architecture(this: &GpuAdapterInfo) -> Option<String>;
}

/// Maker and family of the adapter that a page is given, such as "intel gen-12lp"; nothing where
/// the browser keeps both to itself.
pub(super) async fn adapter_family() -> Option<String> {
    let adapter = request_adapter().await.ok()?;
    if adapter.is_null() || adapter.is_undefined() {
        return None;
    }
    let info = adapter.unchecked_into::<GpuAdapter>().info()?;
    let words = [info.vendor(), info.architecture()];
    let words: Vec<_> = words
        .into_iter()
        .flatten()
        .filter(|w| !w.is_empty())
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}
