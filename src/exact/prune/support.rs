//! Pruning for where images are, instead of for every input that there could be.

use std::num::NonZeroUsize;
use std::ops::AddAssign;

use crate::exact::certify::ibp::{distance_bounds, reach};
use crate::exact::metrics::{add_up, whole_images};
use crate::exact::{CsrLayer, ExactNet, InputError, Ticks};

/// For each layer, near how many images each weight of its dense form can decide its unit,
/// `[outputs, inputs]`; no layers by default.
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
    /// A net of fewer weights: those that can decide their unit somewhere within `radius` ticks of
    /// an image, for at least `least` of `images`, `[n, inputs]`, of those hidden units that a logit
    /// still depends on; work is shared out among up to `threads` threads.
    ///
    /// Where `least` is 1, logits, deciding paths and interval bounds stay what they are in all these
    /// boxes, for the reason that [`DenseNet::prune`](super::DenseNet::prune) gives of the whole
    /// domain. Elsewhere it is another ℓ∞-dist net, whose own certificates are as sound as any's; with
    /// a larger `least` also near the images that made a dropped weight decide. So that
    /// [`DenseNet::filled`](super::DenseNet::filled) fills it wherever it fills `self`,
    /// a weight also stays where no harmless one could take its place.
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

    /// Near how many of the images, within `radius` ticks, each weight can decide.
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
                    // What equals the floor decides, too.
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

/// The weights of a layer that are used near `least` images, or that nothing harmless could replace.
///
/// A dropped weight may stand for any that stays below the unit's floor. Of all there could be the
/// middle of what the input can be stays lowest; where even that does not, the weight is kept. So is
/// what makes the floor, lest what was dropped before could rise above a lower one.
fn keep(sparse: &CsrLayer, used: &[u32], least: u32, domain: &[(i64, i64)]) -> CsrLayer {
    let mut kept = CsrLayer::empty(sparse.inputs());
    let floors = sparse.value_bounds(domain);
    let used = used.chunks_exact(sparse.inputs());
    for ((row, used), (floor, _)) in sparse.rows().zip(used).zip(floors) {
        kept.push_row(row.filter(|&(input, weight)| {
            let (lower, upper) = domain[input];
            let (lowest, _) = distance_bounds(lower, upper, weight.into());
            let (_, harmless) = distance_bounds(lower, upper, (lower + upper) / 2);
            used[input] >= least || harmless > floor || lowest == floor
        }));
    }
    kept
}
