//! Data-dependent pruning: drops the weights that decide near too few images.
//!
//! The *support* of a weight is the number of images near which it can decide its unit.

use std::num::NonZeroUsize;
use std::ops::AddAssign;

use crate::exact::certify::ibp::{distance_bounds, reach};
use crate::exact::metrics::{add_up, whole_images};
use crate::exact::{CsrLayer, ExactNet, InputError, Ticks};

/// For each layer the support of each weight of its dense form, `[outputs, inputs]`; no layers by
/// default.
#[derive(Default)]
struct Used(Vec<Vec<u32>>);

impl AddAssign for Used {
    fn add_assign(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        let both = self.0.iter_mut().flatten().zip(other.0.iter().flatten());
        both.for_each(|(here, there)| *here += there);
    }
}

impl ExactNet {
    /// Drops the weights that can decide their unit within `radius` of fewer than `min_support` of
    /// `images`, `[n, inputs]`, and then dead units. Works on up to `threads` threads.
    ///
    /// With a `min_support` of 1, logits, arg-max paths and interval bounds stay the same in all these
    /// boxes, for the reason that [`DenseNet::prune`] gives of the whole domain. Elsewhere the result is
    /// another ℓ∞-dist net, and its own certificates are as sound as any; with a larger `min_support`
    /// that is so also near images where a dropped weight decided. A weight also stays where no harmless
    /// one could take its place, so that [`DenseNet::filled`] succeeds on the result wherever it does on
    /// `self`.
    ///
    /// [`DenseNet::prune`]: crate::exact::DenseNet::prune
    /// [`DenseNet::filled`]: crate::exact::DenseNet::filled
    ///
    /// Fails when `images` is not one or more images of the net's size.
    pub fn prune_by_support(
        &self,
        images: &[u8],
        radius: Ticks,
        min_support: u32,
        threads: NonZeroUsize,
    ) -> Result<Self, InputError> {
        let expected = self.inputs();
        let count = whole_images(images, expected)?;
        if count == 0 {
            return Err(InputError::Pixels { found: 0, expected });
        }
        let share = count.div_ceil(threads.get());
        let shares = images.chunks(share * expected);
        let used: Used = add_up(shares, |images| self.support_of(images, radius))?;

        let mut used = used.0.iter();
        let fewer = self.with_fewer(|sparse, domain| {
            let used = used.next().expect("every layer was counted");
            keep(sparse, used, min_support, domain)
        });
        Ok(fewer.eliminate_dead_units())
    }

    /// Counts for each weight the images within `radius` of which it can decide.
    fn support_of(&self, images: &[u8], radius: Ticks) -> Result<Used, InputError> {
        let shapes = self.weights_kept().into_iter();
        let mut used: Vec<_> = shapes.map(|(_, total)| vec![0; total]).collect();
        let mut evaluator = self.evaluator();
        for image in images.chunks(self.inputs()) {
            evaluator.logit_bounds(image, radius)?;
            let boxes = evaluator.boxes().windows(2);
            for ((layer, used), boxes) in self.layers().iter().zip(&mut used).zip(boxes) {
                // All boxes are the same one; without the others the ends stay in the first cache level.
                let ends: Vec<_> = boxes[0].iter().map(|x| (x.lower[0], x.upper[0])).collect();
                let rows = used.chunks_exact_mut(layer.inputs());
                for ((unit, used), value) in rows.enumerate().zip(&boxes[1]) {
                    let floor = value.lower[0];
                    let mut before = None;
                    // A distance equal to the floor decides, too.
                    for (input, weight) in layer.weights_above(unit, floor - 1) {
                        let (lower, upper) = ends[input];
                        let again = before.replace(input) == Some(input);
                        if !again && reach(lower, upper, weight) >= floor {
                            used[input] += 1;
                        }
                    }
                }
            }
        }
        Ok(Used(used))
    }
}

/// Keeps the weights of a layer that have enough support, or that nothing harmless could replace.
///
/// A harmless weight stays below the unit's floor. The middle of the input's range stays lowest; where
/// even that does not stay below, the weight is kept. A weight that makes the floor is kept, too:
/// weights dropped before could rise above a lower floor.
fn keep(sparse: &CsrLayer, used: &[u32], min_support: u32, domain: &[(i64, i64)]) -> CsrLayer {
    let mut kept = CsrLayer::empty(sparse.inputs());
    let floors = sparse.value_bounds(domain);
    let used = used.chunks_exact(sparse.inputs());
    for ((row, used), (floor, _)) in sparse.rows().zip(used).zip(floors) {
        kept.push_row(row.filter(|&(input, weight)| {
            let (lower, upper) = domain[input];
            let (lowest, _) = distance_bounds(lower, upper, weight.into());
            let (_, harmless) = distance_bounds(lower, upper, (lower + upper) / 2);
            used[input] >= min_support || harmless > floor || lowest == floor
        }));
    }
    kept
}
