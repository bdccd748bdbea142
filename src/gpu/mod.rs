//! The GPU: asked for once, and the exact integer network on it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`device`] | [`Device`]: the adapter and its device, errors as values |
//! | `kernels`, `wgsl/` | the compute shaders, each the twin of a function on the CPU |
//! | [`net`] | an [`ExactNet`](crate::exact::ExactNet) in the memory of a GPU |
//! | [`certify`] | logits, bounds, labels, both radii and critical pixels of a batch |
//! | [`attack`] | attacks that make and evaluate their perturbations on the device |
//! | `burn` | [`Gpu`]: the device handed to Burn, for training |
//!
//! The network computes in integers: subtraction, absolute value and maximum of `i32`, which every GPU
//! does exactly. So its answers have the bits of the CPU, which is the specification. In the browser this
//! is WebGPU, natively whatever `wgpu` finds: Vulkan, Metal or Direct3D 12. The shaders are the same.

#[cfg(feature = "gpu")]
pub mod attack;
#[cfg(feature = "webgpu")]
mod burn;
#[cfg(feature = "gpu")]
pub mod certify;
pub mod device;
#[cfg(feature = "gpu")]
mod kernels;
#[cfg(feature = "gpu")]
pub mod net;

#[cfg(feature = "gpu")]
pub use attack::{GpuAttack, GpuAttacker};
#[cfg(feature = "webgpu")]
pub use burn::{Gpu, GpuError};
#[cfg(feature = "gpu")]
pub use certify::{Certified, GpuCertifier};
#[cfg(not(target_family = "wasm"))]
pub use device::block_on;
pub use device::{Device, OpenError};
#[cfg(feature = "gpu")]
pub use net::GpuNetError;
