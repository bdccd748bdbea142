//! The CPU's roofline: the instructions of the kernels on tiles that never leave the registers and the
//! first cache level.

use std::hint::black_box;

use macerator::{Scalar, Simd, Vector, vload_unaligned};

use crate::bench::layer::normal;
use crate::norm_dist::Norm;

/// Runs the arithmetic alone for a number of terms, or slightly more, on the threads of the current
/// pool.
pub(super) type Roofline = fn(usize);

/// Returns the roofline of the forward pass, for the p that have one.
pub(super) fn forward(norm: Norm) -> Option<Roofline> {
    match norm {
        Norm::P(8.0) => Some(|terms| alone(Power8, terms)),
        Norm::Inf => Some(|terms| alone(Largest, terms)),
        Norm::P(_) => None,
    }
}

/// Returns the roofline of both gradients, for the p that have one. At p = ∞ it is that of searching
/// the whole row for the largest difference again.
pub(super) fn backward(norm: Norm) -> Option<Roofline> {
    match norm {
        Norm::P(8.0) => Some(|terms| alone(Slope8, terms)),
        Norm::Inf => Some(|terms| alone(Largest, terms)),
        Norm::P(_) => None,
    }
}

fn alone(arithmetic: impl Arithmetic, terms: usize) {
    let data = normal(19 * 16, 4);
    let tile = 8 * lanes(&data);
    rayon::broadcast(|thread| {
        let steps = terms.div_ceil(tile * thread.num_threads());
        black_box(steps_of(black_box(&data), steps, arithmetic));
    });
}

type F32s<S> = Vector<S, f32>;

/// The arithmetic of one vector of terms.
trait Arithmetic: Copy + Sync {
    fn step<S: Simd>(self, x: F32s<S>, w: F32s<S>, sum: F32s<S>) -> F32s<S>;
}

/// The largest difference.
#[derive(Clone, Copy)]
struct Largest;

impl Arithmetic for Largest {
    #[inline(always)]
    fn step<S: Simd>(self, x: F32s<S>, w: F32s<S>, sum: F32s<S>) -> F32s<S> {
        let d = (x - w).abs().reinterpret::<i32>();
        sum.reinterpret::<i32>().max(d).reinterpret()
    }
}

/// The sum of eighth powers.
#[derive(Clone, Copy)]
struct Power8;

impl Arithmetic for Power8 {
    #[inline(always)]
    fn step<S: Simd>(self, x: F32s<S>, w: F32s<S>, sum: F32s<S>) -> F32s<S> {
        let d = x - w;
        let square = d * d;
        let fourth = square * square;
        sum + fourth * fourth
    }
}

/// The seventh power times a factor, added twice, to two gradients.
#[derive(Clone, Copy)]
struct Slope8;

impl Arithmetic for Slope8 {
    #[inline(always)]
    fn step<S: Simd>(self, x: F32s<S>, w: F32s<S>, sum: F32s<S>) -> F32s<S> {
        let d = x - w;
        let square = d * d;
        let term = square * square * square * d * w;
        sum + term + term
    }
}

#[macerator::with_simd]
fn lanes<S: Simd>(_data: &[f32]) -> usize {
    <f32 as Scalar>::lanes::<S>()
}

#[inline(always)]
fn vector<S: Simd>(data: &[f32], index: usize) -> F32s<S> {
    let lanes = <f32 as Scalar>::lanes::<S>();
    let row = &data[index * lanes..][..lanes];
    // SAFETY: the row holds exactly one vector.
    unsafe { vload_unaligned(row.as_ptr()) }
}

/// Tiles of 4 × 2 rows, as in the kernels.
#[macerator::with_simd]
fn steps_of<S: Simd, A: Arithmetic>(data: &[f32], steps: usize, arithmetic: A) -> f32 {
    let (w0, w1) = (vector::<S>(data, 0), vector::<S>(data, 1));
    let mut sums = [vector::<S>(data, 2); 8];
    for step in 0..steps {
        let first = 3 + step % 4 * 4;
        let (x0, x1) = (vector::<S>(data, first), vector::<S>(data, first + 1));
        let (x2, x3) = (vector::<S>(data, first + 2), vector::<S>(data, first + 3));
        sums = [
            arithmetic.step(x0, w0, sums[0]),
            arithmetic.step(x0, w1, sums[1]),
            arithmetic.step(x1, w0, sums[2]),
            arithmetic.step(x1, w1, sums[3]),
            arithmetic.step(x2, w0, sums[4]),
            arithmetic.step(x2, w1, sums[5]),
            arithmetic.step(x3, w0, sums[6]),
            arithmetic.step(x3, w1, sums[7]),
        ];
    }
    let mut sum = sums[0];
    for other in &sums[1..] {
        sum += *other;
    }
    sum.reduce_add()
}
