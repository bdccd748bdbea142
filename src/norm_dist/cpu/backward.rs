//! The pass backward at finite p.

use macerator::Simd;

use super::rows::{
    ColumnsMut, GROUP, GROUP_CHUNKS, Rows, TASK_ROWS, copy_group, lanes, load, store,
};
use super::sample::{DENSE, PLAIN_MOST, Sample, unit_scale};
use super::terms::{EvenSlope, GeneralSlope, Slope, WholeSlope, inverse, whole, with_quick_half};
use super::tile::{TILE_W, TILE_X, group_largest};
use super::{for_each, for_each_chunk};
use crate::norm_dist::Sizes;
use crate::norm_dist::power::{quick_half, splat, whole_powers};

/// Rows of `w` handled together in the plain backward pass.
const TILE_BACK: usize = 4;
/// Gradient terms below this are negligible (as a power of two).
pub(in crate::norm_dist) const NEGLIGIBLE_BACKWARD: f32 = -20.0;
/// Up to this half of p, the backward pass takes plain powers, unless a `u^{p−1}` is beyond
/// 2^±[`PLAIN_SLOPES`]. Skipping terms pays earlier here than in the forward pass.
const PLAIN_BACKWARD: u32 = 6;
const PLAIN_SLOPES: f32 = 80.0;

/// Returns the share of a distance below which the slope of a difference is negligible. It is above
/// 0 even at p = 1, where the slope is a sign, so that equal numbers have slope 0.
pub(super) fn negligible_slope(p: f32) -> f32 {
    (NEGLIGIBLE_BACKWARD / (p - 1.0)).exp2().max(1e-30)
}

/// The arguments that both gradients are computed from.
#[derive(Clone, Copy)]
pub(super) struct Gradients<'a> {
    pub(super) x: &'a [f32],
    pub(super) w: &'a [f32],
    pub(super) u: &'a [f32],
    pub(super) grad: &'a [f32],
    pub(super) sizes: Sizes,
}

impl Gradients<'_> {
    /// Computes both gradients at a finite p.
    pub(super) fn finite(&self, p: f32) -> (Vec<f32>, Vec<f32>) {
        let plain = quick_half(p).and_then(|half| Some((half, self.plain_scale(half, p)?)));
        match plain {
            Some((half, scale)) => self.plain(half, scale),
            None => self.bounded(p),
        }
    }

    /// Returns the factor that the differences are scaled by if plain powers are taken of them; None
    /// if they are not. With it, `u^{p−1}` and its inverse stay well within f32 for every distance
    /// that has a slope.
    fn plain_scale(&self, half: u32, p: f32) -> Option<f32> {
        if half > PLAIN_MOST {
            return None;
        }
        let distances = self.u.iter().filter(|u| inverse(**u) > 0.0);
        let (least, most) = distances.fold((f32::INFINITY, 0.0f32), |(least, most), &u| {
            (least.min(u), most.max(u))
        });
        let limit = (PLAIN_SLOPES / (p - 1.0)).exp2();
        if half <= PLAIN_BACKWARD {
            return (least > 1.0 / limit && most < limit).then_some(1.0);
        }
        // The scale keeps every slope that counts above the limit of small slopes.
        let scale = unit_scale(least.log2().floor())?;
        let sample = || Sample::new(self.x, self.w, self.sizes, GROUP, negligible_slope(p));
        (scale * most < limit && sample().active > DENSE).then_some(scale)
    }

    fn plain(&self, half: u32, scale: f32) -> (Vec<f32>, Vec<f32>) {
        let factors = self.factors(|u: [f32; TILE_BACK], grad| {
            whole_powers(u.map(|u| inverse(scale * u)), 2 * half - 1, grad)
        });
        self.in_blocks(scale, |block| {
            let job = PlainBlock {
                block,
                factors: &factors,
                scale,
            };
            // The slope needs one square less than the distance.
            with_quick_half!(half, low_middle, |HALF| {
                run_plain(EvenSlope::<{ HALF - 1 }>, job)
            });
        })
    }

    fn bounded(&self, p: f32) -> (Vec<f32>, Vec<f32>) {
        let smallest = negligible_slope(p);
        let active = Active::new(self, smallest);
        let factors = self.factors(|[u], [grad]| [[inverse(u), grad]]);
        self.in_blocks(1.0, |block| {
            let job = BoundedBlock {
                block,
                active: &active,
                factors: factors.as_flattened(),
            };
            match quick_half(p) {
                Some(half) => with_quick_half!(half, all, |HALF| {
                    run_bounded(EvenSlope::<{ HALF - 1 }>, job)
                }),
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

    /// Applies `factor` to the distances and incoming gradients of every `N` outputs and returns
    /// `[outputs/N][batch]` of `N`, so that the inner loops read them in order. Missing outputs are
    /// padded with zeros, which contribute nothing.
    fn factors<T: Copy + Default + Send, const N: usize>(
        &self,
        factor: impl Fn([f32; N], [f32; N]) -> [T; N] + Sync,
    ) -> Vec<[T; N]> {
        let Sizes { batch, outputs, .. } = self.sizes;
        let mut factors = vec![[T::default(); N]; outputs.div_ceil(N) * batch];
        for_each_chunk(&mut factors, batch, |index, factors| {
            let columns = index * N..outputs.min((index + 1) * N);
            let padded = |values: &[f32], b: usize| {
                let mut padded = [0.0; N];
                padded[..columns.len()].copy_from_slice(&values[b * outputs..][columns.clone()]);
                padded
            };
            for (b, out) in factors.iter_mut().enumerate() {
                *out = factor(padded(self.u, b), padded(self.grad, b));
            }
        });
        factors
    }

    /// Computes both gradients with one task for every group of columns, whose inputs are scaled.
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

/// All rows of both gradients, for one group of columns.
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
            // Rows past the end repeat the last one. Its powers are in range, and 0 times them is 0.
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
    /// Most vectors in a group. The shortest vectors, of processors without SIMD, have two numbers.
    const MOST: usize = GROUP / 2;
    /// Vectors whose slopes are taken together. A group has this many of the longest vectors.
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

/// The groups of columns that have a difference that counts, for every pair of rows.
struct Active {
    /// `[batch/32][group][output]`, a bit for every row of `x`.
    words: Vec<u32>,
    groups: usize,
    outputs: usize,
}

impl Active {
    /// Finds the groups with a difference of at least `smallest` times the distance.
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
            // No comparison with NaN is true, so rows past the end get no bit.
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
