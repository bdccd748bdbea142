//! The device of a run: a hardware GPU where there is one, else the CPU.

use std::str::FromStr;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use thiserror::Error;

#[cfg(feature = "webgpu")]
use crate::gpu::{Gpu, GpuError};

/// The choice of a device for a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The GPU, unless there is none or it is a software adapter.
    #[default]
    Auto,
    /// The GPU, even if it is a software adapter.
    Webgpu,
    /// The CPU.
    Cpu,
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(word: &str) -> Result<Self, DeviceError> {
        match word {
            "auto" => Ok(Self::Auto),
            "webgpu" => Ok(Self::Webgpu),
            "cpu" => Ok(Self::Cpu),
            other => Err(DeviceError::Unknown(other.into())),
        }
    }
}

/// Why a device cannot be used.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// No choice has this name.
    #[error("there is no device `{0}`; it can be auto, webgpu or cpu")]
    Unknown(String),
    /// This build has no GPU kernels.
    #[error(
        "this program was built without GPU kernels; use the CPU, or build it with the feature `webgpu`"
    )]
    NotBuilt,
    /// The GPU is missing or fails.
    #[cfg(feature = "webgpu")]
    #[error(transparent)]
    Gpu(#[from] GpuError),
}

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// A GPU: through WebGPU in the browser, through Vulkan, Metal or Direct3D elsewhere.
    Webgpu,
    /// The CPU.
    Cpu,
}

/// Information on the device of a run, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// Its kind.
    pub kind: DeviceKind,
    /// Its name.
    pub name: String,
    /// Whether the GPU is a software adapter, many times slower than the CPU's kernels.
    pub software: bool,
    /// Why it was chosen, in a short sentence.
    pub why: String,
}

/// The device of a run, ready for use.
#[derive(Debug)]
pub struct Processor {
    device: Device,
    info: DeviceInfo,
    #[cfg(feature = "webgpu")]
    pub(crate) gpu: Option<Gpu>,
}

impl Processor {
    /// Opens the device of this choice. `Auto` falls back to the CPU.
    ///
    /// # Errors
    /// Fails only for [`DeviceChoice::Webgpu`], if there is no GPU.
    pub async fn open(choice: DeviceChoice) -> Result<Self, DeviceError> {
        Self::open_naming(choice, async || None).await
    }

    /// The same; `unnamed` is asked for the name of a GPU that gives none itself, as most do in a
    /// browser.
    pub async fn open_naming(
        choice: DeviceChoice,
        unnamed: impl AsyncFnOnce() -> Option<String>,
    ) -> Result<Self, DeviceError> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::cpu("You asked for the CPU.")),
            DeviceChoice::Webgpu => Self::gpu(unnamed).await,
            DeviceChoice::Auto => Ok(match Self::gpu(unnamed).await {
                Ok(gpu) if gpu.info.software => Self::cpu(&format!(
                    "The only GPU here, {}, is a software adapter; the CPU is faster.",
                    gpu.info.name
                )),
                Ok(gpu) => gpu.because("The GPU is the fastest device here."),
                Err(DeviceError::NotBuilt) => {
                    Self::cpu("This program was built without GPU kernels.")
                }
                Err(error) => Self::cpu(&format!("The GPU cannot be used: {error}.")),
            }),
        }
    }

    /// The CPU.
    pub fn cpu(why: &str) -> Self {
        let name = if cfg!(target_arch = "wasm32") {
            "CPU, one thread of WebAssembly with 128-bit SIMD"
        } else {
            "CPU, all threads"
        };
        Self {
            device: Device::flex(),
            info: DeviceInfo {
                kind: DeviceKind::Cpu,
                name: name.into(),
                software: false,
                why: why.into(),
            },
            #[cfg(feature = "webgpu")]
            gpu: None,
        }
    }

    #[cfg(feature = "webgpu")]
    async fn gpu(unnamed: impl AsyncFnOnce() -> Option<String>) -> Result<Self, DeviceError> {
        let gpu = Gpu::request_naming(unnamed).await?;
        Ok(Self {
            device: gpu.device().clone(),
            info: DeviceInfo {
                kind: DeviceKind::Webgpu,
                name: gpu.name().into(),
                software: gpu.is_software(),
                why: "You asked for the GPU.".into(),
            },
            gpu: Some(gpu),
        })
    }

    #[cfg(not(feature = "webgpu"))]
    async fn gpu(_: impl AsyncFnOnce() -> Option<String>) -> Result<Self, DeviceError> {
        Err(DeviceError::NotBuilt)
    }

    fn because(mut self, why: &str) -> Self {
        self.info.why = why.into();
        self
    }

    /// The device for Burn's tensors, without autodiff.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Information on the device.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Reports errors on the device that no call has reported. Call it after reading results.
    ///
    /// # Errors
    /// Fails if there was such an error.
    pub fn check(&self) -> Result<(), DeviceError> {
        #[cfg(feature = "webgpu")]
        if let Some(gpu) = &self.gpu {
            gpu.check()?;
        }
        Ok(())
    }
}
