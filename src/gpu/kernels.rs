//! The compute shaders of `wgsl/`, compiled, and how they are run.
//!
//! Every kernel takes [`Params`] and some buffers. A dispatch is prepared once, with its buffers, and
//! recorded many times, each time with other parameters: those of many steps lie side by side in one
//! buffer. So a submission of many steps costs one upload, one pass and one readback.

use wgpu::util::DeviceExt;

use super::Device;

/// Invocations of a workgroup that take one image each.
const WORKGROUP: u32 = 64;
/// The most workgroups in one direction that WebGPU guarantees.
const MOST: u32 = 65_535;
/// Bytes between the parameters of two steps: WebGPU wants multiples of 256.
const STRIDE: u64 = 256;

/// What a kernel is told; the fields of `params.wgsl`, in that order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Params {
    pub(super) images: u32,
    pub(super) inputs: u32,
    pub(super) classes: u32,
    pub(super) members: u32,
    pub(super) top: i32,
    pub(super) label: u32,
    pub(super) grid: i32,
    pub(super) move_size: i32,
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) key: [u32; 4],
    pub(super) step: u32,
    pub(super) first: u32,
    pub(super) one: i32,
}

impl Params {
    const BYTES: u64 = 80;

    fn bytes(&self) -> Vec<u8> {
        let [k0, k1, k2, k3] = self.key;
        let words = [
            self.images,
            self.inputs,
            self.classes,
            self.members,
            self.top.cast_unsigned(),
            self.label,
            self.grid.cast_unsigned(),
            self.move_size.cast_unsigned(),
            self.rows,
            self.columns,
            self.height,
            self.width,
            k0,
            k1,
            k2,
            k3,
            self.step,
            self.first,
            self.one.cast_unsigned(),
            0,
        ];
        words.into_iter().flat_map(u32::to_le_bytes).collect()
    }
}

/// The parameters of the steps of a submission.
#[derive(Debug)]
pub(super) struct ParamsBuffer {
    pub(super) buffer: wgpu::Buffer,
    steps: usize,
}

impl ParamsBuffer {
    pub(super) fn new(device: &Device, steps: usize) -> Self {
        let buffer = device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("parameters"),
            size: STRIDE * steps as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { buffer, steps }
    }

    /// # Panics
    /// If there are more steps than there is room for.
    pub(super) fn write(&self, device: &Device, steps: &[Params]) {
        assert!(steps.len() <= self.steps, "there is room for every step");
        let mut bytes = Vec::with_capacity(steps.len() * STRIDE as usize);
        for (index, params) in steps.iter().enumerate() {
            bytes.resize(index * STRIDE as usize, 0);
            bytes.extend(params.bytes());
        }
        device.queue.write_buffer(&self.buffer, 0, &bytes);
    }
}

/// How a kernel uses a buffer.
#[derive(Clone, Copy, Debug)]
enum Access {
    Read,
    Write,
}

/// A compiled shader.
#[derive(Debug)]
pub(super) struct Kernel {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

impl Kernel {
    fn new(device: &Device, name: &str, source: &[&str], access: &[Access]) -> Self {
        let device = &device.device;
        let uniform = wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: true,
                min_binding_size: std::num::NonZeroU64::new(Params::BYTES),
            },
            count: None,
        };
        let storage = access.iter().zip(1..).map(|(access, binding)| {
            let read_only = matches!(access, Access::Read);
            wgpu::BindGroupLayoutEntry {
                binding,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Storage { read_only },
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                ..uniform
            }
        });
        let entries: Vec<_> = std::iter::once(uniform).chain(storage).collect();
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(name),
            entries: &entries,
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(name),
            source: wgpu::ShaderSource::Wgsl(source.concat().into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        Self { pipeline, layout }
    }

    /// Prepares a dispatch with these buffers.
    pub(super) fn bind(
        &self,
        device: &Device,
        params: &ParamsBuffer,
        buffers: &[&wgpu::Buffer],
        size: Size,
    ) -> Dispatch {
        let uniform = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &params.buffer,
            offset: 0,
            size: std::num::NonZeroU64::new(Params::BYTES),
        });
        let storage = buffers.iter().map(|buffer| buffer.as_entire_binding());
        let resources = std::iter::once(uniform).chain(storage);
        let entries: Vec<_> = resources
            .zip(0..)
            .map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource })
            .collect();
        let group = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.layout,
            entries: &entries,
        });
        Dispatch {
            pipeline: self.pipeline.clone(),
            group,
            workgroups: size.workgroups(),
        }
    }
}

/// How many invocations a dispatch has: one for each of `images`, times `rows`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) images: usize,
    pub(super) rows: usize,
}

impl Size {
    fn workgroups(self) -> [u32; 3] {
        let x = (self.images as u32).div_ceil(WORKGROUP);
        let rows = self.rows as u32;
        [x, rows.min(MOST), rows.div_ceil(MOST)]
    }
}

/// A kernel with its buffers.
#[derive(Debug)]
pub(super) struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    workgroups: [u32; 3],
}

impl Dispatch {
    /// Records it with the parameters of a step.
    pub(super) fn record(&self, pass: &mut wgpu::ComputePass<'_>, step: usize) {
        let [x, y, z] = self.workgroups;
        if x == 0 || y == 0 {
            return;
        }
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[(step as u64 * STRIDE) as u32]);
        pass.dispatch_workgroups(x, y, z);
    }
}

/// Records several, in this order.
pub(super) fn record_all(dispatches: &[Dispatch], pass: &mut wgpu::ComputePass<'_>, step: usize) {
    for dispatch in dispatches {
        dispatch.record(pass, step);
    }
}

macro_rules! kernels {
    ($set:ident: $($name:ident: $($part:literal)+, $($access:ident)+;)*) => {
        #[derive(Debug)]
        pub(super) struct $set {
            $(pub(super) $name: Kernel,)*
        }

        impl $set {
            /// Compiles them. An error is found by the device's `failure`.
            pub(super) fn new(device: &Device) -> Self {
                Self {
                    $($name: Kernel::new(
                        device,
                        stringify!($name),
                        &[
                            include_str!("wgsl/params.wgsl"),
                            $(include_str!(concat!("wgsl/", $part, ".wgsl")),)+
                        ],
                        &[$(Access::$access,)+],
                    ),)*
                }
            }
        }
    };
}

kernels! { CertifyKernels:
    forward: "net" "forward", Read Read Read Read Write;
    bounds: "net" "bounds", Read Read Read Read Write;
    trace: "net" "argmax" "trace", Read Read Read Read Read Write;
    outputs: "outputs", Write;
    logits: "logit" "logits", Read Read Write;
    logit_bounds: "logit_bounds", Read Read Write;
    label: "search" "label", Read Write Write;
    boxes: "search" "boxes", Read Read Write;
    certified: "search" "certified", Read Write;
}

kernels! { AttackKernels:
    forward: "net" "forward", Read Read Read Read Write;
    margins: "logit" "margins", Read Read Write;
    tally: "tally", Read Write;
    keep: "keep", Read Read Write;
    start: "random" "start", Read Read Write;
    aim: "logit" "aim", Read Read Read Write;
    backward: "net" "argmax" "backward", Read Read Read Read Read Read Write Write;
    descend: "descend", Read Write Write;
    place: "random" "place", Read Read Write;
    propose: "propose", Read Read Read Write;
    accept: "accept", Read Read Read Write;
    lower: "lower", Read Write;
}

/// Makes a buffer of `words` 32-bit numbers, at least one, which are 0 at first.
pub(super) fn zeros(device: &Device, words: usize) -> wgpu::Buffer {
    device.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 4 * words.max(4) as u64,
        usage: wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_DST
            | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: false,
    })
}

/// Makes a buffer of these numbers.
pub(super) fn filled(device: &Device, words: impl IntoIterator<Item = i32>) -> wgpu::Buffer {
    let mut bytes: Vec<u8> = words.into_iter().flat_map(i32::to_le_bytes).collect();
    // No binding may be empty, and the largest element of an array has 16 bytes.
    bytes.resize(bytes.len().max(16), 0);
    device
        .device
        .create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: &bytes,
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_DST
                | wgpu::BufferUsages::COPY_SRC,
        })
}

/// Makes a buffer of `words` 32-bit numbers that the CPU can read.
pub(super) fn readable(device: &Device, words: usize) -> wgpu::Buffer {
    device.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("readback"),
        size: 4 * words as u64,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// The numbers that a device wrote.
pub(super) fn numbers(bytes: &[u8]) -> Vec<i32> {
    let words = bytes.chunks_exact(4);
    words
        .map(|word| i32::from_le_bytes(word.try_into().expect("four bytes")))
        .collect()
}
