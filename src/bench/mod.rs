//! What is measured both by `linf bench` and in a browser, where it is opened by `bench/web/`.

#[cfg(feature = "webgpu")]
pub mod gpu;
pub mod layer;
