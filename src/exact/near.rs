//! Pruning for where images are, instead of for every input that there could be.

use std::num::NonZeroUsize;
use std::thread;

use super::neuron::distance_bounds;
use super::{ExactNet, InputError, MAX_LEVEL, SparseLayer};

/// A net's weights in the order in which they are looked at, input side first.
struct Watched {
    layers: Vec<WatchedLayer>,
}

struct WatchedLayer {
    /// Where each unit's weights start, and where the last one's end, `[outputs + 1]`.
    starts: Vec<usize>,
    /// Longest reach first within a unit.
    weights: Vec<WatchedWeight>,
}

struct WatchedWeight {
    /// Largest `|x − w|` in the whole domain.
    reach: i32,
    input: u16,
    weight: i32,
    /// Its place in the model file.
    place: usize,
}

/// For each weight of each layer, in the order of the model file, whether it can decide its unit.
type Used = Vec<Vec<bool>>;

impl ExactNet {
    /// A net of fewer weights: those that can decide their unit somewhere within `radius` units of
    /// one of `images`, `[n, inputs]`; work is shared out among up to `threads` threads.
    ///
    /// In these boxes logits, deciding paths and interval bounds stay what they are, for the reason
    /// that [`DenseNet::prune`](super::DenseNet::prune) gives of the whole domain. Elsewhere it is
    /// another ℓ∞-dist net, whose own certificates are as sound as any's. So that
    /// [`DenseNet::of`](super::DenseNet::of) finds a dense form of it wherever it finds one of `self`,
    /// a weight also stays where no harmless one could take its place.
    ///
    /// Fails when `images` is not one or more images of the net's size.
    pub fn prune_near(
        &self,
        images: &[u8],
        radius: u32,
        threads: NonZeroUsize,
    ) -> Result<Self, InputError> {
        let expected = self.inputs();
        if images.is_empty() || !images.len().is_multiple_of(expected) {
            let found = images.len();
            return Err(InputError::Pixels { found, expected });
        }
        let used = self.used_near(images, radius, threads)?;
        let top = i64::from(MAX_LEVEL) * i64::from(self.scale());
        let mut domain = vec![(0, top); expected];
        let mut layers = Vec::new();
        for (sparse, used) in self.to_sparse().iter().zip(used) {
            let kept = keep(sparse, &used, &domain);
            domain = values(&kept, &domain);
            layers.push(kept);
        }
        let net = Self::new(self.scale(), &layers, self.bias().to_vec());
        Ok(net.expect("with fewer weights no value is larger than it could be before"))
    }

    /// Which weights can decide within `radius` units of one of the images.
    fn used_near(
        &self,
        images: &[u8],
        radius: u32,
        threads: NonZeroUsize,
    ) -> Result<Used, InputError> {
        let watched = &Watched::new(self);
        let share = (images.len() / self.inputs()).div_ceil(threads.get());
        thread::scope(|scope| {
            let workers: Vec<_> = images
                .chunks(share * self.inputs())
                .map(|images| scope.spawn(move || watched.used(self, images, radius)))
                .collect();
            let mut all = watched.none();
            for worker in workers {
                let used = worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                let both = all.iter_mut().flatten().zip(used.iter().flatten());
                both.for_each(|(all, used)| *all |= used);
            }
            Ok(all)
        })
    }
}

impl Watched {
    fn new(net: &ExactNet) -> Self {
        let top = i64::from(MAX_LEVEL) * i64::from(net.scale());
        let mut domain = vec![(0, top); net.inputs()];
        let mut layers = Vec::new();
        for sparse in net.to_sparse() {
            let mut weights: Vec<WatchedWeight> = Vec::with_capacity(sparse.weights.len());
            for row in sparse.rows() {
                let start = weights.len();
                for (input, weight) in row {
                    let (lower, upper) = domain[usize::from(input)];
                    weights.push(WatchedWeight {
                        // It fits, as was proved when the net was made.
                        reach: distance_bounds(lower, upper, weight.into()).1 as i32,
                        input,
                        weight,
                        place: weights.len(),
                    });
                }
                weights[start..].sort_by_key(|weight| std::cmp::Reverse(weight.reach));
            }
            domain = values(&sparse, &domain);
            layers.push(WatchedLayer {
                starts: sparse.starts,
                weights,
            });
        }
        Self { layers }
    }

    fn none(&self) -> Used {
        let layers = self.layers.iter();
        layers.map(|l| vec![false; l.weights.len()]).collect()
    }

    /// Which weights of `net` can decide within `radius` units of one of the images.
    fn used(&self, net: &ExactNet, images: &[u8], radius: u32) -> Result<Used, InputError> {
        let mut evaluator = net.evaluator();
        let mut used = self.none();
        for image in images.chunks(net.inputs()) {
            evaluator.logit_bounds(image, radius)?;
            let boxes = evaluator.boxes().windows(2);
            for ((layer, used), boxes) in self.layers.iter().zip(&mut used).zip(boxes) {
                // All four boxes are the same one; its ends alone stay in the first cache level.
                let ends: Vec<_> = boxes[0].iter().map(|x| (x.lower[0], x.upper[0])).collect();
                for (row, unit) in layer.starts.windows(2).zip(&boxes[1]) {
                    let floor = unit.lower[0];
                    for weight in &layer.weights[row[0]..row[1]] {
                        if weight.reach < floor {
                            break;
                        }
                        let (lower, upper) = ends[usize::from(weight.input)];
                        if (upper - weight.weight).max(weight.weight - lower) >= floor {
                            used[weight.place] = true;
                        }
                    }
                }
            }
        }
        Ok(used)
    }
}

/// The weights of a layer that are used, or that nothing harmless could replace.
///
/// A dropped weight may stand for any that stays below the unit's floor. Of all there could be the
/// middle of what the input can be stays lowest; where even that does not, the weight is kept. So is
/// the one that makes the floor, lest what was dropped before could rise above a lower one.
fn keep(sparse: &SparseLayer, used: &[bool], domain: &[(i64, i64)]) -> SparseLayer {
    let mut kept = SparseLayer::empty(sparse.inputs);
    let mut used = used.iter().copied();
    for row in sparse.rows() {
        let row: Vec<_> = row.collect();
        let least = |&(input, weight): &(u16, i32)| {
            let (lower, upper) = domain[usize::from(input)];
            distance_bounds(lower, upper, weight.into()).0
        };
        let floor_maker = row.iter().max_by_key(|weight| least(weight));
        let &floor_maker = floor_maker.expect("a row lists at least one weight");
        let floor = least(&floor_maker);
        let stays = row.iter().zip(&mut used).filter(|&(weight, used)| {
            let (lower, upper) = domain[usize::from(weight.0)];
            let replaceable = distance_bounds(lower, upper, (lower + upper) / 2).1 <= floor;
            used || !replaceable || *weight == floor_maker
        });
        kept.push_row(stays.map(|(&(input, weight), _)| (input.into(), weight)));
    }
    kept
}

/// What a layer's units can be where its inputs are in `domain`.
fn values(layer: &SparseLayer, domain: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let units = layer.rows().map(|row| {
        row.fold((0, 0), |(least, most), (input, weight)| {
            let (lower, upper) = domain[usize::from(input)];
            let (lo, hi) = distance_bounds(lower, upper, weight.into());
            (least.max(lo), most.max(hi))
        })
    });
    units.collect()
}
