//! Both passes of a pruned layer.
//!
//! A vector holds one input of several images, so no lane is idle however few inputs a unit has, and
//! a weight is read once for all of them. A task is a block of images. The blocks' gradients of the
//! weights are added up in their order, so the result does not depend on the number of threads. Every
//! term is computed, since nearly all negligible ones were pruned.

use std::ops::Range;

use macerator::Simd;

use super::backward::negligible_slope;
use super::for_each_chunk;
use super::rows::{lanes, load, store};
use super::terms::{Even, EvenSlope, General, GeneralSlope, Power, Slope, with_quick_half};
use crate::exact::Csr;
use crate::norm_dist::Norm;
use crate::norm_dist::power::{F32s, general_power, quick_half, splat};

/// Images of a block.
const BLOCK: usize = 32;
/// Vectors that are processed together where sums across lanes are rare.
const PAIR: usize = 2;

/// A number for each image of a block, aligned so that no vector crosses a cache line.
#[derive(Clone, Copy)]
#[repr(align(128))]
struct Lane([f32; BLOCK]);

impl Lane {
    const ZERO: Self = Self([0.0; BLOCK]);
}

/// Columns that are transposed at a time. Their lanes stay in the first cache level.
const TILE: usize = 64;

/// Weights whose gradients the blocks compute at a time, so that they stay in the caches.
const GROUP: usize = 1 << 17;

/// Weights that one thread adds up at a time.
const SUM: usize = 1 << 13;

/// Transposes `[rows, columns]` to `[rows/BLOCK][columns]` lanes; rows past the end are zeros.
fn blocks(matrix: &[f32], columns: usize) -> Vec<Lane> {
    let rows = matrix.len() / columns;
    let mut blocks = vec![Lane::ZERO; rows.div_ceil(BLOCK) * columns];
    for_each_chunk(&mut blocks, columns, |block, lanes| {
        for (tile, lanes) in lanes.chunks_mut(TILE).enumerate() {
            let rows = matrix.chunks_exact(columns).skip(block * BLOCK).take(BLOCK);
            for (image, row) in rows.enumerate() {
                for (lane, value) in lanes.iter_mut().zip(&row[tile * TILE..]) {
                    lane.0[image] = *value;
                }
            }
        }
    });
    blocks
}

/// Transposes `blocks` back to `[rows, columns]`.
fn matrix(blocks: &[Lane], rows: usize, columns: usize) -> Vec<f32> {
    let mut matrix = vec![0.0; rows * columns];
    for_each_chunk(&mut matrix, BLOCK * columns, |block, rows| {
        let lanes = &blocks[block * columns..][..columns];
        for (tile, lanes) in lanes.chunks(TILE).enumerate() {
            for (image, row) in rows.chunks_exact_mut(columns).enumerate() {
                for (value, lane) in row[tile * TILE..].iter_mut().zip(lanes) {
                    *value = lane.0[image];
                }
            }
        }
    });
    matrix
}

/// Computes `‖x[b] − w[o]‖` over the inputs that unit o has a weight for, `[batch, outputs]`. `w` is
/// `[pattern.weights()]`.
///
/// # Panics
/// If a slice's length is not what the pattern says, or p < 1.
pub fn sparse_forward(x: &[f32], w: &[f32], pattern: &Csr, norm: Norm) -> Vec<f32> {
    let batch = check(x, w, pattern, norm);
    let (inputs, outputs) = (pattern.inputs(), pattern.outputs());
    let x = blocks(x, inputs);
    let mut u = vec![Lane::ZERO; x.len() / inputs * outputs];
    for_each_chunk(&mut u, outputs, |block, u| {
        let job = Forward {
            x: &x[block * inputs..][..inputs],
            w,
            pattern,
            u,
        };
        match norm {
            Norm::Inf => run_largest(job),
            Norm::P(p) => match quick_half(p) {
                Some(half) => {
                    with_quick_half!(half, all, |HALF| run_forward(Even::<HALF>, job))
                }
                None => run_forward(General { exponent: p }, job),
            },
        }
    });
    matrix(&u, batch, outputs)
}

/// Computes the gradients of `Σ grad · u` with respect to `x` (`[batch, inputs]`) and `w`
/// (`[pattern.weights()]`), where `u` is the result of [`sparse_forward`]. The bits do not depend on the
/// number of threads. The first gradient is computed only if `of_inputs` is set, and empty otherwise: a
/// first layer's inputs need none.
///
/// # Panics
/// If a slice's length is not what the pattern says, or p < 1.
pub fn sparse_backward(
    x: &[f32],
    w: &[f32],
    u: &[f32],
    grad: &[f32],
    pattern: &Csr,
    norm: Norm,
    of_inputs: bool,
) -> (Vec<f32>, Vec<f32>) {
    let batch = check(x, w, pattern, norm);
    let (inputs, outputs) = (pattern.inputs(), pattern.outputs());
    assert_eq!(u.len(), batch * outputs, "u must be [batch, outputs]");
    assert_eq!(grad.len(), u.len(), "the gradient must have the shape of u");
    let (x, u, grad) = (blocks(x, inputs), blocks(u, outputs), blocks(grad, outputs));
    let count = x.len() / inputs;
    let mut dx = vec![Lane::ZERO; if of_inputs { x.len() } else { 0 }];
    let mut dw = vec![0.0; w.len()];
    let mut parts = Vec::new();
    for units in groups(pattern) {
        let weights = pattern.places(units.clone());
        parts.clear();
        parts.resize(count * weights.len(), 0.0);
        let parts_of_blocks = parts.chunks_exact_mut(weights.len().max(1));
        let mut dx = dx.chunks_exact_mut(inputs);
        let mut jobs: Vec<_> = parts_of_blocks
            .map(|dw| (dx.next().unwrap_or_default(), dw))
            .collect();
        for_each_chunk(&mut jobs, 1, |block, job| {
            let (dx, dw) = &mut job[0];
            let job = Backward {
                x: &x[block * inputs..][..inputs],
                w,
                pattern,
                units: units.clone(),
                u: &u[block * outputs..][..outputs],
                grad: &grad[block * outputs..][..outputs],
                dx,
                dw,
            };
            match norm {
                Norm::Inf => run_first(job),
                Norm::P(p) => match quick_half(p) {
                    Some(half) => with_quick_half!(half, all, |HALF| {
                        run_backward(EvenSlope::<{ HALF - 1 }>, job)
                    }),
                    None => {
                        let (exponent, smallest) = (p - 1.0, negligible_slope(p));
                        run_backward(GeneralSlope { exponent, smallest }, job);
                    }
                },
            }
        });
        let dw = &mut dw[weights.clone()];
        for_each_chunk(dw, SUM, |chunk, dw| {
            for part in parts.chunks_exact(weights.len().max(1)) {
                for (sum, term) in dw.iter_mut().zip(&part[chunk * SUM..]) {
                    *sum += term;
                }
            }
        });
    }
    let rows = if of_inputs { batch } else { 0 };
    (matrix(&dx, rows, inputs), dw)
}

/// Splits the units into groups of about [`GROUP`] weights.
fn groups(pattern: &Csr) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    for unit in 0..pattern.outputs() {
        if pattern.places(start..unit + 1).len() >= GROUP || unit + 1 == pattern.outputs() {
            groups.push(start..unit + 1);
            start = unit + 1;
        }
    }
    groups
}

/// Checks the arguments and returns the number of rows of `x`.
fn check(x: &[f32], w: &[f32], pattern: &Csr, norm: Norm) -> usize {
    norm.check();
    assert_eq!(
        w.len(),
        pattern.weights(),
        "w must have a number for every weight of the pattern"
    );
    assert_eq!(x.len() % pattern.inputs(), 0, "x must be [batch, inputs]");
    x.len() / pattern.inputs()
}

/// A forward task.
struct Forward<'a> {
    x: &'a [Lane],
    w: &'a [f32],
    pattern: &'a Csr,
    u: &'a mut [Lane],
}

/// A backward task.
struct Backward<'a> {
    x: &'a [Lane],
    w: &'a [f32],
    pattern: &'a Csr,
    units: Range<usize>,
    u: &'a [Lane],
    grad: &'a [Lane],
    /// Empty if the gradient of the inputs is not computed.
    dx: &'a mut [Lane],
    dw: &'a mut [f32],
}

/// The largest difference of a unit, for some of the images.
#[inline(always)]
fn largest<S: Simd>(x: &[Lane], w: &[f32], columns: &[u32], at: usize) -> [F32s<S>; PAIR] {
    let mut largest = [splat::<S>(0.0); PAIR];
    for (&column, &w) in columns.iter().zip(w) {
        let (x, w) = (&x[column as usize], splat::<S>(w));
        for k in 0..PAIR {
            let d = load::<S>(&x.0, at + k * lanes::<S>()) - w;
            largest[k] = largest[k].max(d.abs());
        }
    }
    largest
}

#[macerator::with_simd]
fn run_largest<'a, S: Simd>(job: Forward<'a>) {
    for (row, u) in job.pattern.rows().zip(job.u) {
        let (columns, w) = (&job.pattern.columns()[row.clone()], &job.w[row]);
        for at in (0..BLOCK).step_by(PAIR * lanes::<S>()) {
            let largest = largest::<S>(job.x, w, columns, at);
            for k in 0..PAIR {
                store(&mut u.0, at + k * lanes::<S>(), largest[k]);
            }
        }
    }
}

#[macerator::with_simd]
fn run_forward<'a, S: Simd, P: Power>(power: P, job: Forward<'a>) {
    let root = splat::<S>(1.0 / power.exponent());
    for (row, u) in job.pattern.rows().zip(job.u) {
        let (columns, w) = (&job.pattern.columns()[row.clone()], &job.w[row]);
        for at in (0..BLOCK).step_by(PAIR * lanes::<S>()) {
            let largest = largest::<S>(job.x, w, columns, at);
            let mut inverse = [splat::<S>(0.0); PAIR];
            for k in 0..PAIR {
                inverse[k] = splat::<S>(1.0) / largest[k].max(splat(f32::MIN_POSITIVE));
            }
            let mut sums = [splat::<S>(0.0); PAIR];
            for (&column, &w) in columns.iter().zip(w) {
                let (x, w) = (&job.x[column as usize], splat::<S>(w));
                let mut t = [splat::<S>(0.0); PAIR];
                for k in 0..PAIR {
                    t[k] = (load::<S>(&x.0, at + k * lanes::<S>()) - w) * inverse[k];
                }
                let powers = power.powers::<S, PAIR>(t);
                for k in 0..PAIR {
                    sums[k] += powers[k];
                }
            }
            for k in 0..PAIR {
                let distance = largest[k] * general_power(sums[k], root);
                store(&mut u.0, at + k * lanes::<S>(), distance);
            }
        }
    }
}

/// 1/u, or 0 where that overflows.
#[inline(always)]
fn inverses<S: Simd>(u: F32s<S>) -> F32s<S> {
    let smallest = splat(f32::MIN_POSITIVE);
    let inverse = splat::<S>(1.0) / u.max(smallest);
    u.ge(smallest).select(inverse, splat(0.0))
}

#[macerator::with_simd]
fn run_backward<'a, S: Simd, K: Slope>(kernel: K, job: Backward<'a>) {
    // More vectors at a time mean fewer sums across lanes, as far as there are registers.
    match (lanes::<S>() < 16, job.dx.is_empty()) {
        (true, true) => run_backward_of::<S, K, 4, false>(kernel, job),
        (true, false) => run_backward_of::<S, K, 4, true>(kernel, job),
        (false, true) => run_backward_of::<S, K, 2, false>(kernel, job),
        (false, false) => run_backward_of::<S, K, 2, true>(kernel, job),
    }
}

/// Processes `N` vectors together; computes the gradient of the inputs if it is `WANTED`.
#[inline(always)]
fn run_backward_of<S: Simd, K: Slope, const N: usize, const WANTED: bool>(
    kernel: K,
    job: Backward<'_>,
) {
    let first = job.pattern.places(job.units.clone()).start;
    for o in job.units {
        let row = job.pattern.places(o..o + 1);
        let (columns, w) = (&job.pattern.columns()[row.clone()], &job.w[row.clone()]);
        let dw = &mut job.dw[row.start - first..row.end - first];
        for at in (0..BLOCK).step_by(N * lanes::<S>()) {
            let (mut inverse, mut grad) = ([splat::<S>(0.0); N], [splat::<S>(0.0); N]);
            for k in 0..N {
                let at = at + k * lanes::<S>();
                inverse[k] = inverses(load::<S>(&job.u[o].0, at));
                grad[k] = load::<S>(&job.grad[o].0, at);
            }
            for ((&column, &w), dw) in columns.iter().zip(w).zip(dw.iter_mut()) {
                let (x, w) = (&job.x[column as usize], splat::<S>(w));
                let mut t = [splat::<S>(0.0); N];
                for k in 0..N {
                    t[k] = (load::<S>(&x.0, at + k * lanes::<S>()) - w) * inverse[k];
                }
                let slopes = kernel.slopes::<S, N>(t);
                let mut sum = splat::<S>(0.0);
                for k in 0..N {
                    let term = slopes[k] * grad[k];
                    if WANTED {
                        let at = at + k * lanes::<S>();
                        let dx = &mut job.dx[column as usize].0;
                        let all = load::<S>(dx, at) + term;
                        store(dx, at, all);
                    }
                    sum += term;
                }
                *dw -= sum.reduce_add();
            }
        }
    }
}

/// Computes gradients at p = ∞: the first weight whose difference is the distance has all the slope.
#[macerator::with_simd]
fn run_first<'a, S: Simd>(job: Backward<'a>) {
    let first = job.pattern.places(job.units.clone()).start;
    for o in job.units {
        let row = job.pattern.places(o..o + 1);
        let (columns, w) = (&job.pattern.columns()[row.clone()], &job.w[row.clone()]);
        let dw = &mut job.dw[row.start - first..row.end - first];
        for at in (0..BLOCK).step_by(PAIR * lanes::<S>()) {
            let (mut u, mut left) = ([splat::<S>(0.0); PAIR], [splat::<S>(0.0); PAIR]);
            for k in 0..PAIR {
                let at = at + k * lanes::<S>();
                u[k] = load::<S>(&job.u[o].0, at);
                // A distance of 0 has slope 0.
                let apart = splat::<S>(0.0).lt(u[k]);
                left[k] = apart.select(load::<S>(&job.grad[o].0, at), splat(0.0));
            }
            for ((&column, &w), dw) in columns.iter().zip(w).zip(dw.iter_mut()) {
                let (x, w) = (&job.x[column as usize], splat::<S>(w));
                let mut terms = [splat::<S>(0.0); PAIR];
                let mut any = false;
                for k in 0..PAIR {
                    let d = load::<S>(&x.0, at + k * lanes::<S>()) - w;
                    let is_argmax = d.abs().ge(u[k]);
                    any |= is_argmax.any();
                    let term = is_argmax.select(left[k], splat(0.0));
                    left[k] -= term;
                    let falls = d.lt(splat(0.0));
                    terms[k] = falls.select(splat::<S>(0.0) - term, term);
                }
                if any {
                    if let Some(dx) = job.dx.get_mut(column as usize) {
                        for k in 0..PAIR {
                            let at = at + k * lanes::<S>();
                            let all = load::<S>(&dx.0, at) + terms[k];
                            store(&mut dx.0, at, all);
                        }
                    }
                    *dw -= (terms[0] + terms[1]).reduce_add();
                }
            }
        }
    }
}
