//! Hands the GPU to Burn, for training.
//!
//! Burn can find an adapter by itself, but says neither which one nor whether it is a software adapter,
//! and it panics at an error that no call reports. So it gets the [`Device`] that is asked for here.

use burn::tensor::wgpu::{WgpuInitError, WgpuSetup};
use thiserror::Error;

use super::device::{Device, OpenError, Wants};

/// Why there is no GPU to train on, or not any more.
#[derive(Debug, Error)]
pub enum GpuError {
    /// There is none that can be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Burn cannot work with the device.
    #[error("the GPU {adapter} cannot be used")]
    Unusable {
        /// The adapter's name.
        adapter: String,
        /// Why.
        source: WgpuInitError,
    },
    /// Something that ran on the GPU went wrong: its results are not to be trusted.
    #[error(
        "the GPU {adapter} reports an error ({reason}); continue from the last checkpoint, on the CPU if need be"
    )]
    Failed {
        /// The adapter's name.
        adapter: String,
        /// What the system says.
        reason: String,
    },
}

/// A GPU that Burn's tensors can live on.
#[derive(Debug)]
pub struct Gpu {
    burn: burn::tensor::Device,
    device: Device,
}

/// Runs what Burn's GPU kernels want done when a program starts: they register what they are made of.
///
/// Where nothing calls the constructors, the linker has every exported function run all of them,
/// hundreds, each time it is called, and the bindings call such functions for every JavaScript value.
#[cfg(target_family = "wasm")]
fn run_constructors() {
    unsafe extern "C" {
        /// Made by the linker.
        fn __wasm_call_ctors();
    }
    static ONCE: std::sync::Once = std::sync::Once::new();
    // SAFETY: it takes nothing, returns nothing, and is run once.
    ONCE.call_once(|| unsafe { __wasm_call_ctors() });
}

impl Gpu {
    /// Requests the fastest adapter there is, even a software adapter.
    ///
    /// Every call opens the adapter anew: keep what it returns.
    pub async fn request() -> Result<Self, GpuError> {
        Self::request_naming(async || None).await
    }

    /// The same; `unnamed` is asked for the name of an adapter that gives none itself, as most do in a
    /// browser.
    pub async fn request_naming(
        unnamed: impl AsyncFnOnce() -> Option<String>,
    ) -> Result<Self, GpuError> {
        #[cfg(target_family = "wasm")]
        run_constructors();
        // What Burn's own kernels use as soon as the adapter has it.
        let features = wgpu::Features::SUBGROUP
            | wgpu::Features::SHADER_F16
            | wgpu::Features::SHADER_F64
            | wgpu::Features::SHADER_INT64
            | wgpu::Features::SHADER_FLOAT32_ATOMIC
            | wgpu::Features::TIMESTAMP_QUERY;
        let wants = Wants {
            features,
            large_workgroups: true,
        };
        let device = Device::open_for(wants, unnamed).await?;
        let setup = WgpuSetup {
            instance: device.instance.clone(),
            adapter: device.adapter.clone(),
            device: device.device.clone(),
            queue: device.queue.clone(),
            backend: device.adapter.get_info().backend,
        };
        let burn = burn::tensor::Device::wgpu_options()
            .setup(setup)
            .init()
            .map_err(|source| GpuError::Unusable {
                adapter: device.name().into(),
                source,
            })?;
        // After Burn's set-up, whose own handler panics.
        device.watch();
        Ok(Self { burn, device })
    }

    /// The device for Burn's tensors, without autodiff.
    pub fn device(&self) -> &burn::tensor::Device {
        &self.burn
    }

    /// What the adapter calls itself.
    pub fn name(&self) -> &str {
        self.device.name()
    }

    /// Whether the adapter is a program and no hardware. The CPU kernels are faster then.
    pub fn is_software(&self) -> bool {
        self.device.is_software()
    }

    /// Gives the GPU back at once. What is on it is lost, and nothing on it answers any more.
    pub fn destroy(&self) {
        self.device.destroy();
    }

    /// Fails once the device is lost, or anything on it has gone wrong that no call reported. Errors
    /// arrive late: ask after reading results, and before trusting them.
    pub fn check(&self) -> Result<(), GpuError> {
        match self.device.failure() {
            None => Ok(()),
            Some(reason) => Err(GpuError::Failed {
                adapter: self.name().into(),
                reason: reason.into(),
            }),
        }
    }
}
