//! Bounds of the largest difference while inputs move in boxes.

use macerator::Simd;

use super::for_each_chunk;
use super::rows::{Rows, lanes, load};
use crate::norm_dist::Sizes;
use crate::norm_dist::power::splat;

/// Lower and upper bounds, both `[batch, outputs]`.
pub(super) fn bounds(
    lower: &[f32],
    upper: &[f32],
    w: &[f32],
    sizes: Sizes,
) -> (Vec<f32>, Vec<f32>) {
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
