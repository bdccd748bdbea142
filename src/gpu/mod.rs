//! Requests the GPU with our own limits and hands it to Burn.
//!
//! Burn can find an adapter by itself, but says neither which one nor whether it is a software
//! fallback, which is many times slower than the CPU's vectors and must never be taken unasked; and
//! an error that no call reports would end in a panic, which a WebAssembly instance does not survive.
//! So the adapter is chosen here, its name and kind are kept, and errors are values.
//!
//! In the browser this is WebGPU; natively whatever `wgpu` finds, Vulkan, Metal or Direct3D 12. The
//! kernels are written as WGSL in both.

use std::sync::{Arc, OnceLock};

use burn::tensor::Device;
use burn::tensor::wgpu::{WgpuInitError, WgpuSetup, wgpu};
use thiserror::Error;

/// Why there is no GPU to train on, or not any more.
#[derive(Debug, Error)]
pub enum GpuError {
    /// Nothing answered. What `wgpu` says is a list of the systems that it was not built for.
    #[error(
        "no GPU was found; a browser needs WebGPU and hardware acceleration switched on, and \
         everything runs on the CPU as well"
    )]
    NoAdapter,
    /// The adapter gives no device.
    #[error(
        "the GPU {adapter} gives no access ({reason}); close other pages that use it, or use the CPU"
    )]
    Refused {
        /// The adapter's name.
        adapter: String,
        /// What the system says.
        reason: String,
    },
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
    device: Device,
    /// As `wgpu` knows it.
    raw: wgpu::Device,
    name: String,
    software: bool,
    /// The first error that no call reported, or how the device was lost.
    failure: Arc<OnceLock<String>>,
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
    /// Requests the fastest adapter there is, even a software fallback.
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
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                ..Default::default()
            })
            .await
            .map_err(|_| GpuError::NoAdapter)?;
        let info = adapter.get_info();
        let name = match info.name.is_empty() {
            false => info.name.clone(),
            true => unnamed()
                .await
                .unwrap_or_else(|| "that nobody names".into()),
        };
        let (device, queue) = open(&adapter).await.map_err(|error| GpuError::Refused {
            adapter: name.clone(),
            reason: error.to_string(),
        })?;
        let setup = WgpuSetup {
            instance,
            adapter,
            device: device.clone(),
            queue,
            backend: info.backend,
        };
        let burn = Device::wgpu_options()
            .setup(setup)
            .init()
            .map_err(|source| GpuError::Unusable {
                adapter: name.clone(),
                source,
            })?;
        let failure = Arc::new(OnceLock::new());
        // After Burn's set-up, whose own handler panics.
        device.on_uncaptured_error(Arc::new({
            let failure = failure.clone();
            move |error: wgpu::Error| drop(failure.set(error.to_string()))
        }));
        device.set_device_lost_callback({
            let failure = failure.clone();
            move |_, why| drop(failure.set(format!("it was lost: {}", why.trim_end_matches('.'))))
        });
        Ok(Self {
            device: burn,
            raw: device,
            // Not every browser admits that it fell back.
            software: info.device_type == wgpu::DeviceType::Cpu
                || name.to_lowercase().contains("swiftshader"),
            name,
            failure,
        })
    }

    /// The device for Burn's tensors, without autodiff.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the adapter calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the adapter is a program and no hardware. The CPU kernels are faster then.
    pub fn is_software(&self) -> bool {
        self.software
    }

    /// Gives the GPU back at once. What is on it is lost, and nothing on it answers any more.
    pub fn destroy(&self) {
        self.raw.destroy();
    }

    /// Fails once the device is lost, or anything on it has gone wrong that no call reported. Errors
    /// arrive late: ask after reading results, and before trusting them.
    pub fn check(&self) -> Result<(), GpuError> {
        match self.failure.get() {
            None => Ok(()),
            Some(reason) => Err(GpuError::Failed {
                adapter: self.name.clone(),
                reason: reason.clone(),
            }),
        }
    }
}

/// Opens the adapter with the limits that the kernels need, and with its own limits if those are
/// refused.
async fn open(
    adapter: &wgpu::Adapter,
) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    let all = adapter.limits();
    // Our kernels need no more than WebGPU guarantees everywhere. Burn's take workgroups as large
    // as the adapter allows, and weights of wide layers want large buffers.
    let stated = wgpu::Limits {
        max_buffer_size: all.max_buffer_size,
        max_storage_buffer_binding_size: all.max_storage_buffer_binding_size,
        max_compute_workgroup_size_x: all.max_compute_workgroup_size_x,
        max_compute_workgroup_size_y: all.max_compute_workgroup_size_y,
        max_compute_workgroup_size_z: all.max_compute_workgroup_size_z,
        max_compute_invocations_per_workgroup: all.max_compute_invocations_per_workgroup,
        max_compute_workgroup_storage_size: all.max_compute_workgroup_storage_size,
        ..wgpu::Limits::default()
    };
    match request_device(adapter, stated).await {
        Ok(opened) => Ok(opened),
        Err(_) => request_device(adapter, all).await,
    }
}

async fn request_device(
    adapter: &wgpu::Adapter,
    required_limits: wgpu::Limits,
) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    // What Burn's own kernels use as soon as the adapter has it.
    let used = wgpu::Features::SUBGROUP
        | wgpu::Features::SHADER_F16
        | wgpu::Features::SHADER_F64
        | wgpu::Features::SHADER_INT64
        | wgpu::Features::SHADER_FLOAT32_ATOMIC
        | wgpu::Features::TIMESTAMP_QUERY;
    adapter
        .request_device(&wgpu::DeviceDescriptor {
            label: Some("ℓ∞-dist nets"),
            required_features: adapter.features() & used,
            required_limits,
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        })
        .await
}
