//! The pass backward at p = ∞: a search for the columns that decide.

use macerator::Simd;

use super::backward::Gradients;
use super::for_each_chunk;
use super::rows::{CHUNK, Row, Rows, lanes, load};
use crate::norm_dist::Sizes;
use crate::norm_dist::power::splat;

/// Chunks between two looks at whether the column that decides has been passed.
const SEARCH_CHUNKS: usize = 4;
/// Rows of `x` in one task of that search: they stay in the first cache level while `w` streams by.
const SEARCH_ROWS: usize = 8;
/// Rows of the gradient of `w` that slopes are spread over at a time, in the first cache level.
const SLOPE_ROWS: usize = 8;

impl Gradients<'_> {
    /// Slopes are signs at one column each.
    pub(super) fn largest(&self) -> (Vec<f32>, Vec<f32>) {
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
