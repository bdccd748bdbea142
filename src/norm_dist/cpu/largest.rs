//! Both passes of training at p = ∞. The forward pass saves the block of columns in which it found the
//! largest difference, and the backward pass searches only that block for the arg-max column.

use macerator::Simd;

use super::backward::Gradients;
use super::rows::{CHUNK, Row, Rows, TASK_ROWS, lanes, load};
use super::tile::{TILE_W, TILE_X, Tile, TileW, TileX, largest_in, reduced, tiles};
use super::{for_each_chunk, for_each_chunk_of};
use crate::norm_dist::Sizes;
use crate::norm_dist::power::{F32s, splat};

/// Chunks in a block: few enough to search, and enough that saving the block costs little.
const BLOCK_CHUNKS: usize = 8;
/// Rows of `x` in one task of the search. They stay in the second cache level while `w` streams by.
const SEARCH_ROWS: usize = 16;
/// Rows of the gradient of `w` that slopes are scattered to at a time. They stay in the first cache
/// level.
const SLOPE_ROWS: usize = 8;

/// Computes distances, and for each of them the first block of columns that holds a difference as
/// large.
pub(super) fn distances_and_blocks(x: &[f32], w: &[f32], sizes: Sizes) -> (Vec<f32>, Vec<u16>) {
    let outputs = sizes.outputs;
    let (x, w) = (Rows::new(x, sizes.inputs), Rows::new(w, sizes.inputs));
    let count = w.chunks.div_ceil(BLOCK_CHUNKS);
    assert!(
        count <= 1 << u16::BITS,
        "{} inputs are too many to train on at p = ∞",
        sizes.inputs
    );
    let mut u = vec![0.0; sizes.batch * outputs];
    let mut blocks = vec![0; u.len()];
    for_each_chunk_of(
        (&mut u, &mut blocks),
        TASK_ROWS * outputs,
        |task, (u, blocks)| {
            run_forward(Forward {
                x: &x,
                first: task * TASK_ROWS,
                w: &w,
                outputs,
                u,
                blocks,
            });
        },
    );
    (u, blocks)
}

/// A forward task: the distances of some rows of `x` to all rows of `w`.
struct Forward<'a> {
    x: &'a Rows<'a>,
    /// The first row of `x`; `u` says how many there are.
    first: usize,
    w: &'a Rows<'a>,
    outputs: usize,
    u: &'a mut [f32],
    blocks: &'a mut [u16],
}

#[macerator::with_simd]
fn run_forward<'a, S: Simd>(job: Forward<'a>) {
    let rows = job.u.len() / job.outputs;
    for (b, o) in tiles(rows, job.outputs) {
        let (x, w) = (job.x.tile(job.first + b), job.w.tile(o));
        let (distances, blocks) = tile::<S>(&x, &w);
        for k in 0..TILE_X.min(rows - b) {
            for l in 0..TILE_W.min(job.outputs - o) {
                let at = (b + k) * job.outputs + o + l;
                job.u[at] = distances[k][l];
                job.blocks[at] = blocks[k][l] as u16;
            }
        }
    }
}

/// Computes the distances of a tile, and the first blocks that hold them.
#[inline(always)]
fn tile<S: Simd>(x: &TileX<'_>, w: &TileW<'_>) -> (Tile<f32>, Tile<f32>) {
    let chunks = w[0].len();
    let mut largest = largest_in::<S>(x, w, 0..BLOCK_CHUNKS.min(chunks));
    let mut blocks = [[splat::<S>(0.0); TILE_W]; TILE_X];
    for block in 1..chunks.div_ceil(BLOCK_CHUNKS) {
        let first = block * BLOCK_CHUNKS;
        let of_block = largest_in::<S>(x, w, first..chunks.min(first + BLOCK_CHUNKS));
        for b in 0..TILE_X {
            for o in 0..TILE_W {
                let (old, new) = (largest[b][o].reinterpret::<f32>(), of_block[b][o]);
                let larger = new.reinterpret::<f32>().gt(old);
                blocks[b][o] = larger.select(splat(block as f32), blocks[b][o]);
                largest[b][o] = largest[b][o].max(new);
            }
        }
    }
    let distances = reduced(largest);
    let mut first = [[0.0; TILE_W]; TILE_X];
    for b in 0..TILE_X {
        for o in 0..TILE_W {
            let is_largest = largest[b][o]
                .reinterpret::<f32>()
                .ge(splat(distances[b][o]));
            let blocks = is_largest.select(blocks[b][o], splat(f32::INFINITY));
            first[b][o] = blocks.reduce_min();
        }
    }
    (distances, first)
}

impl Gradients<'_> {
    /// Computes both gradients at p = ∞, where the slope of a distance is a sign at one column.
    pub(super) fn largest(&self, blocks: &[u16]) -> (Vec<f32>, Vec<f32>) {
        let Sizes {
            outputs, inputs, ..
        } = self.sizes;
        let slopes = self.slopes(blocks);
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

    /// Computes, for every pair of rows, the first column whose difference is the distance and the
    /// slope there times the incoming gradient, `[batch, outputs]`. A distance of 0 has slope 0.
    fn slopes(&self, blocks: &[u16]) -> Vec<ColumnSlope> {
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
                blocks: &blocks[pairs.clone()],
                grad: &self.grad[pairs],
                outputs,
                slopes,
            });
        });
        slopes
    }
}

/// The arg-max column of a distance, and its contribution to the gradients there.
#[derive(Clone, Copy, Default)]
struct ColumnSlope {
    column: u32,
    slope: f32,
}

/// A task of the search for arg-max columns: some rows of `x` against all rows of `w`.
struct Search<'a> {
    x: &'a Rows<'a>,
    /// The first row of `x`; `slopes` says how many there are.
    first: usize,
    w: &'a Rows<'a>,
    /// From the first row on, as `blocks` and `grad`.
    u: &'a [f32],
    blocks: &'a [u16],
    grad: &'a [f32],
    outputs: usize,
    slopes: &'a mut [ColumnSlope],
}

#[macerator::with_simd]
fn run_search<'a, S: Simd>(search: Search<'a>) {
    let outputs = search.outputs;
    let rows = search.slopes.len() / outputs;
    for o in 0..outputs {
        let w = search.w.row(o);
        for b in 0..rows {
            let (at, x) = (b * outputs + o, search.x.row(search.first + b));
            let u = search.u[at];
            let found = first_column::<S>(x, w, usize::from(search.blocks[at]), u);
            // No column is found if the distance is not that of these rows.
            if let Some(column) = found.filter(|_| u > 0.0) {
                let (x, w) = (x.as_flattened()[column], w.as_flattened()[column]);
                search.slopes[at] = ColumnSlope {
                    column: column as u32,
                    slope: (x - w).signum() * search.grad[at],
                };
            }
        }
    }
}

/// Returns the first column of a block whose difference is at least `u`.
///
/// It always searches the whole block, since the branch of an early exit would be mispredicted.
#[inline(always)]
fn first_column<S: Simd>(x: Row<'_>, w: Row<'_>, block: usize, u: f32) -> Option<usize> {
    let start = block * BLOCK_CHUNKS;
    let (x, w) = (&x[start..], &w[start..]);
    let mut first = splat::<S>(f32::INFINITY);
    match (x.first_chunk(), w.first_chunk()) {
        (Some(x), Some(w)) => first = first_of::<S, BLOCK_CHUNKS>(x, w, 0, u, first),
        _ => {
            for chunk in (0..x.len()).rev() {
                first = first_of::<S, 1>(&[x[chunk]], &[w[chunk]], chunk, u, first);
            }
        }
    }
    let first = (first + load::<S>(&COUNT, 0)).reduce_min();
    (first < f32::INFINITY).then_some(start * CHUNK + first as usize)
}

/// Returns, for every lane, the first vector among these chunks whose difference is at least `u`, as
/// the column of its lane 0; `otherwise` if there is none. `chunk` is the number of the first chunk.
#[inline(always)]
fn first_of<S: Simd, const CHUNKS: usize>(
    x: &[[f32; CHUNK]; CHUNKS],
    w: &[[f32; CHUNK]; CHUNKS],
    chunk: usize,
    u: f32,
    otherwise: F32s<S>,
) -> F32s<S> {
    let least = splat::<S>(u);
    let mut first = otherwise;
    // The loop runs from the last to the first, so that the first stays.
    for k in (0..CHUNKS).rev() {
        for at in (0..CHUNK / lanes::<S>()).rev() {
            let at = at * lanes::<S>();
            let d = load::<S>(&x[k], at) - load::<S>(&w[k], at);
            let column = splat(((chunk + k) * CHUNK + at) as f32);
            first = d.abs().ge(least).select(column, first);
        }
    }
    first
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
