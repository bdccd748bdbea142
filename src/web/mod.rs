//! The edge to JavaScript: the only place that knows its values.
//!
//! The session of the page's training Worker, and the game of *Play*, are plain Rust, and so compiled and
//! tested natively too.

#[cfg(feature = "train")]
mod cost_model;
#[cfg(feature = "train")]
mod metrics;
#[cfg(feature = "train")]
mod play;
#[cfg(feature = "train")]
mod protocol;
#[cfg(feature = "train")]
mod session;
#[cfg(feature = "train")]
mod types;

#[cfg(feature = "train")]
pub use metrics::{MARGIN_BIN, MARGIN_REACH};
#[cfg(feature = "train")]
pub use play::{
    NetTruth, Play, PlayConfig, PlayError, PlayFrame, PlayHyperparameters, PlayNet, PlayTruth,
    PlayUnits, TIE,
};
#[cfg(feature = "train")]
pub use protocol::{Hyperparameters, Metrics, OwnImages, Preset, Reply, Request, Shard, StepPoint};
#[cfg(feature = "train")]
pub use session::Session;

#[cfg(target_arch = "wasm32")]
mod js;
#[cfg(target_arch = "wasm32")]
pub use js::*;
