//! What must hold in a real browser: run with `wasm-pack test --headless --chrome`.
#![cfg(target_arch = "wasm32")]

#[cfg(feature = "certify")]
#[path = "browser/attack.rs"]
mod attack;
#[cfg(feature = "certify")]
#[path = "browser/certify.rs"]
mod certify;

#[cfg(feature = "baseline")]
#[path = "browser/baseline.rs"]
mod baseline;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
