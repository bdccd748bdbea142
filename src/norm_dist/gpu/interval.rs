//! Bounds of ‖x − w‖∞ while every column of `x` moves through an interval.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    BLOCK, DEPTH, STRIDE, TILE, check, contiguous, empty, for_each_dispatch, load_rows, read_block,
    sizes, store_block, workgroup,
};

/// Lower and upper bounds, both `[batch, outputs]`.
pub fn interval(lower: CubeTensor, upper: CubeTensor, w: CubeTensor) -> (CubeTensor, CubeTensor) {
    let sizes = sizes(&lower, &w);
    check("upper", &upper, [sizes.batch, sizes.inputs]);
    let [lower, upper, w] = contiguous([lower, upper, w]);
    let shape = [sizes.batch, sizes.outputs];
    let (least, most) = (empty(&w, shape, w.dtype), empty(&w, shape, w.dtype));
    for_each_dispatch(
        sizes.batch,
        sizes.outputs,
        sizes.inputs,
        1,
        |first, count| {
            // SAFETY: the kernel reads and writes only rows and columns below the sizes, which were checked.
            unsafe {
                bounds::launch_unchecked(
                    &w.client,
                    count,
                    workgroup(),
                    lower.clone().into_buffer_arg(),
                    upper.clone().into_buffer_arg(),
                    w.clone().into_buffer_arg(),
                    least.clone().into_buffer_arg(),
                    most.clone().into_buffer_arg(),
                    first,
                    sizes.batch,
                    sizes.outputs,
                    sizes.inputs,
                );
            }
        },
    );
    (least, most)
}

#[cube(launch_unchecked)]
fn bounds(
    lower: &[f32],
    upper: &[f32],
    w: &[f32],
    least: &mut [f32],
    most: &mut [f32],
    first: usize,
    batch: usize,
    outputs: usize,
    inputs: usize,
) {
    let mut lowers = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let mut uppers = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let mut ws = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let row = first + CUBE_POS_Y as usize * TILE;
    let column = CUBE_POS_X as usize * TILE;
    let mut smallest = Array::<f32>::new(BLOCK * BLOCK);
    let mut largest = Array::<f32>::new(BLOCK * BLOCK);
    #[unroll]
    for k in 0..BLOCK * BLOCK {
        smallest[k] = 0.0f32;
        largest[k] = 0.0f32;
    }
    let mut l = Array::<f32>::new(BLOCK);
    let mut h = Array::<f32>::new(BLOCK);
    let mut weight = Array::<f32>::new(BLOCK);
    for slice in 0..inputs.div_ceil(DEPTH) {
        load_rows(lower, batch, inputs, row, slice * DEPTH, &mut lowers);
        load_rows(upper, batch, inputs, row, slice * DEPTH, &mut uppers);
        load_rows(w, outputs, inputs, column, slice * DEPTH, &mut ws);
        sync_cube();
        for k in 0..DEPTH {
            read_block(&lowers, k, UNIT_POS_Y as usize, &mut l);
            read_block(&uppers, k, UNIT_POS_Y as usize, &mut h);
            read_block(&ws, k, UNIT_POS_X as usize, &mut weight);
            #[unroll]
            for i in 0..BLOCK {
                #[unroll]
                for j in 0..BLOCK {
                    let at = i * BLOCK + j;
                    let from_lower = l[i] - weight[j];
                    let from_upper = h[i] - weight[j];
                    smallest[at] = smallest[at].max(from_lower).max(-from_upper);
                    largest[at] = largest[at].max(from_upper).max(-from_lower);
                }
            }
        }
        sync_cube();
    }
    store_block(least, &smallest, 0, row, column, batch, outputs);
    store_block(most, &largest, 0, row, column, batch, outputs);
}
