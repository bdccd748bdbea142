//! ℓ∞-dist nets with exact integer certificates.
//!
//! A neuron of an ℓ∞-dist net computes `‖x − w‖∞ + b` (Zhang, Cai, Lu, He, Wang, ICML 2021). A net of
//! such neurons is 1-Lipschitz, so the margin of its logits proves how far every pixel may move before
//! the label can change; interval bound propagation proves more. This crate trains such nets on
//! [Burn](https://burn.dev), rounds them to integers once, and computes label and certificate in
//! integers, without any further rounding.
//!
//! # Example
//!
//! A net of one layer that tells dark images of two pixels from bright ones:
//!
//! ```
//! use linf_dist_net::data::Normalisation;
//! use linf_dist_net::exact::{ExactNet, FloatLayer, FloatNet};
//!
//! let layer = FloatLayer {
//!     inputs: 2,
//!     outputs: 2,
//!     weight: vec![0.0, 0.0, 1.0, 1.0], // black for class 0, white for class 1
//!     pattern: None,
//!     mean: vec![],
//! };
//! let normalisation = Normalisation::IDENTITY; // weights are fractions of full scale
//! let float = FloatNet { normalisation, layers: vec![layer], bias: vec![0.0; 2] };
//! let net = ExactNet::quantize(&float, 32)?; // weights are rounded to 1/32 of a pixel level
//! let certificate = net.evaluator().certificate(&[30, 50])?;
//! assert_eq!(certificate.label, Some(0));
//! let radius = certificate.ibp_radius.expect("there is no tie");
//! // The label stays 0 while both pixels move by up to 87 levels of 255.
//! assert_eq!(radius.levels(net.scale()).get().floor(), 87.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A trained net is read from its file by [`exact::Model::from_bytes`]. `examples/certify.rs` certifies
//! test images with it, and `examples/custom_net.rs` uses the layer in a Burn program.
//!
//! # Modules
//!
//! Data flows one way: bytes → [`data`] → trainer → float net → [`exact`] → certificate, [`attack`] and
//! page.
//!
//! | module | contents | feature |
//! |---|---|---|
//! | [`exact`] | the integer network: evaluation, certificates, pruning, model files | |
//! | [`attack`] | attacks on the integer network and on any other [`attack::Classifier`] | |
//! | [`data`] | data sets, and strokes drawn on a page | |
//! | `interop` | ONNX, VNN-LIB and plain numbers out, checkpoints of PyTorch in | `interop` |
//! | [`measure`] | all images of a set: certified accuracy over ε, what attacks leave, files of both | |
//! | `norm_dist` | the distance `‖x − w‖_p` as a Burn operation with its gradients | `train` |
//! | `net` | the ℓ∞-dist layer and net as Burn modules | `train` |
//! | `train` | the training recipe, its losses and optimizer, checkpoints | `train` |
//! | `baseline` | ReLU networks to compare with and their certificates; with `train` also their training | `baseline`, `train` |
//! | `gpu` | the GPU, asked for once; the integer network and its attacks on it | `gpu`, `webgpu` |
//! | `web` | the state of the page's Workers that train, and the WebAssembly API | `train` |
//!
//! # Features
//!
//! All features are optional: the integer network, its certificates and the attacks need none of them.
//! The default features are those of the page's WebAssembly modules.
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `certify` | the WebAssembly API of the integer network | yes |
//! | `train` | layer, net and training on Burn, on the CPU, and the training of the baseline networks; in WebAssembly also the trainer's API and that of the page's *Play* | yes |
//! | `baseline` | the baseline networks; in WebAssembly also their API | yes |
//! | `gpu` | the integer network and its attacks on a GPU; in WebAssembly also their API | yes |
//! | `import` | images of one's own from zip, PNG, JPEG, CSV and IDX files; in WebAssembly also its API | yes |
//! | `webgpu` | the trainer's GPU kernels, through WebGPU in the browser and through wgpu natively; includes `train` | yes |
//! | `bench` | the benchmarks of the trainer's kernels in WebAssembly; includes `train` | yes |
//! | `interop` | formats of runtimes and verifiers | no |
//! | `pytorch` | checkpoints of the authors of ℓ∞-dist nets; with `cli` the command `linf import`; includes `interop` | no |
//! | `cli` | the command line `linf`; includes `train`, `baseline`, `import` and `interop` | no |

pub mod attack;
#[cfg(any(feature = "baseline", feature = "train"))]
pub mod baseline;
// The benchmarks serve `linf bench`, `bench/web/` and a test; they are no public API.
#[cfg(feature = "train")]
#[doc(hidden)]
pub mod bench;
// The command line is no public API: the binary `linf` and `cargo bench` enter it here.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod data;
#[cfg(any(
    feature = "cli",
    feature = "train",
    all(
        target_arch = "wasm32",
        any(
            feature = "certify",
            feature = "baseline",
            feature = "gpu",
            feature = "import",
            feature = "teach"
        )
    )
))]
mod error;
pub mod exact;
#[cfg(any(feature = "gpu", feature = "webgpu"))]
pub mod gpu;
#[cfg(feature = "interop")]
pub mod interop;
pub mod measure;
#[cfg(feature = "train")]
pub mod net;
#[cfg(feature = "train")]
pub mod norm_dist;
#[cfg(feature = "train")]
pub mod train;
#[cfg(any(
    feature = "train",
    all(
        target_arch = "wasm32",
        any(
            feature = "certify",
            feature = "baseline",
            feature = "gpu",
            feature = "import",
            feature = "teach"
        )
    )
))]
pub mod web;
