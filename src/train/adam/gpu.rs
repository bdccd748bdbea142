//! One Adam step on the GPU: a single pass over each parameter, in place.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::DType;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, kernel::into_contiguous};
use cubecl::prelude::*;

use super::{AdamStep, FusedAdamBackend};

impl FusedAdamBackend for CubeBackend {
    fn adam_step(
        parameter: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let [parameter, first, second] = [parameter, first, second].map(own);
        let grad = into_contiguous(grad);
        for tensor in [&parameter, &grad, &first, &second] {
            let (dtype, shape) = (tensor.dtype, tensor.shape());
            assert_eq!((dtype, shape), (DType::F32, parameter.shape()));
        }
        let length = parameter.meta.num_elements();
        let workgroup = CubeDim::new_1d(256);
        let count = cubecl::calculate_cube_count_elemwise(&parameter.client, length, workgroup);
        // SAFETY: all four hold `length` numbers of f32, and the kernel goes no further.
        unsafe {
            update::launch_unchecked(
                &parameter.client,
                count,
                workgroup,
                parameter.clone().into_buffer_arg(),
                grad.into_buffer_arg(),
                first.clone().into_buffer_arg(),
                second.clone().into_buffer_arg(),
                length,
                step.beta_1,
                step.beta_2,
                step.rate,
                step.epsilon,
            );
        }
        (parameter, first, second)
    }
}

/// The tensor in contiguous memory that no other tensor shares.
fn own(tensor: CubeTensor) -> CubeTensor {
    let tensor = into_contiguous(tensor);
    if tensor.can_mut() {
        tensor
    } else {
        tensor.copy()
    }
}

#[cube(launch_unchecked)]
fn update(
    parameter: &mut [f32],
    grad: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    length: usize,
    beta_1: f32,
    beta_2: f32,
    rate: f32,
    epsilon: f32,
) {
    let at = ABSOLUTE_POS;
    if at < length {
        let g = grad[at];
        let m = beta_1 * first[at] + (1.0f32 - beta_1) * g;
        let v = beta_2 * second[at] + (1.0f32 - beta_2) * (g * g);
        first[at] = m;
        second[at] = v;
        parameter[at] -= rate * m / (v.sqrt() + epsilon);
    }
}
