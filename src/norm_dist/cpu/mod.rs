//! The distance and its gradients on the CPU: f32 slices, SIMD through `macerator` (AVX2, AVX-512,
//! NEON, WebAssembly's simd128), threads through rayon where there are any.
//!
//! Training spends nearly all its time here, so each range of p has the cheapest loop that it
//! allows:
//!
//! - *plain*, for even p up to 18 (backward up to 12), and up to 66 if most columns of a sample count:
//!   powers of the differences themselves, by multiplications. For inputs of usual size neither the
//!   powers nor their sums leave f32's range; at higher p both matrices are first scaled by a power of
//!   two. Where a sum does leave the range, the next kind computes it again;
//! - *bounded*, for any other p: a first sweep finds the largest difference of every group of columns.
//!   A second sweep takes powers only in the groups that have a term that counts beside the largest
//!   difference. At p = 100 that is one group in five for random weights, far fewer in a trained net;
//! - *largest*, for p = ∞: the first sweep only. In training it also saves the block of columns that
//!   holds the largest difference, and the backward pass searches that block for the arg-max column.
//!
//! The forward pass splits the batch among threads. Tiles take a strip of `w` at a time, which stays
//! in the second cache level, and the tile's rows of `x` in the first. The backward pass splits the
//! *columns* (at p = ∞, the rows of each gradient in turn). One thread owns the same columns of both
//! gradients and takes one power for both. Nothing is summed across threads, so the result does not
//! depend on their number.
//!
//! Both passes skip groups whose terms are all negligible: below 2^-24 of the largest one forward, and
//! below 2^-20 of `u` backward.

#![allow(
    clippy::needless_range_loop,
    reason = "tiles are indexed alike in several arrays, which then stay in registers"
)]

mod backward;
mod forward;
mod largest;
mod rows;
mod sample;
mod sparse;
mod terms;
mod tile;

pub use self::sparse::{sparse_backward, sparse_forward};

use self::backward::Gradients;
use super::{Norm, Sizes};

#[cfg(feature = "webgpu")]
pub(super) use self::{
    backward::NEGLIGIBLE_BACKWARD,
    forward::{NEGLIGIBLE_FORWARD, PLAIN_FORWARD, PLAIN_SUMS},
};

/// Computes `‖x[b] − w[o]‖` for every pair of rows, `[batch, outputs]`. Inputs must be finite.
///
/// # Panics
/// If a slice's length is not what `sizes` says, there are no inputs, or p < 1.
pub fn forward(x: &[f32], w: &[f32], sizes: Sizes, norm: Norm) -> Vec<f32> {
    sizes.check(x, w, norm);
    forward::distances(x, w, sizes, norm)
}

/// Values that the forward pass saves for backward: at p = ∞, for every pair, the first block of
/// columns that holds a difference as large as the distance, `[batch, outputs]`. Empty at other p.
#[derive(Clone, Debug, Default)]
pub struct SavedForBackward(Vec<u16>);

/// Computes the same bits as [`forward`], and the values saved for backward.
///
/// # Panics
/// As [`forward`].
pub fn forward_saving(
    x: &[f32],
    w: &[f32],
    sizes: Sizes,
    norm: Norm,
) -> (Vec<f32>, SavedForBackward) {
    match norm {
        Norm::Inf => {
            sizes.check(x, w, norm);
            let (u, blocks) = largest::distances_and_blocks(x, w, sizes);
            (u, SavedForBackward(blocks))
        }
        Norm::P(_) => (forward(x, w, sizes, norm), SavedForBackward::default()),
    }
}

/// Computes the gradients of `Σ grad · u` with respect to `x` (`[batch, inputs]`) and `w`
/// (`[outputs, inputs]`). `u` and `saved` are the results of [`forward_saving`]. The bits do not depend
/// on the number of threads.
///
/// # Panics
/// If a slice's length is not what `sizes` says, there are no inputs, p < 1, or at p = ∞ `saved` is
/// not from a pass over as many pairs at p = ∞.
pub fn backward(
    x: &[f32],
    w: &[f32],
    (u, saved): (&[f32], &SavedForBackward),
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
        Norm::Inf => {
            assert_eq!(
                saved.0.len(),
                u.len(),
                "`saved` must be from a pass at p = ∞"
            );
            job.largest(&saved.0)
        }
        Norm::P(p) => job.finite(p),
    }
}

/// Calls `task(index, chunk)` for every chunk of `data`, on all threads where there are any.
pub(crate) fn for_each_chunk<T: Send>(
    data: &mut [T],
    length: usize,
    task: impl Fn(usize, &mut [T]) + Sync,
) {
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

/// Calls `task` for every pair of chunks of two slices of equal length, on all threads where there
/// are any.
fn for_each_chunk_of<T: Send, U: Send>(
    (first, second): (&mut [T], &mut [U]),
    length: usize,
    task: impl Fn(usize, (&mut [T], &mut [U])) + Sync,
) {
    let length = length.max(1);
    #[cfg(not(target_arch = "wasm32"))]
    {
        use rayon::prelude::*;
        let chunks = first
            .par_chunks_mut(length)
            .zip(second.par_chunks_mut(length));
        chunks
            .enumerate()
            .for_each(|(index, chunks)| task(index, chunks));
    }
    #[cfg(target_arch = "wasm32")]
    first
        .chunks_mut(length)
        .zip(second.chunks_mut(length))
        .enumerate()
        .for_each(|(index, chunks)| task(index, chunks));
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
