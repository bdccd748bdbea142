//! What is measured both by `linf bench` and in a browser, where it is opened by `bench/web/`.

#[cfg(feature = "cli")]
pub(crate) mod command;
#[cfg(feature = "webgpu")]
pub mod gpu;
pub mod layer;
