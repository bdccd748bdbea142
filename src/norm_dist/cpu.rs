//! The distance and its gradients on the CPU: f32 slices, SIMD through `macerator` (AVX2, AVX-512,
//! NEON, WebAssembly's simd128), threads through rayon where there are any.
//!
//! Three shapes of inner loop, chosen by p:
//!
//! - *even*: `|d|^p = (d²)^{p/2}` for even p whose powers need few multiplications;
//! - *general*: log2 and exp2, skipping vectors in which every term is negligible beside the
//!   largest difference (at p ≥ 100 that is nearly all of them);
//! - *largest*: p = ∞, subtract, absolute value, maximum.
//!
//! The forward pass splits the batch among threads; each tile of 4 × 2 rows stays in the first
//! cache level. The backward pass splits the *columns* (at p = ∞, rows of each gradient in turn): one thread then owns the same columns of
//! both gradients, so that nothing is summed across threads and the result does not depend on how
//! many there are.
//!
//! Skipped terms are below 2^-24 of the largest one forward and 2^-20 of `u` backward.

use std::borrow::Cow;

use macerator::{Simd, vload_unaligned, vstore_unaligned};

use super::power::{
    F32s, exp2, general_power, integer_power, log2, quick_half, splat, square_floor,
};
use super::{Norm, Sizes};

/// Rows are padded to a multiple of this many columns, a multiple of every vector length.
const PADDING: usize = 16;
/// Rows of `x` and of `w` in one forward tile.
const TILE_X: usize = 4;
const TILE_W: usize = 2;
/// Rows of `x` that one forward task takes: they stay in the second cache level while `w` streams by.
const TASK_ROWS: usize = 32;
/// Rows of `w` handled together in the backward pass.
const TILE_BACK: usize = 4;
/// Forward terms below this fraction of the largest are skipped (as a power of two).
const NEGLIGIBLE_FORWARD: f32 = -24.0;
/// Gradient terms below this are skipped (as a power of two).
const NEGLIGIBLE_BACKWARD: f32 = -20.0;
/// Up to this p, powers of the plain differences neither overflow nor vanish for inputs of
/// ordinary size; sums outside [`PLAIN_SUMS`] are computed again with the largest difference
/// factored out.
const PLAIN_UP_TO: f32 = 10.0;
const PLAIN_SUMS: std::ops::Range<f32> = 1e-20..1e30;

/// `‖x[b] − w[o]‖` for every pair of rows, `[batch, outputs]`. Inputs must be finite.
///
/// # Panics
/// If a slice's length is not what `sizes` says, there are no inputs, or p < 1.
pub fn forward(x: &[f32], w: &[f32], sizes: Sizes, norm: Norm) -> Vec<f32> {
    sizes.check(x, w, norm);
    let (x, w) = (Rows::new(x, sizes.inputs), Rows::new(w, sizes.inputs));
    let mut u = vec![0.0; sizes.batch * sizes.outputs];
    for_each_chunk(&mut u, TASK_ROWS * sizes.outputs, |task, u| {
        let job = Forward {
            x: &x,
            first: task * TASK_ROWS,
            w: &w,
            outputs: sizes.outputs,
            u,
        };
        match norm {
            Norm::Inf => run_forward(Largest, job),
            Norm::P(p) => match quick_half(p) {
                Some(half) => even_forward(half, job),
                None => run_forward(General { p }, job),
            },
        }
    });
    u
}

/// Gradients of `Σ grad · u` with respect to `x` (`[batch, inputs]`) and `w` (`[outputs, inputs]`),
/// where `u` is what [`forward`] returned. The same bits for any number of threads.
///
/// # Panics
/// If a slice's length is not what `sizes` says, there are no inputs, or p < 1.
pub fn backward(
    x: &[f32],
    w: &[f32],
    u: &[f32],
    grad: &[f32],
    sizes: Sizes,
    norm: Norm,
) -> (Vec<f32>, Vec<f32>) {
    sizes.check(x, w, norm);
    assert_eq!(
        u.len(),
        sizes.batch * sizes.outputs,
        "u must be [batch, outputs]"
    );
    assert_eq!(grad.len(), u.len(), "the gradient must have the shape of u");
    match norm {
        Norm::Inf => backward_largest(x, w, u, grad, sizes),
        Norm::P(p) => backward_finite(x, w, u, grad, sizes, p),
    }
}

/// Calls `task(index, chunk)` for every chunk of `data`, on all threads where there are any.
fn for_each_chunk<T: Send>(data: &mut [T], length: usize, task: impl Fn(usize, &mut [T]) + Sync) {
    #[cfg(not(target_arch = "wasm32"))]
    {
        use rayon::prelude::*;
        data.par_chunks_mut(length.max(1))
            .enumerate()
            .for_each(|(index, chunk)| task(index, chunk));
    }
    #[cfg(target_arch = "wasm32")]
    data.chunks_mut(length.max(1))
        .enumerate()
        .for_each(|(index, chunk)| task(index, chunk));
}

/// Rows of a matrix, each padded with zeros to a multiple of [`PADDING`]: two padded rows differ
/// by 0 there, which changes no distance.
struct Rows<'a> {
    data: Cow<'a, [f32]>,
    stride: usize,
    count: usize,
}

impl<'a> Rows<'a> {
    fn new(matrix: &'a [f32], columns: usize) -> Self {
        let stride = columns.next_multiple_of(PADDING);
        let count = matrix.len().checked_div(columns).unwrap_or(0);
        if stride == columns {
            return Self {
                data: Cow::Borrowed(matrix),
                stride,
                count,
            };
        }
        let mut data = vec![0.0; count * stride];
        for (padded, row) in data
            .chunks_exact_mut(stride.max(1))
            .zip(matrix.chunks_exact(columns.max(1)))
        {
            padded[..columns].copy_from_slice(row);
        }
        Self {
            data: Cow::Owned(data),
            stride,
            count,
        }
    }

    /// A row, the last one for an index past the end: tiles at the edge compute it again.
    #[inline(always)]
    fn row(&self, index: usize) -> &[f32] {
        &self.data[index.min(self.count - 1) * self.stride..][..self.stride]
    }
}

/// A forward task: the distances of some rows of `x` to all rows of `w`.
struct Forward<'a> {
    x: &'a Rows<'a>,
    /// The first row of `x`; `u` says how many there are.
    first: usize,
    w: &'a Rows<'a>,
    outputs: usize,
    u: &'a mut [f32],
}

type TileX<'a> = [&'a [f32]; TILE_X];
type TileW<'a> = [&'a [f32]; TILE_W];
type Tile = [[f32; TILE_W]; TILE_X];

/// How one tile of distances is computed.
trait ForwardKernel: Copy {
    fn tile<S: Simd>(self, x: TileX<'_>, w: TileW<'_>) -> Tile;
}

#[macerator::with_simd]
fn run_forward<'a, S: Simd, K: ForwardKernel>(kernel: K, job: Forward<'a>) {
    let rows = job.u.len() / job.outputs;
    for o in (0..job.outputs).step_by(TILE_W) {
        let w: TileW<'_> = std::array::from_fn(|k| job.w.row(o + k));
        for b in (0..rows).step_by(TILE_X) {
            let x: TileX<'_> = std::array::from_fn(|k| job.x.row(job.first + b + k));
            let tile = kernel.tile::<S>(x, w);
            for (b, distances) in (b..rows).zip(tile) {
                for (o, distance) in (o..job.outputs).zip(distances) {
                    job.u[b * job.outputs + o] = distance;
                }
            }
        }
    }
}

/// Calls a generic function with the half of p that `$half` holds as a constant.
macro_rules! with_constant_half {
    ($half:expr, $call:ident, $kernel:ident, $job:expr, [$($constant:literal)*]) => {
        match $half {
            $($constant => $call($kernel::<$constant>, $job),)*
            other => unreachable!("{other} is not among QUICK_HALVES"),
        }
    };
}

fn even_forward(half: u32, job: Forward<'_>) {
    with_constant_half!(half, run_forward, Even, job, [2 3 4 5 6 7 8 9 11 13 15 17 21 25 29 33 41 49]);
}

#[inline(always)]
fn load<S: Simd>(row: &[f32], at: usize) -> F32s<S> {
    let lanes = lanes::<S>();
    let part = &row[at..at + lanes];
    // SAFETY: `part` holds exactly one vector.
    unsafe { vload_unaligned(part.as_ptr()) }
}

#[inline(always)]
fn store<S: Simd>(row: &mut [f32], at: usize, value: F32s<S>) {
    let lanes = lanes::<S>();
    let part = &mut row[at..at + lanes];
    // SAFETY: `part` holds exactly one vector.
    unsafe { vstore_unaligned(part.as_mut_ptr(), value) }
}

#[inline(always)]
fn lanes<S: Simd>() -> usize {
    <f32 as macerator::Scalar>::lanes::<S>()
}

/// p = ∞.
#[derive(Clone, Copy)]
struct Largest;

impl ForwardKernel for Largest {
    #[inline(always)]
    fn tile<S: Simd>(self, x: TileX<'_>, w: TileW<'_>) -> Tile {
        let mut largest = [[splat::<S>(0.0); TILE_W]; TILE_X];
        for at in (0..w[0].len()).step_by(lanes::<S>()) {
            let w = w.map(|w| load::<S>(w, at));
            for (largest, x) in largest.iter_mut().zip(x) {
                let x = load::<S>(x, at);
                for (largest, w) in largest.iter_mut().zip(w) {
                    *largest = largest.max((x - w).abs());
                }
            }
        }
        largest.map(|row| row.map(|v| v.reduce_max()))
    }
}

/// An even p, by multiplications.
#[derive(Clone, Copy)]
struct Even<const HALF: u32>;

impl<const HALF: u32> ForwardKernel for Even<HALF> {
    #[inline(always)]
    fn tile<S: Simd>(self, x: TileX<'_>, w: TileW<'_>) -> Tile {
        let p = (2 * HALF) as f32;
        if p <= PLAIN_UP_TO {
            let sums = self.sums::<S, false>(x, w, [[1.0; TILE_W]; TILE_X]);
            if sums
                .as_flattened()
                .iter()
                .all(|sum| PLAIN_SUMS.contains(sum))
            {
                return roots::<S>(sums, p);
            }
        }
        let largest = Largest.tile::<S>(x, w);
        let sums = self.sums::<S, true>(x, w, largest.map(|row| row.map(inverse)));
        scaled_roots::<S>(sums, largest, p)
    }
}

impl<const HALF: u32> Even<HALF> {
    /// `Σ (d·scale)^p` of every pair of the tile.
    #[inline(always)]
    fn sums<S: Simd, const SCALED: bool>(self, x: TileX<'_>, w: TileW<'_>, scale: Tile) -> Tile {
        let floor = splat::<S>(square_floor(HALF));
        let scale = scale.map(|row| row.map(splat::<S>));
        let mut sums = [[splat::<S>(0.0); TILE_W]; TILE_X];
        for at in (0..w[0].len()).step_by(lanes::<S>()) {
            let w = w.map(|w| load::<S>(w, at));
            for b in 0..TILE_X {
                let x = load::<S>(x[b], at);
                for o in 0..TILE_W {
                    let mut d = x - w[o];
                    if SCALED {
                        d *= scale[b][o];
                    }
                    let mut square = d * d;
                    if SCALED {
                        square = square.max(floor);
                    }
                    sums[b][o] += integer_power::<S, HALF>(square);
                }
            }
        }
        sums.map(|row| row.map(|v| v.reduce_add()))
    }
}

/// Any p ≥ 1.
#[derive(Clone, Copy)]
struct General {
    p: f32,
}

impl ForwardKernel for General {
    #[inline(always)]
    fn tile<S: Simd>(self, x: TileX<'_>, w: TileW<'_>) -> Tile {
        let largest = Largest.tile::<S>(x, w);
        let smallest_kept = (NEGLIGIBLE_FORWARD / self.p).exp2();
        let mut sums = [[0.0; TILE_W]; TILE_X];
        for (b, x) in x.iter().enumerate() {
            for (o, w) in w.iter().enumerate() {
                sums[b][o] = self.sum::<S>(x, w, inverse(largest[b][o]), smallest_kept);
            }
        }
        scaled_roots::<S>(sums, largest, self.p)
    }
}

impl General {
    /// `Σ (|d|·scale)^p` over the terms whose base is at least `smallest_kept`.
    #[inline(always)]
    fn sum<S: Simd>(self, x: &[f32], w: &[f32], scale: f32, smallest_kept: f32) -> f32 {
        const GROUP: usize = 4;
        let lanes = lanes::<S>();
        let (scale, p, kept, zero) = (
            splat::<S>(scale),
            splat::<S>(self.p),
            splat::<S>(smallest_kept),
            splat::<S>(0.0),
        );
        let mut sum = zero;
        let mut at = 0;
        while at < x.len() {
            let group = GROUP.min((x.len() - at) / lanes);
            let mut bases = [zero; GROUP];
            let mut highest = zero;
            for (k, base) in bases.iter_mut().enumerate().take(group) {
                *base = (load::<S>(x, at + k * lanes) - load::<S>(w, at + k * lanes)).abs() * scale;
                highest = highest.max(*base);
            }
            if highest.ge(kept).any() {
                for base in bases {
                    let counts = base.ge(kept);
                    if counts.any() {
                        sum += counts.select(general_power(base, p), zero);
                    }
                }
            }
            at += group * lanes;
        }
        sum.reduce_add()
    }
}

/// 1/u, or 0 where u is 0 or so small that 1/u overflows: such a distance is taken to have no slope.
#[inline(always)]
fn inverse(u: f32) -> f32 {
    if u >= f32::MIN_POSITIVE { 1.0 / u } else { 0.0 }
}

/// `sum^{1/p}` of every element.
#[inline(always)]
fn roots<S: Simd>(sums: Tile, p: f32) -> Tile {
    let mut values = [1.0; PADDING];
    values[..TILE_X * TILE_W].copy_from_slice(sums.as_flattened());
    for at in (0..PADDING).step_by(lanes::<S>()) {
        let root = exp2(log2(load::<S>(&values, at)) * splat(1.0 / p));
        store(&mut values, at, root);
    }
    std::array::from_fn(|b| std::array::from_fn(|o| values[b * TILE_W + o]))
}

/// `largest · sum^{1/p}`, and 0 where the largest difference is 0.
#[inline(always)]
fn scaled_roots<S: Simd>(sums: Tile, largest: Tile, p: f32) -> Tile {
    let roots = roots::<S>(sums, p);
    std::array::from_fn(|b| {
        std::array::from_fn(|o| {
            if largest[b][o] > 0.0 {
                largest[b][o] * roots[b][o]
            } else {
                0.0
            }
        })
    })
}

/// Columns that one backward task owns.
const BLOCK: usize = PADDING;

fn backward_finite(
    x: &[f32],
    w: &[f32],
    u: &[f32],
    grad: &[f32],
    sizes: Sizes,
    p: f32,
) -> (Vec<f32>, Vec<f32>) {
    let factors = tile_factors(u, grad, sizes);
    let padded_outputs = sizes.outputs.next_multiple_of(TILE_BACK);
    let rows = sizes.batch + padded_outputs;
    // [block][rows of dx, then of dw][BLOCK]
    let mut blocks = vec![0.0; sizes.inputs.div_ceil(BLOCK) * rows * BLOCK];
    for_each_chunk(&mut blocks, rows * BLOCK, |block, gradients| {
        let (dx, dw) = gradients.split_at_mut(sizes.batch * BLOCK);
        let job = Backward {
            x: &columns(x, sizes.inputs, block, sizes.batch),
            w: &columns(w, sizes.inputs, block, padded_outputs),
            factors: &factors,
            dx,
            dw,
        };
        match quick_half(p) {
            Some(half) => even_backward(half, job),
            None => run_backward(General { p }, job),
        }
    });
    let gather = |first: usize, count: usize| {
        let mut matrix = vec![0.0; count * sizes.inputs];
        for_each_chunk(&mut matrix, sizes.inputs, |row, out| {
            for (block, out) in out.chunks_mut(BLOCK).enumerate() {
                out.copy_from_slice(&blocks[(block * rows + first + row) * BLOCK..][..out.len()]);
            }
        });
        matrix
    };
    (gather(0, sizes.batch), gather(sizes.batch, sizes.outputs))
}

/// `1/u` and the incoming gradient, as `[outputs/4][batch][1/u of 4, grad of 4]`, so that the
/// inner loop reads them in order. Missing outputs get zeros and contribute nothing.
fn tile_factors(u: &[f32], grad: &[f32], sizes: Sizes) -> Vec<f32> {
    let mut factors = vec![0.0; sizes.outputs.div_ceil(TILE_BACK) * sizes.batch * 2 * TILE_BACK];
    for (tile, rows) in factors
        .chunks_mut((sizes.batch * 2 * TILE_BACK).max(1))
        .enumerate()
    {
        for (b, row) in rows.chunks_mut(2 * TILE_BACK).enumerate() {
            let first = tile * TILE_BACK;
            for k in 0..TILE_BACK.min(sizes.outputs - first) {
                let at = b * sizes.outputs + first + k;
                row[k] = inverse(u[at]);
                row[TILE_BACK + k] = grad[at];
            }
        }
    }
    factors
}

/// Columns `block·16 ..` of a row-major matrix, as `[rows][16]`, zeros beyond its edges.
fn columns(matrix: &[f32], inputs: usize, block: usize, rows: usize) -> Vec<f32> {
    let first = block * BLOCK;
    let width = BLOCK.min(inputs - first);
    let mut out = vec![0.0; rows * BLOCK];
    for (out, row) in out.chunks_exact_mut(BLOCK).zip(matrix.chunks_exact(inputs)) {
        out[..width].copy_from_slice(&row[first..first + width]);
    }
    out
}

/// A backward task: all rows of both gradients for 16 columns.
struct Backward<'a> {
    x: &'a [f32],
    w: &'a [f32],
    factors: &'a [f32],
    dx: &'a mut [f32],
    dw: &'a mut [f32],
}

/// The slope `sign(t)·|t|^{p−1}` of terms `t = d/u`.
trait BackwardKernel: Copy {
    /// Whether any of the terms has a slope that is not negligible.
    fn counts<S: Simd>(self, t: [F32s<S>; TILE_BACK]) -> bool;

    fn slope<S: Simd>(self, t: F32s<S>) -> F32s<S>;
}

#[macerator::with_simd]
fn run_backward<'a, S: Simd, K: BackwardKernel>(kernel: K, job: Backward<'a>) {
    let batch = job.x.len() / BLOCK;
    for (tile, (w, dw)) in job
        .w
        .chunks_exact(TILE_BACK * BLOCK)
        .zip(job.dw.chunks_exact_mut(TILE_BACK * BLOCK))
        .enumerate()
    {
        let factors = &job.factors[tile * batch * 2 * TILE_BACK..][..batch * 2 * TILE_BACK];
        for at in (0..BLOCK).step_by(lanes::<S>()) {
            let w: [F32s<S>; TILE_BACK] = std::array::from_fn(|o| load::<S>(w, o * BLOCK + at));
            let mut minus_dw = [splat::<S>(0.0); TILE_BACK];
            let rows = job
                .x
                .chunks_exact(BLOCK)
                .zip(job.dx.chunks_exact_mut(BLOCK));
            for ((x, dx), factors) in rows.zip(factors.chunks_exact(2 * TILE_BACK)) {
                let x = load::<S>(x, at);
                let mut t = w;
                for (o, t) in t.iter_mut().enumerate() {
                    *t = (x - *t) * splat(factors[o]);
                }
                if kernel.counts::<S>(t) {
                    let mut sum = load::<S>(dx, at);
                    for o in 0..TILE_BACK {
                        let term = kernel.slope::<S>(t[o]) * splat(factors[TILE_BACK + o]);
                        sum += term;
                        minus_dw[o] += term;
                    }
                    store(dx, at, sum);
                }
            }
            for (o, minus_dw) in minus_dw.into_iter().enumerate() {
                store(dw, o * BLOCK + at, splat::<S>(0.0) - minus_dw);
            }
        }
    }
}

fn even_backward(half: u32, job: Backward<'_>) {
    // The slope needs one square less than the distance.
    with_constant_half!(half - 1, run_backward, EvenSlope, job, [1 2 3 4 5 6 7 8 10 12 14 16 20 24 28 32 40 48]);
}

/// `(t²)^POWER·t` with POWER = p/2 − 1, which carries the sign of t by itself.
#[derive(Clone, Copy)]
struct EvenSlope<const POWER: u32>;

impl<const POWER: u32> BackwardKernel for EvenSlope<POWER> {
    #[inline(always)]
    fn counts<S: Simd>(self, _t: [F32s<S>; TILE_BACK]) -> bool {
        true
    }

    #[inline(always)]
    fn slope<S: Simd>(self, t: F32s<S>) -> F32s<S> {
        let square = (t * t).max(splat(square_floor(POWER + 1)));
        integer_power::<S, POWER>(square) * t
    }
}

impl General {
    /// Bases below this have a negligible slope; above 0 even at p = 1, where the slope is a sign
    /// and that of 0 is 0.
    #[inline(always)]
    fn smallest_slope(self) -> f32 {
        (NEGLIGIBLE_BACKWARD / (self.p - 1.0)).exp2().max(1e-30)
    }
}

impl BackwardKernel for General {
    #[inline(always)]
    fn counts<S: Simd>(self, t: [F32s<S>; TILE_BACK]) -> bool {
        let highest = (t[0].abs().max(t[1].abs())).max(t[2].abs().max(t[3].abs()));
        highest.ge(splat(self.smallest_slope())).any()
    }

    #[inline(always)]
    fn slope<S: Simd>(self, t: F32s<S>) -> F32s<S> {
        let base = t.abs();
        let counts = base.ge(splat(self.smallest_slope()));
        if !counts.any() {
            return splat(0.0);
        }
        let power = general_power(base, splat(self.p - 1.0));
        let sign = t.reinterpret::<u32>() ^ base.reinterpret::<u32>();
        let signed = (power.reinterpret::<u32>() ^ sign).reinterpret::<f32>();
        counts.select(signed, splat(0.0))
    }
}

fn backward_largest(
    x: &[f32],
    w: &[f32],
    u: &[f32],
    grad: &[f32],
    sizes: Sizes,
) -> (Vec<f32>, Vec<f32>) {
    let Sizes {
        batch,
        outputs,
        inputs,
    } = sizes;
    let (padded_x, padded_w) = (Rows::new(x, inputs), Rows::new(w, inputs));
    let mut deciding = vec![0u32; batch * outputs];
    for_each_chunk(&mut deciding, outputs, |b, deciding| {
        first_largest(
            padded_x.row(b),
            &padded_w,
            &u[b * outputs..][..outputs],
            deciding,
        );
    });
    // The slope is a sign; a distance of 0 has none.
    let slope = |b: usize, o: usize| {
        let i = deciding[b * outputs + o] as usize;
        let d = x[b * inputs + i] - w[o * inputs + i];
        let sign = if d > 0.0 {
            1.0
        } else if d < 0.0 {
            -1.0
        } else {
            0.0
        };
        (i, sign * grad[b * outputs + o])
    };
    let mut dx = vec![0.0; x.len()];
    for_each_chunk(&mut dx, inputs, |b, dx| {
        for o in 0..outputs {
            let (i, slope) = slope(b, o);
            dx[i] += slope;
        }
    });
    let mut dw = vec![0.0; w.len()];
    for_each_chunk(&mut dw, inputs, |o, dw| {
        for b in 0..batch {
            let (i, slope) = slope(b, o);
            dw[i] -= slope;
        }
    });
    (dx, dw)
}

/// For each row of `w`, the first column at which `|x − w|` equals the distance.
#[macerator::with_simd]
fn first_largest<'a, S: Simd>(x: &[f32], w: &Rows<'a>, u: &[f32], deciding: &mut [u32]) {
    for (o, (deciding, u)) in deciding.iter_mut().zip(u).enumerate() {
        let w = w.row(o);
        for at in (0..x.len()).step_by(lanes::<S>()) {
            if (load::<S>(x, at) - load::<S>(w, at))
                .abs()
                .ge(splat(*u))
                .any()
            {
                let equal = |i: &usize| (x[*i] - w[*i]).abs() >= *u;
                *deciding = (at..x.len()).find(equal).unwrap_or(at) as u32;
                break;
            }
        }
    }
}
