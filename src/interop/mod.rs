//! Other people's formats, described in `docs/interop.md`: what comes in from
//! PyTorch, and what goes out to runtimes and verifiers.
//!
//! Everything here is plain data in, plain data out, without Burn; files are read and written by the
//! command line.

#[cfg(feature = "authors")]
pub mod authors;
pub mod onnx;
pub mod plain;
pub mod vnnlib;
