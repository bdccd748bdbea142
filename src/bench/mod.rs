//! Benchmarks: `linf bench` on the command line, and the measurements that it shares with the browser,
//! where `bench/web/` runs them.

#[cfg(feature = "cli")]
pub(crate) mod command;
#[cfg(feature = "webgpu")]
pub mod gpu;
pub mod layer;
