//! The distance and its gradients on the GPU, as CubeCL kernels: WGSL in the browser and wherever
//! `wgpu` runs. Twins of [`super::cpu`], which they are tested against.
//!
//! A distance costs a handful of operations per pair of numbers, so the kernels are limited by loads.
//! A workgroup of 16 × 16 computes a tile of 64 × 64 results, each invocation 4 × 4 of them in
//! registers. Both factors pass through workgroup memory in slices of 16, so two loads serve 32 terms.
//! The kernels stay within the limits that WebGPU guarantees: 256 invocations, 16 KiB of workgroup
//! memory and 8 storage buffers. WebGPU has no atomic floats, and not every adapter has subgroups. Each
//! sum is therefore computed by one invocation in a fixed order, so that a run can be repeated to the
//! bit.
//!
//! Few tiles leave most of a large GPU idle: a batch of 128 through 1024 units has 32. The terms of
//! every sum are then split among several workgroups (split-K, see [`split_k`]), and a second kernel
//! joins the partial results, also in a fixed order.
//!
//! A browser terminates GPU work that runs for seconds, so a large computation is cut into several
//! dispatches.

mod backward;
mod forward;
mod roofline;

use burn::backend::TensorMetadata;
use burn::tensor::{DType, Shape};
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype};
use cubecl::prelude::*;

pub(super) use backward::{backward, weight_gradient};
pub(super) use forward::forward;
pub use roofline::{Arithmetic, Roofline, TERMS as ROOFLINE_TERMS};

use super::Sizes;
use super::power::quick_half;

/// Invocations of a workgroup along one side.
const SIDE: usize = 16;
/// Results of one invocation along one side.
const BLOCK: usize = 4;
/// Results of a workgroup along one side.
const TILE: usize = SIDE * BLOCK;
/// Columns that pass through workgroup memory at a time.
const DEPTH: usize = 16;
/// Distance between rows in workgroup memory. It is odd, so that writing a column of the tile uses
/// every memory bank once.
const STRIDE: usize = TILE + 1;
/// Numbers that each invocation loads into one tile of workgroup memory.
const LOADS: usize = TILE * DEPTH / (SIDE * SIDE);
/// Largest number of terms in one dispatch. It takes a twentieth of a second at the 10¹⁰ terms per
/// second of an integrated GPU.
const MAX_TERMS: usize = 1 << 29;

/// Workgroups up to which sums are split, enough to occupy a large GPU.
const WORKGROUPS: usize = 256;
/// Fewest terms of a sum that are worth a workgroup.
const MIN_TERMS_PER_SPLIT: usize = 4 * DEPTH;

/// Largest half of a quick exponent whose powers are multiplied out here. Beyond it nearly all terms are
/// negligible and skipped one by one, and each half would be one more kernel to compile.
const MULTIPLIED: u32 = 49;

/// Half of p, if its powers are multiplied out on the GPU.
fn multiplied_half(p: f32) -> Option<u32> {
    quick_half(p).filter(|half| *half <= MULTIPLIED)
}

/// The shape of a workgroup.
fn workgroup() -> CubeDim {
    CubeDim::new_2d(SIDE as u32, SIDE as u32)
}

/// Returns into how many parts the sums of `terms` terms of `rows × columns` results are split. It
/// depends on nothing else, so that every GPU adds in the same order.
fn split_k(rows: usize, columns: usize, terms: usize) -> usize {
    let tiles = rows.div_ceil(TILE) * columns.div_ceil(TILE);
    let most = (WORKGROUPS / tiles.max(1))
        .min(terms / MIN_TERMS_PER_SPLIT)
        .max(1);
    // All parts but the last have as many slices. Parts that would have none are left out.
    let slices = terms.div_ceil(DEPTH).max(1);
    slices.div_ceil(slices.div_ceil(most))
}

/// Calls `launch(first row, workgroups)` until all `rows × columns` results of `terms` terms each are
/// computed in `splits` parts, in dispatches of at most [`MAX_TERMS`].
fn for_each_dispatch(
    rows: usize,
    columns: usize,
    terms: usize,
    splits: usize,
    mut launch: impl FnMut(usize, CubeCount),
) {
    let tiles = columns.div_ceil(TILE);
    let terms_of_a_tile_row = tiles * TILE * TILE * terms;
    let step = (MAX_TERMS / terms_of_a_tile_row.max(1)).max(1);
    for first in (0..rows.div_ceil(TILE)).step_by(step) {
        let count = step.min(rows.div_ceil(TILE) - first);
        if tiles > 0 {
            launch(
                first * TILE,
                CubeCount::Static(tiles as u32, count as u32, splits as u32),
            );
        }
    }
}

/// Returns the sizes of `x` and `w`. It checks them, since the kernels do not.
///
/// # Panics
/// If they are not matrices of f32 with as many columns.
fn sizes(x: &CubeTensor, w: &CubeTensor) -> Sizes {
    let sizes = Sizes {
        batch: x.shape()[0],
        outputs: w.shape()[0],
        inputs: x.shape()[1],
    };
    check("x", x, [sizes.batch, sizes.inputs]);
    check("w", w, [sizes.outputs, sizes.inputs]);
    sizes
}

/// # Panics
/// If a tensor is not a matrix of f32 of this shape.
fn check(name: &str, tensor: &CubeTensor, shape: [usize; 2]) {
    assert_eq!(
        tensor.dtype,
        DType::F32,
        "the kernels on the GPU compute with f32; {name} holds other numbers"
    );
    assert_eq!(
        tensor.shape(),
        Shape::new(shape),
        "{name} has another shape than its place in norm_dist"
    );
}

/// Makes tensors contiguous and row-major, as the kernels read them.
fn contiguous<const N: usize>(tensors: [CubeTensor; N]) -> [CubeTensor; N] {
    tensors.map(into_contiguous)
}

/// Allocates an uninitialised matrix on the device of `like`.
fn empty(like: &CubeTensor, shape: [usize; 2], dtype: DType) -> CubeTensor {
    empty_device_contiguous_dtype(
        like.client.clone(),
        like.device.clone(),
        Shape::new(shape),
        dtype,
    )
}

/// Sums the partial results of a split-K kernel: `splits` matrices of `shape`, one after another, added
/// from first to last.
fn sum_splits(parts: CubeTensor, splits: usize, shape: [usize; 2]) -> CubeTensor {
    if splits == 1 {
        return parts;
    }
    let result = empty(&parts, shape, parts.dtype);
    for_each_number(&result, splits, |first, length, count, workgroup| {
        // SAFETY: there are `splits` parts of `length` numbers, and the kernel goes no further.
        unsafe {
            add_up::launch_unchecked(
                &parts.client,
                count,
                workgroup,
                parts.clone().into_buffer_arg(),
                result.clone().into_buffer_arg(),
                first,
                length,
                splits,
            );
        }
    });
    result
}

#[cube(launch_unchecked)]
fn add_up(parts: &[f32], result: &mut [f32], first: usize, length: usize, splits: usize) {
    let at = first + ABSOLUTE_POS;
    if at < length {
        let mut sum = 0.0f32;
        for split in 0..splits {
            sum += parts[split * length + at];
        }
        result[at] = sum;
    }
}

/// Calls `launch(first, numbers, workgroups, their shape)` with an invocation for each number of
/// `result`, which may take `terms` terms, in dispatches of at most [`MAX_TERMS`].
fn for_each_number(
    result: &CubeTensor,
    terms: usize,
    mut launch: impl FnMut(usize, usize, CubeCount, CubeDim),
) {
    let length = result.meta.num_elements();
    let workgroup = CubeDim::new_1d((SIDE * SIDE) as u32);
    let step = (MAX_TERMS / terms.max(1)).next_multiple_of(SIDE * SIDE);
    for first in (0..length).step_by(step) {
        let numbers = step.min(length - first);
        let count = cubecl::calculate_cube_count_elemwise(&result.client, numbers, workgroup);
        launch(first, length, count, workgroup);
    }
}

/// The first of the slices of terms that a workgroup sums.
#[cube]
fn first_slice(slices: usize) -> usize {
    CUBE_POS_Z as usize * slices.div_ceil(CUBE_COUNT_Z as usize)
}

/// The end of the slices of terms that a workgroup sums.
#[cube]
fn last_slice(slices: usize) -> usize {
    let each = slices.div_ceil(CUBE_COUNT_Z as usize);
    slices.min((CUBE_POS_Z as usize + 1) * each)
}

/// A number of a row-major matrix; 0 beyond its edges.
#[cube]
fn entry<N: Numeric>(matrix: &[N], rows: usize, columns: usize, row: usize, column: usize) -> N {
    let mut value = N::from_int(0);
    if row < rows && column < columns {
        value = matrix[row * columns + column];
    }
    value
}

/// Copies rows `first..first + 64` and columns `start..start + 16` of a row-major matrix into
/// workgroup memory, column after column; zeros beyond its edges.
#[cube]
fn load_rows(
    matrix: &[f32],
    rows: usize,
    columns: usize,
    first: usize,
    start: usize,
    tile: &mut Shared<[f32]>,
) {
    let unit = UNIT_POS as usize;
    let column = unit % DEPTH;
    #[unroll]
    for step in 0..LOADS {
        let row = unit / DEPTH + step * SIDE;
        tile[column * STRIDE + row] = entry(matrix, rows, columns, first + row, start + column);
    }
}

/// Reads the four numbers of an invocation from one column of a tile, `offset`, `offset + 16`, ….
#[cube]
fn read_block(tile: &Shared<[f32]>, column: usize, offset: usize, block: &mut Array<f32>) {
    #[unroll]
    for k in 0..BLOCK {
        block[k] = tile[column * STRIDE + offset + k * SIDE];
    }
}

/// Reads the 4 × 4 numbers of a matrix that stand where an invocation's results do; 0 beyond its edges.
#[cube]
fn load_block(
    matrix: &[f32],
    row: usize,
    column: usize,
    rows: usize,
    columns: usize,
) -> Array<f32> {
    let mut block = Array::<f32>::new(BLOCK * BLOCK);
    #[unroll]
    for i in 0..BLOCK {
        #[unroll]
        for j in 0..BLOCK {
            let a = row + UNIT_POS_Y as usize + i * SIDE;
            let c = column + UNIT_POS_X as usize + j * SIDE;
            block[i * BLOCK + j] = entry(matrix, rows, columns, a, c);
        }
    }
    block
}

/// Writes the 4 × 4 results of an invocation into the `part`-th of several matrices.
#[cube]
fn store_block<N: Numeric>(
    result: &mut [N],
    block: &Array<N>,
    part: usize,
    row: usize,
    column: usize,
    rows: usize,
    columns: usize,
) {
    #[unroll]
    for i in 0..BLOCK {
        #[unroll]
        for j in 0..BLOCK {
            let a = row + UNIT_POS_Y as usize + i * SIDE;
            let c = column + UNIT_POS_X as usize + j * SIDE;
            if a < rows && c < columns {
                result[(part * rows + a) * columns + c] = block[i * BLOCK + j];
            }
        }
    }
}

/// `base^exponent` by squaring and multiplying, for an exponent of at least 1.
#[cube]
fn integer_power(base: f32, #[comptime] exponent: u32) -> f32 {
    if comptime!(exponent == 1) {
        base
    } else if comptime!(exponent.is_multiple_of(2)) {
        integer_power(base * base, comptime!(exponent / 2))
    } else {
        base * integer_power(base * base, comptime!(exponent / 2))
    }
}

/// 1/u, or 0 where u is 0 or so small that 1/u overflows. The slope of such a distance is taken to be
/// 0.
#[cube]
fn inverse(u: f32) -> f32 {
    let mut result = 0.0f32;
    if u >= 1.175_494_4e-38f32 {
        result = 1.0f32 / u;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_computed_once_in_short_dispatches() {
        for (rows, columns, terms) in [
            (1, 1, 1),
            (512, 1024, 1024),
            (512, 5120, 5120),
            (65, 5120, 1 << 20),
        ] {
            let mut next = 0;
            for_each_dispatch(rows, columns, terms, 3, |first, count| {
                let CubeCount::Static(x, y, 3) = count else {
                    panic!("{count:?}")
                };
                let (x, y) = (x as usize, y as usize);
                assert_eq!((first, x), (next, columns.div_ceil(TILE)));
                assert!(y == 1 || x * y * TILE * TILE * terms <= MAX_TERMS);
                next = first + y * TILE;
            });
            assert_eq!(next, rows.next_multiple_of(TILE));
        }
    }

    #[test]
    fn sums_are_split_where_there_are_few_tiles() {
        assert_eq!(split_k(128, 1024, 1024), 8);
        // 49 slices, five a workgroup.
        assert_eq!(split_k(64, 128, 784), 10);
        assert_eq!(split_k(1024, 1024, 128), 1);
        assert_eq!(split_k(1, 1, 63), 1);
        assert_eq!(split_k(0, 5, 1024), 16);
    }
}
