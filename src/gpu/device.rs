//! Asks for a GPU and keeps what is known of it.
//!
//! A software adapter is many times slower than the CPU's vectors and must never be taken unasked, so
//! the adapter's name and kind are kept. An error that no call reports would end in a panic, which a
//! WebAssembly instance does not survive, so errors are collected here as values.

use std::sync::{Arc, OnceLock};

use thiserror::Error;

/// Why there is no GPU.
#[derive(Debug, Error)]
pub enum OpenError {
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
}

/// What a program wants of the device.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wants {
    /// Features that are used where the adapter has them.
    pub(crate) features: wgpu::Features,
    /// Workgroups as large as the adapter allows.
    pub(crate) large_workgroups: bool,
}

/// A GPU, opened. A clone is the same device.
#[derive(Clone, Debug)]
pub struct Device {
    #[cfg(feature = "webgpu")]
    pub(crate) instance: wgpu::Instance,
    #[cfg(feature = "webgpu")]
    pub(crate) adapter: wgpu::Adapter,
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    name: String,
    software: bool,
    /// The first error that no call reported, or how the device was lost.
    failure: Arc<OnceLock<String>>,
}

impl Device {
    /// Opens the fastest adapter there is, even a software adapter.
    ///
    /// Every call opens the adapter anew: keep what it returns.
    pub async fn open() -> Result<Self, OpenError> {
        Self::open_naming(async || None).await
    }

    /// The same; `unnamed` is asked for the name of an adapter that gives none itself, as most do in a
    /// browser.
    pub async fn open_naming(
        unnamed: impl AsyncFnOnce() -> Option<String>,
    ) -> Result<Self, OpenError> {
        let device = Self::open_for(Wants::default(), unnamed).await?;
        device.watch();
        Ok(device)
    }

    /// The same with what a program wants; call [`Self::watch`] on the result.
    pub(crate) async fn open_for(
        wants: Wants,
        unnamed: impl AsyncFnOnce() -> Option<String>,
    ) -> Result<Self, OpenError> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                ..Default::default()
            })
            .await
            .map_err(|_| OpenError::NoAdapter)?;
        let info = adapter.get_info();
        let name = match info.name.is_empty() {
            false => info.name.clone(),
            true => unnamed()
                .await
                .unwrap_or_else(|| "that nobody names".into()),
        };
        let (device, queue) = open(&adapter, wants)
            .await
            .map_err(|error| OpenError::Refused {
                adapter: name.clone(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            #[cfg(feature = "webgpu")]
            instance,
            #[cfg(feature = "webgpu")]
            adapter,
            device,
            queue,
            // Not every browser admits that it fell back.
            software: info.device_type == wgpu::DeviceType::Cpu
                || name.to_lowercase().contains("swiftshader"),
            name,
            failure: Arc::default(),
        })
    }

    /// Collects from here on what no call reports, in place of whoever did so before.
    pub(crate) fn watch(&self) {
        self.device.on_uncaptured_error(Arc::new({
            let failure = self.failure.clone();
            move |error: wgpu::Error| drop(failure.set(error.to_string()))
        }));
        self.device.set_device_lost_callback({
            let failure = self.failure.clone();
            move |_, why| drop(failure.set(format!("it was lost: {}", why.trim_end_matches('.'))))
        });
    }

    /// What the adapter calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the adapter is a program and no hardware. The CPU is faster then.
    pub fn is_software(&self) -> bool {
        self.software
    }

    /// Gives the GPU back at once. What is on it is lost, and nothing on it answers any more.
    pub fn destroy(&self) {
        self.device.destroy();
    }

    /// What has gone wrong: how the device was lost, or an error that no call reported. Errors arrive
    /// late: ask after reading results, and before trusting them.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Reads a buffer that can be mapped, once the commands that were submitted before are done. Fails
    /// with what the system says, also where anything else on the device has gone wrong.
    #[cfg(feature = "gpu")]
    pub(crate) async fn read(&self, buffer: &wgpu::Buffer) -> Result<Vec<u8>, String> {
        let (sender, receiver) = async_channel::bounded(1);
        buffer.map_async(wgpu::MapMode::Read, .., move |mapped| {
            drop(sender.try_send(mapped));
        });
        // Natively nothing happens without this; in a browser it does nothing.
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        let mapped = match polled {
            Ok(_) => receiver.recv().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let bytes = mapped.and_then(|mapped| {
            mapped.map_err(|error| error.to_string())?;
            let view = buffer.get_mapped_range(..);
            view.map(|view| view.to_vec())
                .map_err(|error| error.to_string())
        });
        buffer.unmap();
        match (self.failure(), bytes) {
            (Some(failure), _) => Err(failure.into()),
            (None, bytes) => bytes,
        }
    }
}

/// Waits for what is asked of a GPU natively, where it is there as soon as it is asked for.
#[cfg(not(target_family = "wasm"))]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Waker};
    let mut future = std::pin::pin!(future);
    loop {
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

/// Opens the adapter with the limits that the kernels need, and with its own limits if those are
/// refused.
async fn open(
    adapter: &wgpu::Adapter,
    wants: Wants,
) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    let all = adapter.limits();
    // Our kernels need no more than WebGPU guarantees everywhere, but weights and activations of wide
    // layers want large buffers.
    let mut stated = wgpu::Limits {
        max_buffer_size: all.max_buffer_size,
        max_storage_buffer_binding_size: all.max_storage_buffer_binding_size,
        ..wgpu::Limits::default()
    };
    if wants.large_workgroups {
        stated = wgpu::Limits {
            max_compute_workgroup_size_x: all.max_compute_workgroup_size_x,
            max_compute_workgroup_size_y: all.max_compute_workgroup_size_y,
            max_compute_workgroup_size_z: all.max_compute_workgroup_size_z,
            max_compute_invocations_per_workgroup: all.max_compute_invocations_per_workgroup,
            max_compute_workgroup_storage_size: all.max_compute_workgroup_storage_size,
            ..stated
        };
    }
    match request(adapter, wants, stated).await {
        Ok(opened) => Ok(opened),
        Err(_) => request(adapter, wants, all).await,
    }
}

async fn request(
    adapter: &wgpu::Adapter,
    wants: Wants,
    required_limits: wgpu::Limits,
) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    adapter
        .request_device(&wgpu::DeviceDescriptor {
            label: Some("ℓ∞-dist nets"),
            required_features: adapter.features() & wants.features,
            required_limits,
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        })
        .await
}
