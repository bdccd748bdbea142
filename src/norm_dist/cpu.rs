//! The distance and its gradients on the CPU: f32 slices, SIMD through `macerator` (AVX2, AVX-512,
//! NEON, WebAssembly's simd128), threads through rayon where there are any.
//!
//! Three shapes of inner loop, chosen by p:
//!
//! - *even*: `|d|^p = (d²)^{p/2}` for even p whose half needs few multiplications ([`Ladder`]);
//! - *general*: log2 and exp2, skipping vectors in which every term is negligible beside the
//!   largest difference (at p ≥ 100 that is nearly all of them);
//! - *largest*: p = ∞, subtract, absolute value, maximum.
//!
//! The forward pass splits the batch among threads; each tile of 4 × 2 rows stays in the first
//! cache level. The backward pass splits the *columns*: one thread then owns the same columns of
//! both gradients, so that nothing is summed across threads and the result does not depend on how
//! many there are.
//!
//! Skipped terms are below 2^-24 of the largest one forward and 2^-20 of `u` backward.

use std::borrow::Cow;

use macerator::{Simd, vload_unaligned, vstore_unaligned};

use super::power::{F32s, Ladder, exp2, general_power, ladder_power, log2, splat};
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
/// Even powers are taken by multiplication up to this p; beyond it skipping is faster.
const LADDER_UP_TO: f32 = 100.0;

/// `‖x[b] − w[o]‖` for every pair of rows, `[batch, outputs]`. Inputs must be finite.
///
/// # Panics
/// If a slice's length is not what `sizes` says, or p < 1.
pub fn forward(x: &[f32], w: &[f32], sizes: Sizes, norm: Norm) -> Vec<f32> {
    sizes.check(x, w, norm);
    let (x, w) = (Rows::new(x, sizes.inputs), Rows::new(w, sizes.inputs));
    let mut u = vec![0.0; sizes.batch * sizes.outputs];
    for_each_chunk(&mut u, TASK_ROWS * sizes.outputs, |task, u| {
        let job = Forward { x: &x, first: task * TASK_ROWS, w: &w, outputs: sizes.outputs, u };
        match norm {
            Norm::Inf => run_forward(Largest, job),
            Norm::P(p) => match EvenPower::new(p) {
                Some(power) => even_forward(power, job),
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
/// If a slice's length is not what `sizes` says, or p < 1.
pub fn backward(x: &[f32], w: &[f32], u: &[f32], grad: &[f32], sizes: Sizes, norm: Norm) -> (Vec<f32>, Vec<f32>) {
    sizes.check(x, w, norm);
    assert_eq!(u.len(), sizes.batch * sizes.outputs, "u must be [batch, outputs]");
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
        data.par_chunks_mut(length.max(1)).enumerate().for_each(|(index, chunk)| task(index, chunk));
    }
    #[cfg(target_arch = "wasm32")]
    data.chunks_mut(length.max(1)).enumerate().for_each(|(index, chunk)| task(index, chunk));
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
            return Self { data: Cow::Borrowed(matrix), stride, count };
        }
        let mut data = vec![0.0; count * stride];
        for (padded, row) in data.chunks_exact_mut(stride.max(1)).zip(matrix.chunks_exact(columns.max(1))) {
            padded[..columns].copy_from_slice(row);
        }
        Self { data: Cow::Owned(data), stride, count }
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

fn even_forward(power: EvenPower, job: Forward<'_>) {
    match (power.forward.odd, power.plus_one) {
        (1, false) => run_forward(Even::<1, false>(power), job),
        (3, false) => run_forward(Even::<3, false>(power), job),
        (5, false) => run_forward(Even::<5, false>(power), job),
        (7, false) => run_forward(Even::<7, false>(power), job),
        (1, true) => run_forward(Even::<1, true>(power), job),
        (3, true) => run_forward(Even::<3, true>(power), job),
        (5, true) => run_forward(Even::<5, true>(power), job),
        _ => run_forward(Even::<7, true>(power), job),
    }
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

/// An even p whose powers are cheap: `s^{p/2}` forward and `s^{p/2−1}` backward with `s = t²`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct EvenPower {
    p: f32,
    /// `p/2`, or `p/2 − 1` if `plus_one`.
    forward: Ladder,
    plus_one: bool,
    /// `p/2 − 1`.
    backward: Ladder,
}

impl EvenPower {
    fn new(p: f32) -> Option<Self> {
        if p > LADDER_UP_TO || p % 2.0 != 0.0 {
            return None;
        }
        let half = p as u32 / 2;
        let backward = Ladder::new(half - 1)?;
        let (forward, plus_one) = Ladder::new(half).map_or((backward, true), |ladder| (ladder, false));
        Some(Self { p, forward, plus_one, backward })
    }

    /// Squares are raised to this, so that no power falls among the slow denormal numbers.
    fn floor(self) -> f32 {
        (-200.0 / self.p).exp2()
    }
}

#[derive(Clone, Copy)]
struct Even<const ODD: u32, const PLUS_ONE: bool>(EvenPower);

impl<const ODD: u32, const PLUS_ONE: bool> ForwardKernel for Even<ODD, PLUS_ONE> {
    #[inline(always)]
    fn tile<S: Simd>(self, x: TileX<'_>, w: TileW<'_>) -> Tile {
        if self.0.p <= PLAIN_UP_TO {
            let sums = self.sums::<S, false>(x, w, [[1.0; TILE_W]; TILE_X]);
            if sums.as_flattened().iter().all(|sum| PLAIN_SUMS.contains(sum)) {
                return roots::<S>(sums, self.0.p);
            }
        }
        let largest = Largest.tile::<S>(x, w);
        let sums = self.sums::<S, true>(x, w, largest.map(|row| row.map(inverse)));
        scaled_roots::<S>(sums, largest, self.0.p)
    }
}

impl<const ODD: u32, const PLUS_ONE: bool> Even<ODD, PLUS_ONE> {
    /// `Σ (d·scale)^p` of every pair of the tile.
    #[inline(always)]
    fn sums<S: Simd, const SCALED: bool>(self, x: TileX<'_>, w: TileW<'_>, scale: Tile) -> Tile {
        let floor = splat::<S>(self.0.floor());
        let scale = scale.map(|row| row.map(splat::<S>));
        let mut sums = [[splat::<S>(0.0); TILE_W]; TILE_X];
        for at in (0..w[0].len()).step_by(lanes::<S>()) {
            let x = x.map(|x| load::<S>(x, at));
            for (o, w) in w.iter().enumerate() {
                let w = load::<S>(w, at);
                let mut squares = x;
                for (b, square) in squares.iter_mut().enumerate() {
                    let mut d = *square - w;
                    if SCALED {
                        d = d * scale[b][o];
                    }
                    *square = d * d;
                    if SCALED {
                        *square = square.max(floor);
                    }
                }
                let powers = ladder_power::<S, ODD, TILE_X>(squares, self.0.forward.squarings);
                for b in 0..TILE_X {
                    sums[b][o] = if PLUS_ONE { powers[b].mul_add(squares[b], sums[b][o]) } else { sums[b][o] + powers[b] };
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
        let (scale, p, kept, zero) = (splat::<S>(scale), splat::<S>(self.p), splat::<S>(smallest_kept), splat::<S>(0.0));
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
                        sum = sum + counts.select(general_power(base, p), zero);
                    }
                }
            }
            at += group * lanes;
        }
        sum.reduce_add()
    }
}

/// 1/u, or 0 for u = 0: a distance of 0 has no slope.
#[inline(always)]
fn inverse(u: f32) -> f32 {
    if u > 0.0 { 1.0 / u } else { 0.0 }
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
    std::array::from_fn(|b| std::array::from_fn(|o| if largest[b][o] > 0.0 { largest[b][o] * roots[b][o] } else { 0.0 }))
}

/// Columns that one backward task owns.
const BLOCK: usize = PADDING;

fn backward_finite(x: &[f32], w: &[f32], u: &[f32], grad: &[f32], sizes: Sizes, p: f32) -> (Vec<f32>, Vec<f32>) {
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
        match EvenPower::new(p) {
            Some(power) => even_backward(power, job),
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
    for (tile, rows) in factors.chunks_mut((sizes.batch * 2 * TILE_BACK).max(1)).enumerate() {
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

/// The slope `sign(t)·|t|^{p−1}` of 4 terms `t = d/u` at a time.
trait BackwardKernel: Copy {
    fn slopes<S: Simd>(self, t: [F32s<S>; TILE_BACK]) -> Option<[F32s<S>; TILE_BACK]>;
}

#[macerator::with_simd]
fn run_backward<'a, S: Simd, K: BackwardKernel>(kernel: K, job: Backward<'a>) {
    let batch = job.x.len() / BLOCK;
    for (tile, (w, dw)) in job.w.chunks_exact(TILE_BACK * BLOCK).zip(job.dw.chunks_exact_mut(TILE_BACK * BLOCK)).enumerate() {
        let factors = &job.factors[tile * batch * 2 * TILE_BACK..][..batch * 2 * TILE_BACK];
        for at in (0..BLOCK).step_by(lanes::<S>()) {
            let w: [F32s<S>; TILE_BACK] = std::array::from_fn(|o| load::<S>(w, o * BLOCK + at));
            let mut minus_dw = [splat::<S>(0.0); TILE_BACK];
            let rows = job.x.chunks_exact(BLOCK).zip(job.dx.chunks_exact_mut(BLOCK));
            for ((x, dx), factors) in rows.zip(factors.chunks_exact(2 * TILE_BACK)) {
                let x = load::<S>(x, at);
                let mut t = w;
                for (o, t) in t.iter_mut().enumerate() {
                    *t = (x - *t) * splat(factors[o]);
                }
                if let Some(slopes) = kernel.slopes::<S>(t) {
                    let mut sum = load::<S>(dx, at);
                    for o in 0..TILE_BACK {
                        let term = slopes[o] * splat(factors[TILE_BACK + o]);
                        sum = sum + term;
                        minus_dw[o] = minus_dw[o] + term;
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

fn even_backward(power: EvenPower, job: Backward<'_>) {
    match power.backward.odd {
        1 => run_backward(EvenSlope::<1>(power), job),
        3 => run_backward(EvenSlope::<3>(power), job),
        5 => run_backward(EvenSlope::<5>(power), job),
        _ => run_backward(EvenSlope::<7>(power), job),
    }
}

/// `(t²)^{p/2−1}·t`, which carries the sign of t by itself.
#[derive(Clone, Copy)]
struct EvenSlope<const ODD: u32>(EvenPower);

impl<const ODD: u32> BackwardKernel for EvenSlope<ODD> {
    #[inline(always)]
    fn slopes<S: Simd>(self, t: [F32s<S>; TILE_BACK]) -> Option<[F32s<S>; TILE_BACK]> {
        let floor = splat::<S>(self.0.floor());
        let mut slopes = ladder_power::<S, ODD, TILE_BACK>(t.map(|t| (t * t).max(floor)), self.0.backward.squarings);
        for (slope, t) in slopes.iter_mut().zip(t) {
            *slope = *slope * t;
        }
        Some(slopes)
    }
}

impl BackwardKernel for General {
    #[inline(always)]
    fn slopes<S: Simd>(self, t: [F32s<S>; TILE_BACK]) -> Option<[F32s<S>; TILE_BACK]> {
        let exponent = self.p - 1.0;
        // Above 0 even at p = 1, where the slope is a sign and that of 0 is 0.
        let kept = splat::<S>((NEGLIGIBLE_BACKWARD / exponent).exp2().max(1e-30));
        let bases = t.map(|t| t.abs());
        let highest = bases[0].max(bases[1]).max(bases[2].max(bases[3]));
        if !highest.ge(kept).any() {
            return None;
        }
        let mut slopes = t;
        for (slope, base) in slopes.iter_mut().zip(bases) {
            let counts = base.ge(kept);
            if !counts.any() {
                *slope = splat(0.0);
                continue;
            }
            let power = general_power(base, splat(exponent));
            let sign = slope.reinterpret::<u32>() ^ base.reinterpret::<u32>();
            let signed = (power.reinterpret::<u32>() ^ sign).reinterpret::<f32>();
            *slope = counts.select(signed, splat(0.0));
        }
        Some(slopes)
    }
}

fn backward_largest(x: &[f32], w: &[f32], u: &[f32], grad: &[f32], sizes: Sizes) -> (Vec<f32>, Vec<f32>) {
    let Sizes { batch, outputs, inputs } = sizes;
    let (padded_x, padded_w) = (Rows::new(x, inputs), Rows::new(w, inputs));
    let mut deciding = vec![0u32; batch * outputs];
    for_each_chunk(&mut deciding, outputs, |b, deciding| {
        first_largest(padded_x.row(b), &padded_w, &u[b * outputs..][..outputs], deciding);
    });
    // The slope is a sign; a distance of 0 has none.
    let slope = |b: usize, o: usize| {
        let i = deciding[b * outputs + o] as usize;
        let d = x[b * inputs + i] - w[o * inputs + i];
        let sign = if d > 0.0 { 1.0 } else if d < 0.0 { -1.0 } else { 0.0 };
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
            if (load::<S>(x, at) - load::<S>(w, at)).abs().ge(splat(*u)).any() {
                let equal = |i: &usize| (x[*i] - w[*i]).abs() >= *u;
                *deciding = (at..x.len()).find(equal).unwrap_or(at) as u32;
                break;
            }
        }
    }
}
