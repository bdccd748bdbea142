//! Gradients of `Σ grad · u` with respect to `x` and `w`, both by gathering: each result is one sum over
//! the units or over the batch.
//!
//! The slope is odd, so `∂u/∂w_i = slope((w_i − x_i)/u)`. One kernel therefore serves both gradients,
//! with `x` and `w` exchanged and `u` and its gradient transposed. Computing each power once for both
//! would leave one gradient in as many partial sums as it has tiles of terms.
//!
//! At p = ∞ only the arg-max column of a distance gets its gradient. It is found first and then
//! gathered, by sums that are not split: they run in the order of the CPU's and give the same bits.

use burn::tensor::DType;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::super::cpu::NEGLIGIBLE_BACKWARD;
use super::super::{Norm, Sizes};
use super::{
    BLOCK, DEPTH, SIDE, STRIDE, TILE, check, contiguous, empty, entry, first_slice,
    for_each_dispatch, for_each_number, integer_power, inverse, last_slice, load_block, load_rows,
    multiplied_half, read_block, sizes, split_k, store_block, sum_splits, workgroup,
};

/// Numbers of one invocation in a slice of rows of 64.
const ROW_LOADS: usize = TILE * DEPTH / (SIDE * SIDE);
/// Rows that all invocations load at a time.
const ROWS_AT_A_TIME: usize = SIDE * SIDE / TILE;
/// Marks a distance without an arg-max column.
const NONE: u32 = u32::MAX;

/// Computes the gradients `[batch, inputs]` and `[outputs, inputs]`, given the distances and their
/// gradient.
pub fn backward(
    x: CubeTensor,
    w: CubeTensor,
    u: CubeTensor,
    grad: CubeTensor,
    norm: Norm,
) -> (CubeTensor, CubeTensor) {
    let sizes = sizes(&x, &w);
    for (name, tensor) in [("u", &u), ("the gradient", &grad)] {
        check(name, tensor, [sizes.batch, sizes.outputs]);
    }
    norm.check();
    let [x, w, u, grad] = contiguous([x, w, u, grad]);
    match norm {
        Norm::P(p) => (
            finite(&x, &w, &u, &grad, sizes, p, false),
            finite(&w, &x, &u, &grad, sizes, p, true),
        ),
        Norm::Inf => {
            let (columns, slopes) = argmax(&x, &w, &u, &grad, sizes);
            (
                gather(&columns, &slopes, sizes, false),
                gather(&columns, &slopes, sizes, true),
            )
        }
    }
}

/// Computes the gradient with respect to `w` only.
pub fn weight_gradient(
    x: CubeTensor,
    w: CubeTensor,
    u: CubeTensor,
    grad: CubeTensor,
    norm: Norm,
) -> CubeTensor {
    let sizes = sizes(&x, &w);
    for (name, tensor) in [("u", &u), ("the gradient", &grad)] {
        check(name, tensor, [sizes.batch, sizes.outputs]);
    }
    norm.check();
    let [x, w, u, grad] = contiguous([x, w, u, grad]);
    match norm {
        Norm::P(p) => finite(&w, &x, &u, &grad, sizes, p, true),
        Norm::Inf => {
            let (columns, slopes) = argmax(&x, &w, &u, &grad, sizes);
            gather(&columns, &slopes, sizes, true)
        }
    }
}

/// Computes the gradient with respect to `own` at a finite p: `own` is `x`, or `w` if `transposed`,
/// since the rows of `u` are those of `x`.
fn finite(
    own: &CubeTensor,
    other: &CubeTensor,
    u: &CubeTensor,
    grad: &CubeTensor,
    sizes: Sizes,
    p: f32,
    transposed: bool,
) -> CubeTensor {
    let (rows, others) = rows(sizes, transposed);
    let splits = split_k(rows, sizes.inputs, others);
    let parts = empty(own, [splits * rows, sizes.inputs], own.dtype);
    // It is above 0 even at p = 1, where the slope is a sign, so that equal numbers have slope 0.
    let smallest_kept = (NEGLIGIBLE_BACKWARD / (p - 1.0)).exp2().max(1e-30);
    for_each_dispatch(rows, sizes.inputs, others, splits, |first, count| {
        // SAFETY: the kernel reads and writes only rows and columns below the sizes, which were checked.
        unsafe {
            gradient::launch_unchecked(
                &own.client,
                count,
                workgroup(),
                own.clone().into_buffer_arg(),
                other.clone().into_buffer_arg(),
                u.clone().into_buffer_arg(),
                grad.clone().into_buffer_arg(),
                parts.clone().into_buffer_arg(),
                first,
                rows,
                others,
                sizes.inputs,
                p - 1.0,
                smallest_kept,
                multiplied_half(p).map(|half| half - 1),
                transposed,
            );
        }
    });
    sum_splits(parts, splits, [rows, sizes.inputs])
}

/// The number of rows of a gradient, and the number of rows of the other matrix that it sums over.
fn rows(sizes: Sizes, transposed: bool) -> (usize, usize) {
    if transposed {
        (sizes.outputs, sizes.batch)
    } else {
        (sizes.batch, sizes.outputs)
    }
}

/// `half_power` is p/2 − 1 where the slope is `(t²)^half_power · t`.
#[cube(launch_unchecked)]
fn gradient(
    own: &[f32],
    other: &[f32],
    u: &[f32],
    grad: &[f32],
    result: &mut [f32],
    first: usize,
    rows: usize,
    others: usize,
    inputs: usize,
    power: f32,
    smallest_kept: f32,
    #[comptime] half_power: Option<u32>,
    #[comptime] transposed: bool,
) {
    let mut rest = Shared::<[f32]>::new_slice(DEPTH * TILE);
    let mut inverses = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let mut grads = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let row = first + CUBE_POS_Y as usize * TILE;
    let column = CUBE_POS_X as usize * TILE;
    let values = load_block(own, row, column, rows, inputs);
    let mut sums = Array::<f32>::new(BLOCK * BLOCK);
    #[unroll]
    for k in 0..BLOCK * BLOCK {
        sums[k] = 0.0f32;
    }
    let slices = others.div_ceil(DEPTH);
    for slice in first_slice(slices)..last_slice(slices) {
        let start = slice * DEPTH;
        load_columns(other, others, inputs, start, column, &mut rest);
        load_factors(u, rows, others, row, start, &mut inverses, transposed);
        load_factors(grad, rows, others, row, start, &mut grads, transposed);
        // Each invocation inverts the numbers that it loaded itself.
        let unit = UNIT_POS as usize;
        #[unroll]
        for step in 0..ROW_LOADS {
            let at = factor_place(unit, step, transposed);
            inverses[at] = inverse(inverses[at]);
        }
        sync_cube();
        let mut scale = Array::<f32>::new(BLOCK);
        let mut weight = Array::<f32>::new(BLOCK);
        for k in 0..DEPTH {
            read_block(&inverses, k, UNIT_POS_Y as usize, &mut scale);
            read_block(&grads, k, UNIT_POS_Y as usize, &mut weight);
            #[unroll]
            for j in 0..BLOCK {
                let there = rest[k * TILE + UNIT_POS_X as usize + j * SIDE];
                #[unroll]
                for i in 0..BLOCK {
                    let at = i * BLOCK + j;
                    let t = (values[at] - there) * scale[i];
                    match comptime!(half_power) {
                        Some(half_power) => {
                            sums[at] += integer_power(t * t, half_power) * t * weight[i];
                        }
                        None => {
                            let base = t.abs();
                            if base >= smallest_kept {
                                let slope = (base.ln() * power).exp();
                                sums[at] += with_sign(slope, t) * weight[i];
                            }
                        }
                    }
                }
            }
        }
        sync_cube();
    }
    let part = CUBE_POS_Z as usize;
    store_block(result, &sums, part, row, column, rows, inputs);
}

/// Finds the arg-max column of every distance, the first at which `|x − w|` is the distance,
/// `[batch, outputs]`, and the gradient there.
fn argmax(
    x: &CubeTensor,
    w: &CubeTensor,
    u: &CubeTensor,
    grad: &CubeTensor,
    sizes: Sizes,
) -> (CubeTensor, CubeTensor) {
    let (rows, outputs) = (sizes.batch, sizes.outputs);
    let splits = split_k(rows, outputs, sizes.inputs);
    let parts = empty(x, [splits * rows, outputs], DType::U32);
    for_each_dispatch(rows, outputs, sizes.inputs, splits, |first, count| {
        // SAFETY: the kernel reads and writes only rows and columns below the sizes, which were checked.
        unsafe {
            argmax_columns::launch_unchecked(
                &x.client,
                count,
                workgroup(),
                x.clone().into_buffer_arg(),
                w.clone().into_buffer_arg(),
                u.clone().into_buffer_arg(),
                parts.clone().into_buffer_arg(),
                first,
                sizes.batch,
                sizes.outputs,
                sizes.inputs,
            );
        }
    });
    let columns = empty(x, [rows, outputs], DType::U32);
    let slopes = empty(x, [rows, outputs], x.dtype);
    for_each_number(&slopes, splits, |first, length, count, workgroup| {
        // SAFETY: the kernel reads and writes only what the sizes, which were checked, have a place for.
        unsafe {
            first_of_splits::launch_unchecked(
                &x.client,
                count,
                workgroup,
                x.clone().into_buffer_arg(),
                w.clone().into_buffer_arg(),
                grad.clone().into_buffer_arg(),
                parts.clone().into_buffer_arg(),
                columns.clone().into_buffer_arg(),
                slopes.clone().into_buffer_arg(),
                first,
                length,
                outputs,
                sizes.inputs,
                splits,
            );
        }
    });
    (columns, slopes)
}

#[cube(launch_unchecked)]
fn argmax_columns(
    x: &[f32],
    w: &[f32],
    u: &[f32],
    parts: &mut [u32],
    first: usize,
    batch: usize,
    outputs: usize,
    inputs: usize,
) {
    let mut xs = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let mut ws = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let row = first + CUBE_POS_Y as usize * TILE;
    let column = CUBE_POS_X as usize * TILE;
    let distances = load_block(u, row, column, batch, outputs);
    let mut found = Array::<u32>::new(BLOCK * BLOCK);
    #[unroll]
    for k in 0..BLOCK * BLOCK {
        found[k] = NONE;
    }
    let mut x_block = Array::<f32>::new(BLOCK);
    let mut w_block = Array::<f32>::new(BLOCK);
    let slices = inputs.div_ceil(DEPTH);
    for slice in first_slice(slices)..last_slice(slices) {
        load_rows(x, batch, inputs, row, slice * DEPTH, &mut xs);
        load_rows(w, outputs, inputs, column, slice * DEPTH, &mut ws);
        sync_cube();
        for k in 0..DEPTH {
            read_block(&xs, k, UNIT_POS_Y as usize, &mut x_block);
            read_block(&ws, k, UNIT_POS_X as usize, &mut w_block);
            #[unroll]
            for i in 0..BLOCK {
                #[unroll]
                for j in 0..BLOCK {
                    let at = i * BLOCK + j;
                    if (x_block[i] - w_block[j]).abs() >= distances[at] {
                        found[at] = found[at].min((slice * DEPTH + k) as u32);
                    }
                }
            }
        }
        sync_cube();
    }
    let part = CUBE_POS_Z as usize;
    store_block(parts, &found, part, row, column, batch, outputs);
}

/// Joins the splits: the first of the columns that they found, and the gradient there.
#[cube(launch_unchecked)]
fn first_of_splits(
    x: &[f32],
    w: &[f32],
    grad: &[f32],
    parts: &[u32],
    columns: &mut [u32],
    slopes: &mut [f32],
    first: usize,
    length: usize,
    outputs: usize,
    inputs: usize,
    splits: usize,
) {
    let at = first + ABSOLUTE_POS;
    if at < length {
        let mut found = parts[at];
        for split in 1..splits {
            found = found.min(parts[split * length + at]);
        }
        columns[at] = found;
        let mut slope = 0.0f32;
        let column = found as usize;
        // Only NaN leaves a distance without a column, or with one beyond the last.
        if column < inputs {
            let d = x[at / outputs * inputs + column] - w[at % outputs * inputs + column];
            if d > 0.0f32 {
                slope = grad[at];
            } else if d < 0.0f32 {
                slope = 0.0f32 - grad[at];
            }
        }
        slopes[at] = slope;
    }
}

/// Sums the slopes of each column: `[batch, inputs]`, or `transposed` and negated
/// `[outputs, inputs]`.
fn gather(columns: &CubeTensor, slopes: &CubeTensor, sizes: Sizes, transposed: bool) -> CubeTensor {
    let (rows, others) = rows(sizes, transposed);
    let result = empty(slopes, [rows, sizes.inputs], slopes.dtype);
    for_each_dispatch(rows, sizes.inputs, others, 1, |first, count| {
        // SAFETY: the kernel reads and writes only rows and columns below the sizes, which were checked.
        unsafe {
            gathering::launch_unchecked(
                &slopes.client,
                count,
                workgroup(),
                columns.clone().into_buffer_arg(),
                slopes.clone().into_buffer_arg(),
                result.clone().into_buffer_arg(),
                first,
                rows,
                others,
                sizes.inputs,
                transposed,
            );
        }
    });
    result
}

#[cube(launch_unchecked)]
fn gathering(
    columns: &[u32],
    slopes: &[f32],
    result: &mut [f32],
    first: usize,
    rows: usize,
    others: usize,
    inputs: usize,
    #[comptime] transposed: bool,
) {
    let mut places = Shared::<[u32]>::new_slice(DEPTH * STRIDE);
    let mut terms = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let row = first + CUBE_POS_Y as usize * TILE;
    let column = CUBE_POS_X as usize * TILE;
    let mut sums = Array::<f32>::new(BLOCK * BLOCK);
    #[unroll]
    for k in 0..BLOCK * BLOCK {
        sums[k] = 0.0f32;
    }
    for slice in 0..others.div_ceil(DEPTH) {
        load_factors(
            columns,
            rows,
            others,
            row,
            slice * DEPTH,
            &mut places,
            transposed,
        );
        load_factors(
            slopes,
            rows,
            others,
            row,
            slice * DEPTH,
            &mut terms,
            transposed,
        );
        sync_cube();
        for k in 0..DEPTH {
            #[unroll]
            for i in 0..BLOCK {
                let from = k * STRIDE + UNIT_POS_Y as usize + i * SIDE;
                let place = places[from] as usize;
                let term = terms[from];
                #[unroll]
                for j in 0..BLOCK {
                    if place == column + UNIT_POS_X as usize + j * SIDE {
                        if comptime!(transposed) {
                            sums[i * BLOCK + j] -= term;
                        } else {
                            sums[i * BLOCK + j] += term;
                        }
                    }
                }
            }
        }
        sync_cube();
    }
    store_block(result, &sums, 0, row, column, rows, inputs);
}

/// Copies rows `start..start + 16` and columns `first..first + 64` of a row-major matrix into
/// workgroup memory, row after row; zeros beyond its edges.
#[cube]
fn load_columns(
    matrix: &[f32],
    rows: usize,
    columns: usize,
    start: usize,
    first: usize,
    tile: &mut Shared<[f32]>,
) {
    let unit = UNIT_POS as usize;
    let column = unit % TILE;
    #[unroll]
    for step in 0..ROW_LOADS {
        let row = unit / TILE + step * ROWS_AT_A_TIME;
        tile[row * TILE + column] = entry(matrix, rows, columns, start + row, first + column);
    }
}

/// The place in its tile of an invocation's `step`-th number. Neighbouring invocations read
/// neighbours in memory, along the rows of a matrix, or of its transpose if `transposed`.
#[cube]
fn factor_place(unit: usize, step: usize, #[comptime] transposed: bool) -> usize {
    if comptime!(transposed) {
        (unit / TILE + step * ROWS_AT_A_TIME) * STRIDE + unit % TILE
    } else {
        (unit % DEPTH) * STRIDE + unit / DEPTH + step * SIDE
    }
}

/// Copies the factors of rows `row..row + 64` of the gradient and rows `start..start + 16` of the other
/// matrix, column after column; zeros beyond the edges. `matrix` is `[rows, others]`, or
/// `[others, rows]` if `transposed`.
#[cube]
fn load_factors<N: Numeric>(
    matrix: &[N],
    rows: usize,
    others: usize,
    row: usize,
    start: usize,
    tile: &mut Shared<[N]>,
    #[comptime] transposed: bool,
) {
    let unit = UNIT_POS as usize;
    #[unroll]
    for step in 0..ROW_LOADS {
        let at = factor_place(unit, step, transposed);
        let a = row + at % STRIDE;
        let c = start + at / STRIDE;
        tile[at] = if comptime!(transposed) {
            entry(matrix, others, rows, c, a)
        } else {
            entry(matrix, rows, others, a, c)
        };
    }
}

/// `magnitude` with the sign of `t`, which is not 0.
#[cube]
fn with_sign(magnitude: f32, t: f32) -> f32 {
    let mut result = magnitude;
    if t < 0.0f32 {
        result = 0.0f32 - magnitude;
    }
    result
}
