//! The exact integer network against its specification, its laws, and exhaustive enumeration.
#![cfg(not(target_arch = "wasm32"))]

mod attacks;
mod cases;
mod certificate_file;
mod ensemble;
mod errors;
mod exhaustive;
mod golden;
mod laws;
mod model;
mod nets;
mod prune;
mod quantize;
