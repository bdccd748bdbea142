//! The pass forward.

use macerator::Simd;

use super::for_each_chunk;
use super::rows::{CHUNK, Row, Rows, TASK_ROWS, lanes, load, store};
use super::sample::dense_scale;
use super::terms::{Even, General, Power, Whole, inverse, whole, with_quick_half};
use super::tile::{
    TILE, TILE_W, TILE_X, Tile, TileW, TileX, group_largest, largest_in, reduced, tiles,
};
use crate::norm_dist::power::{F32s, LAST_LOW_HALF, exp2, log2, quick_half, splat};
use crate::norm_dist::{Norm, Sizes};

/// Chunks that are skipped together in the forward pass.
pub(super) const FORWARD_CHUNKS: usize = 4;
/// Vectors whose powers are taken together: as many as hide the time of a multiplication.
const BATCH: usize = 4;
/// Forward terms below this fraction of the largest are negligible (as a power of two).
pub(in crate::norm_dist) const NEGLIGIBLE_FORWARD: f32 = -24.0;
/// Up to this half of p, powers of the plain differences are taken forward; sums outside
/// [`PLAIN_SUMS`] are left to the bounded kernel.
pub(in crate::norm_dist) const PLAIN_FORWARD: u32 = LAST_LOW_HALF;
pub(in crate::norm_dist) const PLAIN_SUMS: std::ops::Range<f32> = 1e-20..1e30;

/// `‖x[b] − w[o]‖` for every pair of rows.
pub(super) fn distances(x: &[f32], w: &[f32], sizes: Sizes, norm: Norm) -> Vec<f32> {
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

/// A forward task: the distances of some rows of `x` to all rows of `w`.
struct Forward<'a> {
    x: &'a Rows<'a>,
    /// The first row of `x`; `u` says how many there are.
    first: usize,
    w: &'a Rows<'a>,
    outputs: usize,
    /// A distance of 1 between these rows, in the caller's numbers.
    unit: f32,
    u: &'a mut [f32],
}

/// How one tile of distances is computed.
trait ForwardKernel: Copy {
    /// `groups` has room for [`TILE`] chunks for every group of columns.
    fn tile<S: Simd>(self, x: &TileX<'_>, w: &TileW<'_>, groups: &mut [[f32; CHUNK]]) -> Tile<f32>;
}

#[macerator::with_simd]
fn run_forward<'a, S: Simd, K: ForwardKernel>(kernel: K, job: Forward<'a>) {
    let rows = job.u.len() / job.outputs;
    let mut groups = vec![[0.0; CHUNK]; TILE * job.x.chunks.div_ceil(FORWARD_CHUNKS)];
    for (b, o) in tiles(rows, job.outputs) {
        let (x, w) = (job.x.tile(job.first + b), job.w.tile(o));
        let tile = kernel.tile::<S>(&x, &w, &mut groups);
        for (b, distances) in (b..rows).zip(tile) {
            for (o, distance) in (o..job.outputs).zip(distances) {
                job.u[b * job.outputs + o] = distance * job.unit;
            }
        }
    }
}

fn even_forward(half: u32, dense: bool, job: Forward<'_>) {
    if half <= PLAIN_FORWARD || dense {
        with_quick_half!(half, low_middle, |HALF| {
            run_forward(Plain(Even::<HALF>), job)
        });
    } else {
        with_quick_half!(half, middle_high, |HALF| {
            run_forward(Bounded(Even::<HALF>), job)
        });
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
        reduced(largest_in::<S>(x, w, 0..w[0].len()))
    }
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
        let negligible = (NEGLIGIBLE_FORWARD / self.0.exponent()).exp2();
        let mut smallest = [splat::<S>(0.0); TILE];
        for (smallest, largest) in smallest.iter_mut().zip(largest.as_flattened()) {
            *smallest = splat(largest * negligible);
        }
        let mut sums = [[0.0; TILE_W]; TILE_X];
        // Collects the bits of all pairs first, then loops over those that are set. A branch at every
        // group would be mispredicted too often.
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
            let (x, x_rest) = x[start..end].as_chunks::<BATCH>();
            let (w, w_rest) = w[start..end].as_chunks::<BATCH>();
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
