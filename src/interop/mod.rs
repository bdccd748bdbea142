//! Other people's formats, described in `docs/interop.md`: what comes in from
//! PyTorch, and what goes out to runtimes and verifiers.
//!
//! Everything here is plain data in, plain data out, without Burn; files are read and written by the
//! command line.

pub mod onnx;
pub mod plain;
#[cfg(feature = "pytorch")]
pub mod pytorch;
pub mod vnnlib;
