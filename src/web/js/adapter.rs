//! Asks the browser for maker and family of the GPU. Most browsers give no product name, which is all
//! that `wgpu` passes on.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Window, WorkerGlobalScope};

/// Maker and family of the adapter that a page is given, such as "intel gen-12lp"; nothing where
/// the browser keeps both to itself.
pub(super) async fn adapter_family() -> Option<String> {
    let gpu = property(&navigator()?, "gpu")?;
    let request: Function = property(&gpu, "requestAdapter")?.dyn_into().ok()?;
    let promise: Promise = request.call0(&gpu).ok()?.dyn_into().ok()?;
    let adapter: JsValue = JsFuture::from(promise).await.ok()?;
    let info = property(&adapter, "info")?;
    let words = ["vendor", "architecture"].map(|name| property(&info, name)?.as_string());
    let words: Vec<_> = words
        .into_iter()
        .flatten()
        .filter(|w| !w.is_empty())
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The navigator of a Worker or of a page.
fn navigator() -> Option<JsValue> {
    let global = js_sys::global();
    if let Some(worker) = global.dyn_ref::<WorkerGlobalScope>() {
        return Some(worker.navigator().into());
    }
    Some(global.dyn_ref::<Window>()?.navigator().into())
}

/// A property that is there. The bindings of WebGPU in `web-sys` are still unstable, so its objects are
/// looked into by name.
fn property(object: &JsValue, name: &str) -> Option<JsValue> {
    // Of null and of undefined there is none; asking throws.
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_null() && !value.is_undefined()).then_some(value)
}
