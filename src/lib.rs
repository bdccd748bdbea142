//! ℓ∞-dist nets (Zhang, Cai, Lu, He, Wang, ICML 2021) whose certificates are exact.
//!
//! The neuron computes `‖x − w‖∞ + b`; a net of them is 1-Lipschitz, so the margin of its
//! logits proves how far every pixel may move before the label can change. Data flows one way:
//! bytes → [`data`] → trainer → [`float_net`] → exact integer network → certificate → page.

pub mod attack;
#[cfg(feature = "baseline")]
pub mod baseline;
#[cfg(feature = "train")]
pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
#[cfg(any(
    feature = "cli",
    feature = "train",
    all(target_arch = "wasm32", any(feature = "certify", feature = "baseline"))
))]
mod error;
pub mod exact;
#[cfg(feature = "webgpu")]
pub mod gpu;
#[cfg(feature = "train")]
pub mod net;
#[cfg(feature = "train")]
pub mod norm_dist;
#[cfg(feature = "train")]
pub mod train;
#[cfg(any(
    feature = "train",
    all(target_arch = "wasm32", any(feature = "certify", feature = "baseline"))
))]
pub mod web;
