//! `u[b, o] = ‖x[b] − w[o]‖_p`.
//!
//! The kernel takes two passes: the largest difference first, then the powers of the differences
//! divided by it. A single pass that rescales its sum as the maximum grows needs the same operations
//! and one more power for every slice. For even p up to 18 one pass with the plain sum suffices. The few
//! pairs whose sum leaves the range of f32 are computed again from memory, by the invocation that meets
//! them.
//!
//! A workgroup of a split sum knows the largest difference of its own columns only. Joining the
//! partial sums rescales them to the largest difference of all.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::super::Norm;
use super::super::cpu::{NEGLIGIBLE_FORWARD, PLAIN_FORWARD, PLAIN_SUMS};
use super::{
    BLOCK, DEPTH, STRIDE, TILE, contiguous, empty, first_slice, for_each_dispatch, for_each_number,
    integer_power, inverse, last_slice, load_rows, multiplied_half, read_block, sizes, split_k,
    store_block, workgroup,
};

/// The quantity that is accumulated over the columns of a pair of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// The largest difference, p = ∞.
    Largest,
    /// `d^(2·half)` as it is.
    Plain(u32),
    /// `(d/M)^(2·half)`, where M is the largest difference.
    Even(u32),
    /// `(|d|/M)^p`.
    General,
}

impl Kind {
    fn new(norm: Norm) -> Self {
        match norm {
            Norm::Inf => Self::Largest,
            Norm::P(p) => match multiplied_half(p) {
                Some(half) if half <= PLAIN_FORWARD => Self::Plain(half),
                Some(half) => Self::Even(half),
                None => Self::General,
            },
        }
    }

    /// Number of partial results per split: the largest difference, the sum, or both.
    fn parts(self) -> usize {
        match self {
            Self::Largest | Self::Plain(_) => 1,
            Self::Even(_) | Self::General => 2,
        }
    }
}

/// Computes distances, `[batch, outputs]`.
pub fn forward(x: CubeTensor, w: CubeTensor, norm: Norm) -> CubeTensor {
    let sizes = sizes(&x, &w);
    norm.check();
    let [x, w] = contiguous([x, w]);
    let kind = Kind::new(norm);
    let p = match norm {
        Norm::P(p) => p,
        Norm::Inf => f32::INFINITY,
    };
    let splits = split_k(sizes.batch, sizes.outputs, sizes.inputs);
    let parts = empty(
        &x,
        [splits * kind.parts() * sizes.batch, sizes.outputs],
        x.dtype,
    );
    let (rows, columns) = (sizes.batch, sizes.outputs);
    for_each_dispatch(rows, columns, sizes.inputs, splits, |first, count| {
        // SAFETY: the kernel reads and writes only rows and columns below the sizes, which were checked.
        unsafe {
            partial::launch_unchecked(
                &x.client,
                count,
                workgroup(),
                x.clone().into_buffer_arg(),
                w.clone().into_buffer_arg(),
                parts.clone().into_buffer_arg(),
                first,
                sizes.batch,
                sizes.outputs,
                sizes.inputs,
                p.min(f32::MAX),
                (NEGLIGIBLE_FORWARD / p).exp2(),
                kind,
            );
        }
    });
    if kind == Kind::Largest && splits == 1 {
        return parts;
    }
    let u = empty(&x, [sizes.batch, sizes.outputs], x.dtype);
    // Any of them may have to be computed again.
    for_each_number(&u, 2 * sizes.inputs, |first, length, count, workgroup| {
        // SAFETY: the kernel reads and writes only what the sizes, which were checked, have a place for.
        unsafe {
            distances::launch_unchecked(
                &x.client,
                count,
                workgroup,
                x.clone().into_buffer_arg(),
                w.clone().into_buffer_arg(),
                parts.clone().into_buffer_arg(),
                u.clone().into_buffer_arg(),
                first,
                length,
                sizes.outputs,
                sizes.inputs,
                splits,
                p.min(f32::MAX),
                kind,
            );
        }
    });
    u
}

/// Computes the partial results of one split for every pair of rows, see [`Kind::parts`].
#[cube(launch_unchecked)]
fn partial(
    x: &[f32],
    w: &[f32],
    parts: &mut [f32],
    first: usize,
    batch: usize,
    outputs: usize,
    inputs: usize,
    p: f32,
    smallest_kept: f32,
    #[comptime] kind: Kind,
) {
    let mut xs = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let mut ws = Shared::<[f32]>::new_slice(DEPTH * STRIDE);
    let row = first + CUBE_POS_Y as usize * TILE;
    let column = CUBE_POS_X as usize * TILE;
    let mut largest = Array::<f32>::new(BLOCK * BLOCK);
    let mut scale = Array::<f32>::new(BLOCK * BLOCK);
    let mut sums = Array::<f32>::new(BLOCK * BLOCK);
    #[unroll]
    for k in 0..BLOCK * BLOCK {
        largest[k] = 0.0f32;
        scale[k] = 1.0f32;
        sums[k] = 0.0f32;
    }
    let slices = inputs.div_ceil(DEPTH);
    let (start, end) = (first_slice(slices), last_slice(slices));
    if comptime!(!matches!(kind, Kind::Plain(_))) {
        for slice in start..end {
            load_rows(x, batch, inputs, row, slice * DEPTH, &mut xs);
            load_rows(w, outputs, inputs, column, slice * DEPTH, &mut ws);
            sync_cube();
            accumulate(
                &xs,
                &ws,
                &mut largest,
                &scale,
                p,
                smallest_kept,
                Kind::Largest,
            );
            sync_cube();
        }
        #[unroll]
        for k in 0..BLOCK * BLOCK {
            scale[k] = inverse(largest[k]);
        }
    }
    if comptime!(kind != Kind::Largest) {
        for slice in start..end {
            load_rows(x, batch, inputs, row, slice * DEPTH, &mut xs);
            load_rows(w, outputs, inputs, column, slice * DEPTH, &mut ws);
            sync_cube();
            accumulate(&xs, &ws, &mut sums, &scale, p, smallest_kept, kind);
            sync_cube();
        }
    }
    let part = CUBE_POS_Z as usize * comptime!(kind.parts());
    if comptime!(!matches!(kind, Kind::Plain(_))) {
        store_block(parts, &largest, part, row, column, batch, outputs);
    }
    if comptime!(kind != Kind::Largest) {
        let last = part + comptime!(kind.parts() - 1);
        store_block(parts, &sums, last, row, column, batch, outputs);
    }
}

/// Joins the partial results of every pair of rows to its distance.
#[cube(launch_unchecked)]
fn distances(
    x: &[f32],
    w: &[f32],
    parts: &[f32],
    u: &mut [f32],
    first: usize,
    length: usize,
    outputs: usize,
    inputs: usize,
    splits: usize,
    p: f32,
    #[comptime] kind: Kind,
) {
    let at = first + ABSOLUTE_POS;
    if at < length {
        let mut largest = 0.0f32;
        if comptime!(!matches!(kind, Kind::Plain(_))) {
            for split in 0..splits {
                let part = split * comptime!(kind.parts());
                largest = largest.max(parts[part * length + at]);
            }
        }
        let mut sum = 0.0f32;
        if comptime!(kind != Kind::Largest) {
            for split in 0..splits {
                let part = split * comptime!(kind.parts());
                let last = part + comptime!(kind.parts() - 1);
                let mut of_split = parts[last * length + at];
                if comptime!(!matches!(kind, Kind::Plain(_))) {
                    let ratio = parts[part * length + at] / largest;
                    if ratio < 1.0f32 {
                        of_split *= power_or_zero(ratio, p);
                    }
                }
                sum += of_split;
            }
        }
        u[at] = match comptime!(kind) {
            Kind::Largest => largest,
            Kind::Plain(half) => {
                let large_enough = sum >= comptime!(PLAIN_SUMS.start);
                let small_enough = sum < comptime!(PLAIN_SUMS.end);
                if large_enough && small_enough {
                    root(1.0f32, sum, p)
                } else {
                    let (b, o) = (at / outputs, at % outputs);
                    distance_of_pair(x, w, b * inputs, o * inputs, inputs, p, half)
                }
            }
            _ => root(largest, sum, p),
        };
    }
}

/// Adds one slice of columns to the 4 × 4 pairs of an invocation.
#[cube]
fn accumulate(
    xs: &Shared<[f32]>,
    ws: &Shared<[f32]>,
    sums: &mut Array<f32>,
    scale: &Array<f32>,
    p: f32,
    smallest_kept: f32,
    #[comptime] kind: Kind,
) {
    let mut x = Array::<f32>::new(BLOCK);
    let mut w = Array::<f32>::new(BLOCK);
    for column in 0..DEPTH {
        read_block(xs, column, UNIT_POS_Y as usize, &mut x);
        read_block(ws, column, UNIT_POS_X as usize, &mut w);
        #[unroll]
        for i in 0..BLOCK {
            #[unroll]
            for j in 0..BLOCK {
                let k = i * BLOCK + j;
                let d = x[i] - w[j];
                match comptime!(kind) {
                    Kind::Largest => sums[k] = sums[k].max(d.abs()),
                    Kind::Plain(half) => sums[k] += integer_power(d * d, half),
                    Kind::Even(half) => {
                        let t = d * scale[k];
                        sums[k] += integer_power(t * t, half);
                    }
                    Kind::General => {
                        let t = d.abs() * scale[k];
                        if t >= smallest_kept {
                            sums[k] += (t.ln() * p).exp();
                        }
                    }
                }
            }
        }
    }
}

/// `ratio^p`, or 0 for a ratio of 0, whose logarithm is not finite.
#[cube]
fn power_or_zero(ratio: f32, p: f32) -> f32 {
    let mut result = 0.0f32;
    if ratio > 0.0f32 {
        result = (ratio.ln() * p).exp();
    }
    result
}

/// `scale · sum^{1/p}`, or 0 for a sum of 0, whose logarithm is not finite.
#[cube]
fn root(scale: f32, sum: f32, p: f32) -> f32 {
    let mut result = 0.0f32;
    if sum > 0.0f32 {
        result = scale * (sum.ln() / p).exp();
    }
    result
}

/// Computes one distance for an even p, with the largest difference factored out.
#[cube]
fn distance_of_pair(
    x: &[f32],
    w: &[f32],
    x_start: usize,
    w_start: usize,
    inputs: usize,
    p: f32,
    #[comptime] half: u32,
) -> f32 {
    let mut largest = 0.0f32;
    for i in 0..inputs {
        largest = largest.max((x[x_start + i] - w[w_start + i]).abs());
    }
    let scale = inverse(largest);
    let mut sum = 0.0f32;
    for i in 0..inputs {
        let t = (x[x_start + i] - w[w_start + i]) * scale;
        sum += integer_power(t * t, half);
    }
    root(largest, sum, p)
}
