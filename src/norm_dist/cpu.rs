//! The distance and its gradients on the CPU: f32 slices, SIMD through `macerator` (AVX2, AVX-512,
//! NEON, WebAssembly's simd128), threads through rayon where there are any.
//!
//! Training spends nearly all its time here, so each range of p has the cheapest loop that it
//! allows:
//!
//! - *plain*, even p up to 18, backward up to 12, and up to 66 where a sample of the pairs says that
//!   most columns count: powers of the differences themselves, by multiplications. Neither they nor
//!   their sums leave f32's range for inputs of ordinary size, at higher p after scaling by a power
//!   of two; where they do, the next kind computes again;
//! - *bounded*, any other p: a first sweep finds the largest difference of every group of columns,
//!   a second one takes powers only in the groups that have a term that counts beside the largest
//!   difference. At p = 100 that is one in five for random weights, in a trained net far fewer;
//! - *largest*, p = ∞: the first sweep alone; backward a search for the column that decides, which
//!   ends where it is found.
//!
//! The forward pass splits the batch among threads; each tile of rows stays in the first cache
//! level. The backward pass splits the *columns* (at p = ∞, rows of each gradient in turn): one
//! thread then owns the same columns of both gradients and takes one power for both, so that
//! nothing is summed across threads and the result does not depend on how many there are.
//!
//! Groups are skipped whose terms are below 2^-24 of the largest one forward and 2^-20 of `u`
//! backward.

#![allow(
    clippy::needless_range_loop,
    reason = "tiles are indexed alike in several arrays, which then stay in registers"
)]

use std::borrow::Cow;
use std::marker::PhantomData;

use macerator::{Simd, Vector, vload_unaligned, vstore_unaligned};

use super::power::{
    F32s, exp2, general_power, integer_power, log2, quick_half, splat, square_floor, whole_powers,
};
use super::{Norm, Sizes};

/// Rows are cut into chunks of this many columns, a multiple of every vector length, and padded to
/// whole ones.
const CHUNK: usize = 16;
/// Chunks that are skipped together forward.
const FORWARD_CHUNKS: usize = 4;
/// Chunks that are skipped together backward, and that one task owns: their columns of a batch fit
/// the first cache level.
const GROUP_CHUNKS: usize = 2;
const GROUP: usize = GROUP_CHUNKS * CHUNK;
/// Rows of `x` and of `w` in one forward tile.
const TILE_X: usize = 4;
const TILE_W: usize = 2;
const TILE: usize = TILE_X * TILE_W;
/// Rows of `x` that one forward task takes: they stay in the second cache level while `w` streams
/// by, and there is a bit for each of them in a word of [`Active`].
const TASK_ROWS: usize = 32;
/// Rows of `w` handled together in the plain backward pass.
const TILE_BACK: usize = 4;
/// Chunks between two looks at whether the column that decides has been passed.
const SEARCH_CHUNKS: usize = 4;
/// Rows of `x` in one task of that search: they stay in the first cache level while `w` streams by.
const SEARCH_ROWS: usize = 8;
/// Rows of the gradient of `w` that slopes are spread over at a time, in the first cache level.
const SLOPE_ROWS: usize = 8;
/// Forward terms below this fraction of the largest are negligible (as a power of two).
pub(super) const NEGLIGIBLE_FORWARD: f32 = -24.0;
/// Gradient terms below this are negligible (as a power of two).
pub(super) const NEGLIGIBLE_BACKWARD: f32 = -20.0;
/// Up to this half of p, powers of the plain differences are taken forward; sums outside
/// [`PLAIN_SUMS`] are left to the bounded kernel.
pub(super) const PLAIN_FORWARD: u32 = 9;
pub(super) const PLAIN_SUMS: std::ops::Range<f32> = 1e-20..1e30;
/// The same backward, where skipping pays earlier; unless a `u^{p−1}` is beyond 2^±[`PLAIN_SLOPES`].
const PLAIN_BACKWARD: u32 = 6;
const PLAIN_SLOPES: f32 = 80.0;
/// Up to this half of p both take plain powers where more than [`DENSE`] of the groups count.
const PLAIN_MOST: u32 = 33;
const DENSE: f32 = 0.5;
/// Up to this p-th power of the largest differences (as a power of two), nothing is scaled forward,
/// which saves a copy of all weights.
const UNSCALED: f32 = 90.0;
/// Nothing is scaled by more than this (as a power of two), which could take inputs out of range.
const MOST_SCALED: f32 = 40.0;
/// Pairs of rows that are looked at to tell how many groups count.
const SAMPLES: usize = 32;
/// Vectors whose powers are taken together: as many as hide the time of a multiplication.
const TOGETHER: usize = 4;
/// The largest p that is raised to by multiplications if it is whole.
const WHOLE: f32 = 1026.0;

/// `‖x[b] − w[o]‖` for every pair of rows, `[batch, outputs]`. Inputs must be finite.
///
/// # Panics
/// If a slice's length is not what `sizes` says, there are no inputs, or p < 1.
pub fn forward(x: &[f32], w: &[f32], sizes: Sizes, norm: Norm) -> Vec<f32> {
    sizes.check(x, w, norm);
    let dense = match norm {
        Norm::P(p) => dense_scale(x, w, sizes, p),
        Norm::Inf => None,
    };
    let scale = dense.unwrap_or(1.0);
    let (x, w) = (
        Rows::scaled(x, sizes.inputs, scale),
        Rows::scaled(w, sizes.inputs, scale),
    );
    let mut u = vec![0.0; sizes.batch * sizes.outputs];
    for_each_chunk(&mut u, TASK_ROWS * sizes.outputs, |task, u| {
        let job = Forward {
            x: &x,
            first: task * TASK_ROWS,
            w: &w,
            outputs: sizes.outputs,
            unit: 1.0 / scale,
            u,
        };
        match norm {
            Norm::Inf => run_forward(Largest, job),
            Norm::P(p) => match quick_half(p) {
                Some(half) => even_forward(half, dense.is_some(), job),
                None => match whole(p) {
                    Some(exponent) => run_forward(Bounded(Whole { exponent }), job),
                    None => run_forward(Bounded(General { exponent: p }), job),
                },
            },
        }
    });
    u
}

/// A p that is raised to by multiplications because it is whole.
fn whole(p: f32) -> Option<u32> {
    (p.fract() == 0.0 && (2.0..=WHOLE).contains(&p)).then_some(p as u32)
}

/// A power of two to scale both matrices by if plain powers are to be taken at a p where that is not
/// the rule: it brings the p-th powers of the largest differences into the middle of f32's range.
fn dense_scale(x: &[f32], w: &[f32], sizes: Sizes, p: f32) -> Option<f32> {
    let half = quick_half(p)?;
    if !(PLAIN_FORWARD + 1..=PLAIN_MOST).contains(&half) {
        return None;
    }
    let columns = FORWARD_CHUNKS * CHUNK;
    let sample = Sample::new(x, w, sizes, columns, (NEGLIGIBLE_FORWARD / p).exp2());
    let exponent = sample.largest.log2();
    if sample.active <= DENSE {
        None
    } else if exponent.abs() * p <= UNSCALED {
        Some(1.0)
    } else {
        unit_scale(exponent.round())
    }
}

/// What brings numbers near 2^exponent to about 1, if that is not out of all proportion.
fn unit_scale(exponent: f32) -> Option<f32> {
    (exponent.abs() <= MOST_SCALED).then(|| (-exponent).exp2())
}

/// What a few pairs of rows say of all.
struct Sample {
    /// Their largest differences on average.
    largest: f32,
    /// The share of the groups of columns that have a difference that counts.
    active: f32,
}

impl Sample {
    /// A difference counts from `smallest` times the largest of its pair.
    fn new(x: &[f32], w: &[f32], sizes: Sizes, columns: usize, smallest: f32) -> Self {
        let Sizes {
            batch,
            outputs,
            inputs,
        } = sizes;
        let groups = inputs.div_ceil(columns);
        let mut largest_of = vec![0.0f32; groups];
        let (mut sum, mut active) = (0.0, 0);
        for k in 0..SAMPLES {
            let (b, o) = (k * batch / SAMPLES, k * 7 % SAMPLES * outputs / SAMPLES);
            let x = x[b * inputs..][..inputs].chunks(columns);
            let w = w[o * inputs..][..inputs].chunks(columns);
            for ((largest, x), w) in largest_of.iter_mut().zip(x).zip(w) {
                let differences = x.iter().zip(w).map(|(x, w)| (x - w).abs());
                *largest = differences.fold(0.0, f32::max);
            }
            let largest = largest_of.iter().copied().fold(0.0, f32::max);
            let counts = |of_group: &&f32| **of_group >= smallest * largest;
            active += largest_of.iter().filter(counts).count();
            sum += largest;
        }
        Self {
            largest: sum / SAMPLES as f32,
            active: active as f32 / (SAMPLES * groups) as f32,
        }
    }
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
    let job = Gradients {
        x,
        w,
        u,
        grad,
        sizes,
    };
    match norm {
        Norm::Inf => job.largest(),
        Norm::P(p) => {
            let plain = quick_half(p).and_then(|half| Some((half, job.plain_scale(half, p)?)));
            match plain {
                Some((half, scale)) => job.plain(half, scale),
                None => job.bounded(p),
            }
        }
    }
}

/// Bounds of `‖x − w‖∞`, both `[batch, outputs]`, while every column of `x` moves from that of
/// `lower` to that of `upper`, `[batch, inputs]`. Exact up to the rounding of one subtraction.
///
/// # Panics
/// If a slice's length is not what `sizes` says, or there are no inputs.
pub fn interval(lower: &[f32], upper: &[f32], w: &[f32], sizes: Sizes) -> (Vec<f32>, Vec<f32>) {
    sizes.check(lower, w, Norm::Inf);
    sizes.check(upper, w, Norm::Inf);
    let [lower, upper, w] = [lower, upper, w].map(|matrix| Rows::new(matrix, sizes.inputs));
    // [batch][lower bounds, then upper bounds][outputs]
    let mut bounds = vec![0.0; sizes.batch * 2 * sizes.outputs];
    for_each_chunk(&mut bounds, 2 * sizes.outputs, |b, bounds| {
        let (least, most) = bounds.split_at_mut(sizes.outputs);
        let (lower, upper) = (lower.row(b).as_flattened(), upper.row(b).as_flattened());
        run_interval(lower, upper, &w, least, most);
    });
    let half = |first: usize| {
        let rows = bounds.chunks_exact((2 * sizes.outputs).max(1));
        rows.flat_map(|row| &row[first..first + sizes.outputs])
            .copied()
            .collect()
    };
    (half(0), half(sizes.outputs))
}

/// The bounds of one row of boxes.
#[macerator::with_simd]
fn run_interval<'a, S: Simd>(
    lower: &[f32],
    upper: &[f32],
    w: &Rows<'a>,
    least: &mut [f32],
    most: &mut [f32],
) {
    for (o, (least, most)) in least.iter_mut().zip(most).enumerate() {
        let w = w.row(o).as_flattened();
        let (mut smallest, mut largest) = (splat::<S>(0.0), splat::<S>(0.0));
        for at in (0..w.len()).step_by(lanes::<S>()) {
            let w = load::<S>(w, at);
            let (l, h) = (load::<S>(lower, at), load::<S>(upper, at));
            // A weight inside the interval makes both differences negative.
            smallest = smallest.max(l - w).max(w - h);
            largest = largest.max(h - w).max(w - l);
        }
        *least = smallest.reduce_max();
        *most = largest.reduce_max();
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

/// Calls `task(index)` for every index below `count`, on all threads where there are any.
fn for_each(count: usize, task: impl Fn(usize) + Sync) {
    #[cfg(not(target_arch = "wasm32"))]
    {
        use rayon::prelude::*;
        (0..count).into_par_iter().for_each(&task);
    }
    #[cfg(target_arch = "wasm32")]
    (0..count).for_each(task);
}

/// Rows of a matrix in chunks, padded with zeros: two padded rows differ by 0 there, which changes
/// no distance.
struct Rows<'a> {
    data: Cow<'a, [f32]>,
    /// Chunks in a row.
    chunks: usize,
    count: usize,
}

/// A row, in chunks.
type Row<'a> = &'a [[f32; CHUNK]];

impl<'a> Rows<'a> {
    fn new(matrix: &'a [f32], columns: usize) -> Self {
        Self::scaled(matrix, columns, 1.0)
    }

    fn scaled(matrix: &'a [f32], columns: usize, scale: f32) -> Self {
        let chunks = columns.div_ceil(CHUNK);
        let count = matrix.len() / columns;
        let stride = chunks * CHUNK;
        let data = if stride == columns && scale == 1.0 {
            Cow::Borrowed(matrix)
        } else {
            let mut data = vec![0.0; count * stride];
            for_each_chunk(&mut data, TASK_ROWS * stride, |task, data| {
                let rows = matrix[task * TASK_ROWS * columns..].chunks_exact(columns);
                for (padded, row) in data.chunks_exact_mut(stride).zip(rows) {
                    for (padded, value) in padded.iter_mut().zip(row) {
                        *padded = value * scale;
                    }
                }
            });
            Cow::Owned(data)
        };
        Self {
            data,
            chunks,
            count,
        }
    }

    /// A row, the last one for an index past the end: tiles at the edge compute it again.
    #[inline(always)]
    fn row(&self, index: usize) -> Row<'_> {
        let chunks = self.data.as_chunks().0;
        &chunks[index.min(self.count - 1) * self.chunks..][..self.chunks]
    }

    #[inline(always)]
    fn tile<const ROWS: usize>(&self, first: usize) -> [Row<'_>; ROWS] {
        std::array::from_fn(|k| self.row(first + k))
    }
}

/// A forward task: the distances of some rows of `x` to all rows of `w`.
struct Forward<'a> {
    x: &'a Rows<'a>,
    /// The first row of `x`; `u` says how many there are.
    first: usize,
    w: &'a Rows<'a>,
    outputs: usize,
    /// What a distance of 1 between these rows is.
    unit: f32,
    u: &'a mut [f32],
}

type TileX<'a> = [Row<'a>; TILE_X];
type TileW<'a> = [Row<'a>; TILE_W];
type Tile<T> = [[T; TILE_W]; TILE_X];

/// How one tile of distances is computed.
trait ForwardKernel: Copy {
    /// `groups` has room for [`TILE`] chunks for every group of columns.
    fn tile<S: Simd>(self, x: &TileX<'_>, w: &TileW<'_>, groups: &mut [[f32; CHUNK]]) -> Tile<f32>;
}

#[macerator::with_simd]
fn run_forward<'a, S: Simd, K: ForwardKernel>(kernel: K, job: Forward<'a>) {
    let rows = job.u.len() / job.outputs;
    let mut groups = vec![[0.0; CHUNK]; TILE * job.x.chunks.div_ceil(FORWARD_CHUNKS)];
    for o in (0..job.outputs).step_by(TILE_W) {
        let w = job.w.tile(o);
        for b in (0..rows).step_by(TILE_X) {
            let x = job.x.tile(job.first + b);
            let tile = kernel.tile::<S>(&x, &w, &mut groups);
            for (b, distances) in (b..rows).zip(tile) {
                for (o, distance) in (o..job.outputs).zip(distances) {
                    job.u[b * job.outputs + o] = distance * job.unit;
                }
            }
        }
    }
}

/// Evaluates an expression with `Even::<HALF>` for the `HALF` that a variable holds.
macro_rules! with_even {
    ($half:expr, [$($constant:literal)*], |$even:ident| $call:expr) => {
        match $half {
            $($constant => {
                let $even = Even::<$constant>;
                $call
            })*
            other => unreachable!("{other} is not among QUICK_HALVES"),
        }
    };
}

fn even_forward(half: u32, dense: bool, job: Forward<'_>) {
    if half <= PLAIN_FORWARD || dense {
        with_even!(
            half,
            [2 3 4 5 6 7 8 9 11 13 15 17 21 25 29 33],
            |even| run_forward(Plain(even), job)
        );
    } else {
        with_even!(
            half,
            [11 13 15 17 21 25 29 33 41 49 65 81 97 129 161 193 257 321 385 513],
            |even| run_forward(Bounded(even), job)
        );
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

/// Numbers that are not negative, as their bits: those are in the same order, and processors
/// compare integers on units that a subtraction leaves free (and WebAssembly without a detour for
/// numbers that are none).
type Bits<S> = Vector<S, i32>;

/// `largest` and the absolute differences of `CHUNKS` chunks, whichever are larger, lane by lane.
#[inline(always)]
fn larger<S: Simd, const CHUNKS: usize>(
    mut largest: Tile<Bits<S>>,
    x: &TileX<'_>,
    w: &TileW<'_>,
    first: usize,
) -> Tile<Bits<S>> {
    for chunk in first..first + CHUNKS {
        for at in (0..CHUNK).step_by(lanes::<S>()) {
            let mut ws = [splat::<S>(0.0); TILE_W];
            for o in 0..TILE_W {
                ws[o] = load::<S>(&w[o][chunk], at);
            }
            for b in 0..TILE_X {
                let x = load::<S>(&x[b][chunk], at);
                for o in 0..TILE_W {
                    let d = (x - ws[o]).abs().reinterpret::<i32>();
                    largest[b][o] = largest[b][o].max(d);
                }
            }
        }
    }
    largest
}

/// The largest differences of a group, lane by lane.
#[inline(always)]
fn group_largest<S: Simd, const CHUNKS: usize>(
    x: &TileX<'_>,
    w: &TileW<'_>,
    group: usize,
) -> Tile<Bits<S>> {
    let mut largest = [[splat::<S>(0.0).reinterpret::<i32>(); TILE_W]; TILE_X];
    let first = group * CHUNKS;
    if first + CHUNKS <= w[0].len() {
        larger::<S, CHUNKS>(largest, x, w, first)
    } else {
        for chunk in first..w[0].len() {
            largest = larger::<S, 1>(largest, x, w, chunk);
        }
        largest
    }
}

/// p = ∞.
#[derive(Clone, Copy)]
struct Largest;

impl ForwardKernel for Largest {
    #[inline(always)]
    fn tile<S: Simd>(
        self,
        x: &TileX<'_>,
        w: &TileW<'_>,
        _groups: &mut [[f32; CHUNK]],
    ) -> Tile<f32> {
        let mut largest = [[splat::<S>(0.0).reinterpret::<i32>(); TILE_W]; TILE_X];
        for chunk in 0..w[0].len() {
            largest = larger::<S, 1>(largest, x, w, chunk);
        }
        reduced(largest)
    }
}

/// The largest lane of every vector.
#[inline(always)]
fn reduced<S: Simd>(largest: Tile<Bits<S>>) -> Tile<f32> {
    let mut out = [[0.0; TILE_W]; TILE_X];
    for b in 0..TILE_X {
        for o in 0..TILE_W {
            out[b][o] = largest[b][o].reinterpret::<f32>().reduce_max();
        }
    }
    out
}

/// An even p, by multiplications of the differences as they are.
#[derive(Clone, Copy)]
struct Plain<P>(P);

impl<const HALF: u32> ForwardKernel for Plain<Even<HALF>> {
    #[inline(always)]
    fn tile<S: Simd>(self, x: &TileX<'_>, w: &TileW<'_>, groups: &mut [[f32; CHUNK]]) -> Tile<f32> {
        let mut sums = [[splat::<S>(0.0); TILE_W]; TILE_X];
        for chunk in 0..w[0].len() {
            for at in (0..CHUNK).step_by(lanes::<S>()) {
                let mut ws = [splat::<S>(0.0); TILE_W];
                for o in 0..TILE_W {
                    ws[o] = load::<S>(&w[o][chunk], at);
                }
                for b in 0..TILE_X {
                    let x = load::<S>(&x[b][chunk], at);
                    for o in 0..TILE_W {
                        let d = x - ws[o];
                        sums[b][o] += self.0.power(d);
                    }
                }
            }
        }
        let mut reduced = [[0.0; TILE_W]; TILE_X];
        for b in 0..TILE_X {
            for o in 0..TILE_W {
                reduced[b][o] = sums[b][o].reduce_add();
            }
        }
        let inside = |sum: &f32| PLAIN_SUMS.contains(sum);
        if reduced.as_flattened().iter().all(inside) {
            roots::<S>(reduced, (2 * HALF) as f32)
        } else {
            Bounded(self.0).tile::<S>(x, w, groups)
        }
    }
}

/// Terms `t = |d|/largest` in [−1, 1] raised to an exponent.
trait Power: Copy {
    fn exponent(self) -> f32;

    /// `|t|` to the exponent, of several at a time.
    fn powers<S: Simd, const N: usize>(self, t: [F32s<S>; N]) -> [F32s<S>; N];
}

/// Up to this half, only differences that hardly ever occur have a power among the denormal
/// numbers, which are slow.
const DENORMAL_FREE: u32 = 6;
/// Powers do not get smaller than this (as a power of two), for the same reason; slopes neither,
/// which are multiplied by gradients that are small themselves.
const SMALLEST_POWER: f32 = -100.0;
const SMALLEST_SLOPE: f32 = -60.0;

/// An even exponent, `2·HALF`, by multiplications.
#[derive(Clone, Copy)]
struct Even<const HALF: u32>;

impl<const HALF: u32> Power for Even<HALF> {
    #[inline(always)]
    fn exponent(self) -> f32 {
        (2 * HALF) as f32
    }

    #[inline(always)]
    fn powers<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        for t in &mut t {
            *t = self.power(*t);
        }
        t
    }
}

impl<const HALF: u32> Even<HALF> {
    #[inline(always)]
    fn power<S: Simd>(self, t: F32s<S>) -> F32s<S> {
        let mut square = t * t;
        if HALF > DENORMAL_FREE {
            square = square.max(splat(square_floor(HALF, SMALLEST_POWER)));
        }
        integer_power::<S, HALF>(square)
    }
}

/// Any whole exponent, by multiplications that its bits tell.
#[derive(Clone, Copy)]
struct Whole {
    exponent: u32,
}

impl Power for Whole {
    #[inline(always)]
    fn exponent(self) -> f32 {
        self.exponent as f32
    }

    #[inline(always)]
    fn powers<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        let half = self.exponent / 2;
        let floor = splat(square_floor(half, SMALLEST_POWER));
        let mut first = [splat::<S>(1.0); N];
        for (t, first) in t.iter_mut().zip(&mut first) {
            if self.exponent % 2 == 1 {
                *first = t.abs();
            }
            *t = (*t * *t).max(floor);
        }
        whole_powers(t, half, first)
    }
}

/// Any exponent.
#[derive(Clone, Copy)]
struct General {
    exponent: f32,
}

impl Power for General {
    #[inline(always)]
    fn exponent(self) -> f32 {
        self.exponent
    }

    #[inline(always)]
    fn powers<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        for t in &mut t {
            *t = general_power(t.abs(), splat(self.exponent));
        }
        t
    }
}

/// Any p, in the groups of columns that count.
#[derive(Clone, Copy)]
struct Bounded<P>(P);

impl<P: Power> ForwardKernel for Bounded<P> {
    #[inline(always)]
    fn tile<S: Simd>(self, x: &TileX<'_>, w: &TileW<'_>, groups: &mut [[f32; CHUNK]]) -> Tile<f32> {
        let mut largest = [[splat::<S>(0.0).reinterpret::<i32>(); TILE_W]; TILE_X];
        for (group, room) in groups.chunks_exact_mut(TILE).enumerate() {
            let of_group = group_largest::<S, FORWARD_CHUNKS>(x, w, group);
            for b in 0..TILE_X {
                for o in 0..TILE_W {
                    largest[b][o] = largest[b][o].max(of_group[b][o]);
                    let of_group = of_group[b][o].reinterpret::<f32>();
                    store(&mut room[b * TILE_W + o], 0, of_group);
                }
            }
        }
        let largest = reduced(largest);
        let kept = (NEGLIGIBLE_FORWARD / self.0.exponent()).exp2();
        let mut smallest = [splat::<S>(0.0); TILE];
        for (smallest, largest) in smallest.iter_mut().zip(largest.as_flattened()) {
            *smallest = splat(largest * kept);
        }
        let mut sums = [[0.0; TILE_W]; TILE_X];
        // The bits of all pairs first, then loops over those that are set: a branch at every group
        // would be guessed wrong too often.
        for (word, groups) in groups.chunks(WORD * TILE).enumerate() {
            let mut active = [0; TILE];
            for (bit, groups) in groups.chunks_exact(TILE).enumerate() {
                for pair in 0..TILE {
                    let counts = load::<S>(&groups[pair], 0).ge(smallest[pair]).any();
                    active[pair] |= u64::from(counts) << bit;
                }
            }
            for b in 0..TILE_X {
                for o in 0..TILE_W {
                    let (active, scale) = (active[b * TILE_W + o], inverse(largest[b][o]));
                    sums[b][o] += self.sum::<S>(x[b], w[o], scale, word * WORD, active);
                }
            }
        }
        scaled_roots::<S>(sums, largest, self.0.exponent())
    }
}

/// Groups that have a bit each in one word.
const WORD: usize = u64::BITS as usize;

impl<P: Power> Bounded<P> {
    /// `Σ (|d|·scale)^p` over the groups from `first` whose bits are set.
    #[inline(always)]
    fn sum<S: Simd>(
        self,
        x: Row<'_>,
        w: Row<'_>,
        scale: f32,
        first: usize,
        mut active: u64,
    ) -> f32 {
        let mut sum = splat::<S>(0.0);
        while active != 0 {
            let start = (first + active.trailing_zeros() as usize) * FORWARD_CHUNKS;
            active &= active - 1;
            let end = x.len().min(start + FORWARD_CHUNKS);
            let (x, x_rest) = x[start..end].as_chunks::<TOGETHER>();
            let (w, w_rest) = w[start..end].as_chunks::<TOGETHER>();
            for (x, w) in x.iter().zip(w) {
                sum = self.add(sum, x, w, scale);
            }
            for (x, w) in x_rest
                .as_chunks::<1>()
                .0
                .iter()
                .zip(w_rest.as_chunks::<1>().0)
            {
                sum = self.add(sum, x, w, scale);
            }
        }
        sum.reduce_add()
    }

    /// The sum with the terms of a few chunks.
    #[inline(always)]
    fn add<S: Simd, const CHUNKS: usize>(
        self,
        mut sum: F32s<S>,
        x: &[[f32; CHUNK]; CHUNKS],
        w: &[[f32; CHUNK]; CHUNKS],
        scale: f32,
    ) -> F32s<S> {
        for at in (0..CHUNK).step_by(lanes::<S>()) {
            let mut t = [splat::<S>(0.0); CHUNKS];
            for chunk in 0..CHUNKS {
                t[chunk] = (load::<S>(&x[chunk], at) - load::<S>(&w[chunk], at)) * splat(scale);
            }
            for power in self.0.powers(t) {
                sum += power;
            }
        }
        sum
    }
}

/// 1/u, or 0 where u is 0 or so small that 1/u overflows: such a distance is taken to have no slope.
#[inline(always)]
fn inverse(u: f32) -> f32 {
    if u >= f32::MIN_POSITIVE { 1.0 / u } else { 0.0 }
}

/// `sum^{1/p}` of every element.
#[inline(always)]
fn roots<S: Simd>(sums: Tile<f32>, p: f32) -> Tile<f32> {
    let mut values = [1.0; CHUNK];
    values[..TILE].copy_from_slice(sums.as_flattened());
    for at in (0..CHUNK).step_by(lanes::<S>()) {
        let root = exp2(log2(load::<S>(&values, at)) * splat(1.0 / p));
        store(&mut values, at, root);
    }
    std::array::from_fn(|b| std::array::from_fn(|o| values[b * TILE_W + o]))
}

/// `largest · sum^{1/p}`, and 0 where the largest difference is 0.
#[inline(always)]
fn scaled_roots<S: Simd>(sums: Tile<f32>, largest: Tile<f32>, p: f32) -> Tile<f32> {
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

/// The share of a distance below which a difference has no slope that counts. Above 0 even at
/// p = 1, where the slope is a sign and that of 0 is 0.
fn negligible_slope(p: f32) -> f32 {
    (NEGLIGIBLE_BACKWARD / (p - 1.0)).exp2().max(1e-30)
}

/// What the gradients are computed from.
#[derive(Clone, Copy)]
struct Gradients<'a> {
    x: &'a [f32],
    w: &'a [f32],
    u: &'a [f32],
    grad: &'a [f32],
    sizes: Sizes,
}

impl Gradients<'_> {
    /// What the differences are scaled by if plain powers are to be taken of them: `u^{p−1}` and its
    /// inverse then stay well within f32 for every distance that has a slope.
    fn plain_scale(&self, half: u32, p: f32) -> Option<f32> {
        let distances = self.u.iter().filter(|u| inverse(**u) > 0.0);
        let (least, most) = distances.fold((f32::INFINITY, 0.0f32), |(least, most), &u| {
            (least.min(u), most.max(u))
        });
        let limit = (PLAIN_SLOPES / (p - 1.0)).exp2();
        if half <= PLAIN_BACKWARD {
            return (least > 1.0 / limit && most < limit).then_some(1.0);
        }
        if half > PLAIN_MOST || most == 0.0 {
            return None;
        }
        // No slope that counts may be as small as those that are kept from getting smaller.
        let scale = unit_scale(least.log2().floor())?;
        let sample = || Sample::new(self.x, self.w, self.sizes, GROUP, negligible_slope(p));
        (scale * most < limit && sample().active > DENSE).then_some(scale)
    }

    fn plain(&self, half: u32, scale: f32) -> (Vec<f32>, Vec<f32>) {
        let power = 2 * half as i32 - 1;
        let factors = self.factors(TILE_BACK, |u, grad| grad * inverse(scale * u).powi(power));
        let factors = factors.as_chunks().0;
        self.in_blocks(scale, |block| {
            let job = PlainBlock {
                block,
                factors,
                scale,
            };
            // The slope needs one square less than the distance.
            with_even!(
                half - 1,
                [1 2 3 4 5 6 7 8 10 12 14 16 20 24 28 32],
                |even| run_plain(EvenSlope(even), job)
            );
        })
    }

    fn bounded(&self, p: f32) -> (Vec<f32>, Vec<f32>) {
        let smallest = negligible_slope(p);
        let active = Active::new(self, smallest);
        let factors = self.factors(1, |u, grad| [inverse(u), grad]);
        self.in_blocks(1.0, |block| {
            let job = BoundedBlock {
                block,
                active: &active,
                factors: &factors,
            };
            match quick_half(p) {
                Some(half) => with_even!(
                    half - 1,
                    [1 2 3 4 5 6 7 8 10 12 14 16 20 24 28 32 40 48 64 80 96 128 160 192 256 320 384 512],
                    |even| run_bounded(EvenSlope(even), job)
                ),
                None => match whole(p) {
                    Some(p) => run_bounded(WholeSlope { p }, job),
                    None => {
                        let exponent = p - 1.0;
                        run_bounded(GeneralSlope { exponent, smallest }, job);
                    }
                },
            }
        })
    }

    /// Slopes are signs at one column each.
    fn largest(&self) -> (Vec<f32>, Vec<f32>) {
        let Sizes {
            outputs, inputs, ..
        } = self.sizes;
        let slopes = self.slopes();
        let mut dx = vec![0.0; self.x.len()];
        for_each_chunk(&mut dx, inputs, |b, dx| {
            for ColumnSlope { column, slope } in &slopes[b * outputs..][..outputs] {
                dx[*column as usize] += slope;
            }
        });
        let mut dw = vec![0.0; self.w.len()];
        for_each_chunk(&mut dw, SLOPE_ROWS * inputs, |task, dw| {
            let first = task * SLOPE_ROWS;
            for slopes in slopes.chunks_exact(outputs) {
                for (dw, slope) in dw.chunks_exact_mut(inputs).zip(&slopes[first..]) {
                    dw[slope.column as usize] -= slope.slope;
                }
            }
        });
        (dx, dw)
    }

    /// The slope of every pair of rows at the first column whose difference is the distance, times
    /// the incoming gradient, `[batch, outputs]`. A distance of 0 has no slope.
    fn slopes(&self) -> Vec<ColumnSlope> {
        let Sizes {
            batch,
            outputs,
            inputs,
        } = self.sizes;
        let (x, w) = (Rows::new(self.x, inputs), Rows::new(self.w, inputs));
        let mut slopes = vec![ColumnSlope::default(); batch * outputs];
        for_each_chunk(&mut slopes, SEARCH_ROWS * outputs, |task, slopes| {
            let pairs = task * SEARCH_ROWS * outputs..;
            run_search(Search {
                x: &x,
                first: task * SEARCH_ROWS,
                w: &w,
                u: &self.u[pairs.clone()],
                grad: &self.grad[pairs],
                outputs,
                slopes,
            });
        });
        slopes
    }

    /// A number for every pair of rows, as `[outputs/tile][batch][tile]`, so that the inner loops
    /// read them in order. Missing outputs get zeros and contribute nothing.
    fn factors<T: Copy + Default + Send>(
        &self,
        tile: usize,
        factor: impl Fn(f32, f32) -> T + Sync,
    ) -> Vec<T> {
        let Sizes { batch, outputs, .. } = self.sizes;
        let mut factors = vec![T::default(); outputs.div_ceil(tile) * batch * tile];
        for_each_chunk(&mut factors, batch * tile, |index, factors| {
            let columns = index * tile..outputs.min((index + 1) * tile);
            for (b, row) in factors.chunks_exact_mut(tile).enumerate() {
                for (at, out) in columns.clone().zip(row) {
                    *out = factor(self.u[b * outputs + at], self.grad[b * outputs + at]);
                }
            }
        });
        factors
    }

    /// Both gradients, a task for every group of columns, whose inputs are scaled.
    fn in_blocks(&self, scale: f32, task: impl Fn(Block<'_>) + Sync) -> (Vec<f32>, Vec<f32>) {
        let Sizes { batch, inputs, .. } = self.sizes;
        let (mut dx, mut dw) = (vec![0.0; self.x.len()], vec![0.0; self.w.len()]);
        let (dx_columns, dw_columns) = (
            ColumnsMut::new(&mut dx, inputs),
            ColumnsMut::new(&mut dw, inputs),
        );
        for_each(inputs.div_ceil(GROUP), |group| {
            let mut x = vec![[0.0; GROUP]; batch];
            for (b, x) in x.iter_mut().enumerate() {
                copy_group(self.x, inputs, b, group, x);
                *x = x.map(|x| x * scale);
            }
            let mut dx = vec![[0.0; GROUP]; batch];
            let block = Block {
                group,
                inputs,
                x: &x,
                w: self.w,
                dx: &mut dx,
                dw: &dw_columns,
            };
            task(block);
            for (b, dx) in dx.iter().enumerate() {
                // SAFETY: no other task has this group.
                unsafe { dx_columns.write(b, group, dx) };
            }
        });
        (dx, dw)
    }
}

/// A row-major matrix whose groups of columns are written by tasks of their own.
struct ColumnsMut<'a> {
    start: *mut f32,
    length: usize,
    columns: usize,
    matrix: PhantomData<&'a mut [f32]>,
}

// SAFETY: the matrix is borrowed for as long as this lives, and `write` asks that no two threads
// have the same group, so that no element is ever written by two.
unsafe impl Sync for ColumnsMut<'_> {}

impl<'a> ColumnsMut<'a> {
    fn new(matrix: &'a mut [f32], columns: usize) -> Self {
        Self {
            start: matrix.as_mut_ptr(),
            length: matrix.len(),
            columns,
            matrix: PhantomData,
        }
    }

    /// Writes a row of a group, without the columns that are not there.
    ///
    /// # Safety
    /// No other thread may write the same group.
    #[inline(always)]
    unsafe fn write(&self, row: usize, group: usize, values: &[f32; GROUP]) {
        let first = group * GROUP;
        let width = GROUP.min(self.columns - first);
        let at = row * self.columns + first;
        assert!(at + width <= self.length, "row {row} is beyond the matrix");
        // SAFETY: the range is inside the matrix, and no other thread writes it.
        unsafe {
            let out = self.start.add(at);
            if width == GROUP {
                out.cast::<[f32; GROUP]>().write_unaligned(*values);
            } else {
                out.copy_from_nonoverlapping(values.as_ptr(), width);
            }
        }
    }
}

/// A row of a group of columns of a row-major matrix; columns that are not there stay as they are.
#[inline(always)]
fn copy_group(matrix: &[f32], columns: usize, row: usize, group: usize, out: &mut [f32; GROUP]) {
    let first = group * GROUP;
    let row = &matrix[row * columns..][..columns];
    match row[first..].first_chunk::<GROUP>() {
        Some(whole) => *out = *whole,
        None => out[..columns - first].copy_from_slice(&row[first..]),
    }
}

/// The column that decides a distance, and what it adds to the gradients there.
#[derive(Clone, Copy, Default)]
struct ColumnSlope {
    column: u32,
    slope: f32,
}

/// A task of the search for deciding columns: some rows of `x` against all rows of `w`.
struct Search<'a> {
    x: &'a Rows<'a>,
    /// The first row of `x`; `slopes` says how many there are.
    first: usize,
    w: &'a Rows<'a>,
    /// From the first row on, as `grad`.
    u: &'a [f32],
    grad: &'a [f32],
    outputs: usize,
    slopes: &'a mut [ColumnSlope],
}

#[macerator::with_simd]
fn run_search<'a, S: Simd>(search: Search<'a>) {
    let rows = search.slopes.len() / search.outputs;
    for o in 0..search.outputs {
        let w = search.w.row(o);
        for b in 0..rows {
            let x = search.x.row(search.first + b);
            let at = b * search.outputs + o;
            let u = search.u[at];
            // Nothing is there where the distance is 0, or is not that of these rows.
            let found = first_column::<S>(x, w, u).filter(|_| u > 0.0);
            if let Some(column) = found {
                let (x, w) = (x.as_flattened()[column], w.as_flattened()[column]);
                search.slopes[at] = ColumnSlope {
                    column: column as u32,
                    slope: (x - w).signum() * search.grad[at],
                };
            }
        }
    }
}

/// The first column whose difference is at least `u`.
///
/// Rows are left where it is found, half way on average; sharing loads among pairs of rows, as the
/// forward pass does, would mean to go on until the last of them is found.
#[inline(always)]
fn first_column<S: Simd>(x: Row<'_>, w: Row<'_>, u: f32) -> Option<usize> {
    let whole = x.len() / SEARCH_CHUNKS * SEARCH_CHUNKS;
    let (x, x_rest) = x.as_chunks::<SEARCH_CHUNKS>();
    let (w, w_rest) = w.as_chunks::<SEARCH_CHUNKS>();
    let strides = x.iter().zip(w).enumerate();
    for (stride, (x, w)) in strides {
        if let Some(column) = first_of::<S, SEARCH_CHUNKS>(x, w, u) {
            return Some(stride * SEARCH_CHUNKS * CHUNK + column);
        }
    }
    let rest = x_rest
        .as_chunks::<1>()
        .0
        .iter()
        .zip(w_rest.as_chunks::<1>().0);
    for (chunk, (x, w)) in rest.enumerate() {
        if let Some(column) = first_of::<S, 1>(x, w, u) {
            return Some((whole + chunk) * CHUNK + column);
        }
    }
    None
}

/// The same among a few chunks.
#[inline(always)]
fn first_of<S: Simd, const CHUNKS: usize>(
    x: &[[f32; CHUNK]; CHUNKS],
    w: &[[f32; CHUNK]; CHUNKS],
    u: f32,
) -> Option<usize> {
    let least = splat::<S>(u);
    let mut largest = splat::<S>(0.0).reinterpret::<i32>();
    for chunk in 0..CHUNKS {
        for at in (0..CHUNK).step_by(lanes::<S>()) {
            let d = load::<S>(&x[chunk], at) - load::<S>(&w[chunk], at);
            largest = largest.max(d.abs().reinterpret());
        }
    }
    if !largest.reinterpret::<f32>().ge(least).any() {
        return None;
    }
    let mut first = splat::<S>(f32::INFINITY);
    for chunk in 0..CHUNKS {
        for at in (0..CHUNK).step_by(lanes::<S>()) {
            let d = load::<S>(&x[chunk], at) - load::<S>(&w[chunk], at);
            let columns = load::<S>(&COUNT, 0) + splat((chunk * CHUNK + at) as f32);
            first = first.min(d.abs().ge(least).select(columns, splat(f32::INFINITY)));
        }
    }
    Some(first.reduce_min() as usize)
}

/// The numbers of the lanes of the longest vector.
const COUNT: [f32; CHUNK] = {
    let mut count = [0.0; CHUNK];
    let mut lane = 1;
    while lane < CHUNK {
        count[lane] = lane as f32;
        lane += 1;
    }
    count
};

/// All rows of both gradients for one group of columns.
struct Block<'a> {
    group: usize,
    /// Columns of all matrices.
    inputs: usize,
    /// Of the group, `[batch]`.
    x: &'a [[f32; GROUP]],
    /// Whole, `[outputs, inputs]`.
    w: &'a [f32],
    /// Of the group, `[batch]`.
    dx: &'a mut [[f32; GROUP]],
    /// Whole, of which this task writes the group.
    dw: &'a ColumnsMut<'a>,
}

/// `sign(t)·|t|^{p−1}`: what a term contributes to both gradients.
trait Slope: Copy {
    fn slopes<S: Simd, const N: usize>(self, t: [F32s<S>; N]) -> [F32s<S>; N];
}

/// `(t²)^HALF·t` with `HALF` that of p − 2, which carries the sign of t by itself.
#[derive(Clone, Copy)]
struct EvenSlope<P>(P);

impl<const HALF: u32> Slope for EvenSlope<Even<HALF>> {
    #[inline(always)]
    fn slopes<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        for t in &mut t {
            let mut square = *t * *t;
            if HALF >= DENORMAL_FREE {
                square = square.max(splat(square_floor(HALF + 1, SMALLEST_SLOPE)));
            }
            *t *= integer_power::<S, HALF>(square);
        }
        t
    }
}

/// Any whole p from 2.
#[derive(Clone, Copy)]
struct WholeSlope {
    p: u32,
}

impl Slope for WholeSlope {
    #[inline(always)]
    fn slopes<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        let half = (self.p - 2) / 2;
        let floor = splat(square_floor(half + 1, SMALLEST_SLOPE));
        let mut first = t;
        for (t, first) in t.iter_mut().zip(&mut first) {
            if self.p % 2 == 1 {
                *first *= t.abs();
            }
            *t = (*t * *t).max(floor);
        }
        whole_powers(t, half, first)
    }
}

/// Any exponent from 0; terms below `smallest` have no slope.
#[derive(Clone, Copy)]
struct GeneralSlope {
    exponent: f32,
    smallest: f32,
}

impl Slope for GeneralSlope {
    #[inline(always)]
    fn slopes<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        for t in &mut t {
            let base = t.abs();
            let power = general_power(base, splat(self.exponent));
            let sign = t.reinterpret::<u32>() ^ base.reinterpret::<u32>();
            let signed = (power.reinterpret::<u32>() ^ sign).reinterpret::<f32>();
            *t = base.ge(splat(self.smallest)).select(signed, splat(0.0));
        }
        t
    }
}

/// A task of the plain backward pass.
struct PlainBlock<'a> {
    block: Block<'a>,
    /// `grad·u^{1−p}` of the scaled distances, `[outputs/4][batch]` of 4.
    factors: &'a [[f32; TILE_BACK]],
    /// What the block's inputs are scaled by.
    scale: f32,
}

#[macerator::with_simd]
fn run_plain<'a, S: Simd, K: Slope>(kernel: K, job: PlainBlock<'a>) {
    let Block {
        group,
        inputs,
        x,
        w,
        dx,
        dw,
    } = job.block;
    let outputs = w.len() / inputs;
    for (tile, factors) in job.factors.chunks_exact(x.len().max(1)).enumerate() {
        let first = tile * TILE_BACK;
        let present = TILE_BACK.min(outputs - first);
        let mut rows = [[0.0; GROUP]; TILE_BACK];
        for (o, row) in rows.iter_mut().enumerate() {
            // Past the end the last one again, whose powers are in range: 0 times them is 0.
            copy_group(w, inputs, first + o.min(present - 1), group, row);
            *row = row.map(|w| w * job.scale);
        }
        for at in (0..GROUP).step_by(lanes::<S>()) {
            let mut ws = [splat::<S>(0.0); TILE_BACK];
            for o in 0..TILE_BACK {
                ws[o] = load::<S>(&rows[o], at);
            }
            let mut minus_dw = [splat::<S>(0.0); TILE_BACK];
            for ((x, dx), factors) in x.iter().zip(dx.iter_mut()).zip(factors) {
                let x = load::<S>(x, at);
                let mut sum = load::<S>(dx, at);
                let mut t = [splat::<S>(0.0); TILE_BACK];
                for o in 0..TILE_BACK {
                    t[o] = x - ws[o];
                }
                let slopes = kernel.slopes(t);
                for o in 0..TILE_BACK {
                    let term = slopes[o] * splat(factors[o]);
                    sum += term;
                    minus_dw[o] += term;
                }
                store(dx, at, sum);
            }
            for o in 0..TILE_BACK {
                store(&mut rows[o], at, splat::<S>(0.0) - minus_dw[o]);
            }
        }
        for (o, row) in rows.iter().enumerate().take(present) {
            // SAFETY: no other task has this group.
            unsafe { dw.write(first + o, group, row) };
        }
    }
}

/// A task of the bounded backward pass.
struct BoundedBlock<'a> {
    block: Block<'a>,
    active: &'a Active,
    /// 1/u and the incoming gradient, `[outputs, batch]`.
    factors: &'a [[f32; 2]],
}

#[macerator::with_simd]
fn run_bounded<'a, S: Simd, K: Slope>(kernel: K, job: BoundedBlock<'a>) {
    /// Vectors in a group where they are shortest.
    const MOST: usize = GROUP / 4;
    /// Vectors whose slopes are taken together: a group has no more of the longest.
    const PAIR: usize = 2;
    let Block {
        group,
        inputs,
        x,
        w,
        dx,
        dw,
    } = job.block;
    let vectors = GROUP / lanes::<S>();
    for o in 0..w.len() / inputs {
        let factors = &job.factors[o * x.len()..][..x.len()];
        let mut row = [0.0; GROUP];
        copy_group(w, inputs, o, group, &mut row);
        let mut ws = [splat::<S>(0.0); MOST];
        for k in 0..vectors {
            ws[k] = load::<S>(&row, k * lanes::<S>());
        }
        let mut minus_dw = [splat::<S>(0.0); MOST];
        for task in 0..x.len().div_ceil(TASK_ROWS) {
            let mut rows = job.active.word(task, group, o);
            while rows != 0 {
                let b = task * TASK_ROWS + rows.trailing_zeros() as usize;
                rows &= rows - 1;
                let ([inverse, grad], x, dx) = (factors[b], &x[b], &mut dx[b]);
                for first in (0..vectors).step_by(PAIR) {
                    let mut t = [splat::<S>(0.0); PAIR];
                    for k in 0..PAIR {
                        let x = load::<S>(x, (first + k) * lanes::<S>());
                        t[k] = (x - ws[first + k]) * splat(inverse);
                    }
                    let slopes = kernel.slopes::<S, PAIR>(t);
                    for k in 0..PAIR {
                        let at = (first + k) * lanes::<S>();
                        let term = slopes[k] * splat(grad);
                        minus_dw[first + k] += term;
                        let sum = load::<S>(dx, at) + term;
                        store(dx, at, sum);
                    }
                }
            }
        }
        for k in 0..vectors {
            let dw = splat::<S>(0.0) - minus_dw[k];
            store(&mut row, k * lanes::<S>(), dw);
        }
        // SAFETY: no other task has this group.
        unsafe { dw.write(o, group, &row) };
    }
}

/// Which groups of columns have a difference that counts, for every pair of rows.
struct Active {
    /// `[batch/32][group][output]`, a bit for every row of `x`.
    words: Vec<u32>,
    groups: usize,
    outputs: usize,
}

impl Active {
    /// The groups with a difference of at least `smallest` times the distance.
    fn new(job: &Gradients<'_>, smallest: f32) -> Self {
        let Sizes {
            batch,
            outputs,
            inputs,
        } = job.sizes;
        let (x, w) = (Rows::new(job.x, inputs), Rows::new(job.w, inputs));
        let groups = w.chunks.div_ceil(GROUP_CHUNKS);
        let mut words = vec![0; batch.div_ceil(TASK_ROWS) * groups * outputs];
        for_each_chunk(&mut words, groups * outputs, |task, words| {
            let first = task * TASK_ROWS;
            run_scan(Scan {
                x: &x,
                first,
                w: &w,
                u: &job.u[first * outputs..batch.min(first + TASK_ROWS) * outputs],
                outputs,
                smallest,
                words,
            });
        });
        Self {
            words,
            groups,
            outputs,
        }
    }

    /// A bit for each of 32 rows of `x`.
    #[inline(always)]
    fn word(&self, task: usize, group: usize, output: usize) -> u32 {
        self.words[(task * self.groups + group) * self.outputs + output]
    }
}

/// A task of [`Active::new`]: some rows of `x` against all rows of `w`.
struct Scan<'a> {
    x: &'a Rows<'a>,
    /// The first row of `x`; `u` says how many there are.
    first: usize,
    w: &'a Rows<'a>,
    u: &'a [f32],
    outputs: usize,
    smallest: f32,
    /// `[group][output]`.
    words: &'a mut [u32],
}

#[macerator::with_simd]
fn run_scan<'a, S: Simd>(scan: Scan<'a>) {
    let outputs = scan.outputs;
    let rows = scan.u.len() / outputs;
    let mut words = vec![[0u32; TILE_W]; scan.words.len() / outputs];
    for o in (0..outputs).step_by(TILE_W) {
        let w = scan.w.tile(o);
        let present = TILE_W.min(outputs - o);
        words.fill([0; TILE_W]);
        for b in (0..rows).step_by(TILE_X) {
            let x = scan.x.tile(scan.first + b);
            // Nothing is above what is no number: rows past the end get no bit, whatever they hold.
            let mut smallest = [[splat::<S>(f32::NAN); TILE_W]; TILE_X];
            for k in 0..TILE_X.min(rows - b) {
                for l in 0..present {
                    smallest[k][l] = splat(scan.u[(b + k) * outputs + o + l] * scan.smallest);
                }
            }
            for (group, words) in words.iter_mut().enumerate() {
                let largest = group_largest::<S, GROUP_CHUNKS>(&x, &w, group);
                for k in 0..TILE_X {
                    for l in 0..TILE_W {
                        let largest = largest[k][l].reinterpret::<f32>();
                        words[l] |= u32::from(largest.ge(smallest[k][l]).any()) << (b + k);
                    }
                }
            }
        }
        for (out, words) in scan.words.chunks_exact_mut(outputs).zip(&words) {
            out[o..o + present].copy_from_slice(&words[..present]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes {
        batch: 3,
        outputs: 40,
        inputs: 500,
    };

    /// Numbers spread over [−scale, scale].
    fn wave(count: usize, step: usize, scale: f32) -> Vec<f32> {
        let number = |k: usize| (k * step % 10_007) as f32 / 5_003.0 - 1.0;
        (0..count).map(|k| scale * number(k)).collect()
    }

    #[test]
    fn plain_powers_are_taken_at_larger_p_only_where_most_columns_count() {
        let x = wave(SIZES.batch * SIZES.inputs, 7919, 100.0);
        let mut w = wave(SIZES.outputs * SIZES.inputs, 6007, 100.0);
        let scale = |w: &[f32], p| dense_scale(&x, w, SIZES, p);
        // Differences up to 200, whose 26th power is beyond f32.
        assert_eq!(scale(&w, 26.0), Some((-8f32).exp2()));
        for p in [18.0, 27.0, 82.0] {
            assert_eq!(scale(&w, p), None);
        }
        // One column decides.
        for row in w.chunks_exact_mut(SIZES.inputs) {
            row[17] = 1000.0;
        }
        assert_eq!(scale(&w, 26.0), None);
    }

    #[test]
    fn equal_rows_are_not_scaled() {
        let rows = [1.5; 3 * 500];
        let w = [1.5; 40 * 500];
        assert_eq!(dense_scale(&rows, &w, SIZES, 26.0), None);
        let u = forward(&rows, &w, SIZES, Norm::P(26.0));
        assert_eq!(u, [0.0; 3 * 40]);
    }
}
