//! The messages between the page and a training [`Session`](super::Session) in its Worker.
//!
//! Their TypeScript types are generated from the enums here, so the two sides cannot drift apart. Those
//! of the trainer's own types that they carry are in [`types`](super::types).

use serde::{Deserialize, Serialize};

use crate::exact::Epsilon;
use crate::train::{DeviceInfo, TrainConfig};

/// Something asked of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Request {
    /// How long would this run take here? Answered by `Estimate`.
    Estimate {
        /// The run; its `name` comes back with the answer.
        config: TrainConfig,
        /// What the asker calls it.
        name: String,
    },
    /// A new run, paused at iteration 0. Answered by `Wanted` or `Ready`.
    Start {
        /// The run.
        config: TrainConfig,
    },
    /// The run of a checkpoint file, paused where it was. Answered by `Wanted` or `Ready`.
    Load {
        /// The file.
        #[serde(with = "serde_bytes")]
        #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
        checkpoint: Vec<u8>,
    },
    /// The images that `Wanted` asked for: the last ones of the training set, in their order.
    Data {
        /// Name of the data set.
        dataset: String,
        /// Parts of it, in their order.
        shards: Vec<Shard>,
    },
    /// Somebody's own images. Answered by `Fitted`, and by `Ready` if a run waited for them.
    Own(OwnImages),
    /// Train on.
    Resume,
    /// Stop between two steps, keeping everything.
    Pause,
    /// One step, while paused.
    Step,
    /// Change hyperparameters between two steps.
    Set {
        /// All that can be changed, at their new values.
        hyperparameters: Hyperparameters,
    },
    /// Measure the exact integer network of the moment. Answered by `Metrics`, or by nothing where no
    /// images were held out.
    Evaluate {
        /// Measure on the first so many held-out images.
        images: usize,
    },
    /// Everything that is needed to go on from here. Answered by `Checkpoint`.
    Save,
    /// The exact integer network of the moment as a model file. Answered by `Model`.
    Export,
    /// Forget the run. Answered by `Stopped`.
    Stop,
}

/// A part of a training set: the pixels of its images, as many each as its shape has, then their labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct Shard {
    /// SHA-256 that the bytes must have, in lower-case hexadecimal.
    pub sha256: String,
    /// The bytes.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub bytes: Vec<u8>,
}

/// Images of somebody's own, as the importer has made them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct OwnImages {
    /// What they are, as JSON.
    pub description: String,
    /// Their pixels, 784 each, those of the held-out images last.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub images: Vec<u8>,
    /// Their labels.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub labels: Vec<u8>,
    /// How many of the last are held out.
    pub held_out: usize,
    /// The radius that suits them, an exact decimal of full scale 1.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub epsilon: Epsilon,
}

/// The hyperparameters that can be changed while training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Hyperparameters {
    /// Learning rate that the cosine starts from.
    pub learning_rate: f32,
    /// Perturbation radius that the loss asks for, of full scale 1.
    pub epsilon_train: f32,
    /// Radius that certified accuracy is measured at, an exact decimal of full scale 1.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub epsilon: Epsilon,
}

/// An answer of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Reply {
    /// The program has been loaded and takes requests.
    Opened {
        /// The named runs that the library knows.
        presets: Vec<Preset>,
        /// What the steps run on.
        device: DeviceInfo,
    },
    /// How long a run would take here.
    Estimate {
        /// What the asker called the run.
        name: String,
        /// Seconds, from the speed of the kernels measured just now; of training alone.
        seconds: f64,
    },
    /// Images are missing before the run can begin.
    Wanted {
        /// Name of the data set.
        dataset: String,
        /// The last so many images of its training set.
        images: usize,
    },
    /// A run is in place, and paused.
    Ready {
        /// What it runs on: the CPU instead of a GPU where that cannot go on with it.
        device: DeviceInfo,
        /// What defines it.
        config: TrainConfig,
        /// Iterations done.
        iteration: usize,
        /// Iterations in all.
        iterations: usize,
        /// Images that are trained on.
        images: usize,
        /// Held-out images that can be measured on.
        held_out: usize,
    },
    /// The named runs as they suit the images that were handed over.
    Fitted {
        /// Name of the data set.
        dataset: String,
        /// The named runs.
        presets: Vec<Preset>,
    },
    /// The run goes on.
    Running,
    /// Steps were done.
    Progress {
        /// Iterations done.
        iteration: usize,
        /// Seconds until the last iteration at the present speed.
        seconds_left: f64,
        /// Images trained on per second, over these steps.
        images_per_second: f64,
        /// What each of these steps did.
        steps: Vec<StepPoint>,
    },
    /// The exact integer network of the moment was measured.
    Metrics(Metrics),
    /// Everything that is needed to go on, as a file.
    Checkpoint {
        /// Iterations done.
        iteration: usize,
        /// The file.
        #[serde(with = "serde_bytes")]
        #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array<ArrayBuffer>"))]
        bytes: Vec<u8>,
    },
    /// The exact integer network, as a model file.
    Model {
        /// Iterations done.
        iteration: usize,
        /// The file.
        #[serde(with = "serde_bytes")]
        #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array<ArrayBuffer>"))]
        bytes: Vec<u8>,
    },
    /// The run stands still; it can be stepped, saved and resumed.
    Paused {
        /// Iterations done.
        iteration: usize,
    },
    /// The schedule has ended.
    Done {
        /// Iterations done.
        iteration: usize,
    },
    /// The run is forgotten.
    Stopped,
    /// A request could not be met, or the run broke off.
    Error {
        /// What was wrong and what to do, in one sentence or two.
        message: String,
        /// Whether the session can no longer be used.
        fatal: bool,
    },
}

/// A named run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct Preset {
    /// Its name, as on the command line.
    pub name: String,
    /// What it stands for.
    pub config: TrainConfig,
}

/// One step in a chart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct StepPoint {
    /// The iteration, counted from 0.
    pub iteration: usize,
    /// The loss on its batch.
    pub loss: f32,
    /// Share of its batch labelled rightly at the p of the moment.
    pub accuracy: f32,
    /// The p of every layer, ∞ in the last phase.
    pub p: f32,
    /// The learning rate.
    pub learning_rate: f32,
}

/// What the exact integer network of a moment achieves on held-out images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// Iterations done.
    pub iteration: usize,
    /// The p that the net is trained with at this moment; it is measured at ∞.
    pub p: f32,
    /// Images measured: the first so many held-out ones.
    pub images: usize,
    /// The radius ε, of full scale 1.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub epsilon: Epsilon,
    /// Share labelled rightly; a tie is wrong.
    pub clean: f64,
    /// Share labelled rightly and certified at ε by the Lipschitz radius.
    pub certified_lipschitz: f64,
    /// Share labelled rightly and certified at ε by interval bound propagation.
    pub certified_ibp: f64,
    /// Share of the weights that exact pruning keeps.
    pub weights_kept: f64,
    /// How many images have half a margin in each bin of [`MARGIN_BIN`](super::MARGIN_BIN) levels,
    /// the first bin starting at −[`MARGIN_REACH`](super::MARGIN_REACH); negative where the label is wrong.
    pub margins: Vec<u32>,
    /// The first units of the first layer as images of levels: the weight, cut to 0..255.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub pictures: Vec<u8>,
}
