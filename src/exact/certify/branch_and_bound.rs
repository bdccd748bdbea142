//! Branch and bound: pairwise-margin bounds, and splitting the box where they fail.
//!
//! IBP bounds every logit alone, as if the label's logit could be lowest and a runner-up's highest for
//! different images. A pairwise-margin bound limits the difference of the two logits over one and the
//! same image, as far as the last layer goes: every unit of the layer before it has one value for both
//! logits. The label can only fall behind a runner-up `j` if one input `k` of the last layer makes it,
//! so for each `k` and every value `t` in its interval
//!
//! ```text
//! |t − w_yk| + b_y  <  max(F_j, |t − w_jk|) + b_j
//! ```
//!
//! must hold, where `F_j` is the runner-up's lower bound over the box. Both sides are piecewise linear
//! in `t`, so a few points decide for all real `t` between them. The bound is never looser than IBP,
//! which asks for the same with the left side at its largest and `F_j` alone on the right. With several
//! members, each member has its own largest excess of `|t − w_yk|` over the maximum; the sum of these
//! must stay below the runner-up's biases less the label's.
//!
//! Where a bound fails, the box is split in two at a critical pixel of that bound, and both halves
//! are proved on their own, until the budget of splits is used up. All of it is computed in the integers of
//! the network.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::argmax_path::walk;
use super::ibp::{BOXES, Intervals, is_certified, reach};
use super::label_and_margin;
use crate::exact::net::Layer;
use crate::exact::{Evaluator, InputError, Ticks};

/// The kind of proof that a label needed within a radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Interval bound propagation: every logit bounded alone.
    Ibp,
    /// Pairwise-margin bounds over the whole box.
    PairwiseMargin,
    /// Pairwise-margin bounds over the sub-boxes after so many splits.
    Splits {
        /// How many times a sub-box was split in two.
        splits: usize,
    },
}

/// A split of a sub-box in two: up to `at` ticks of one pixel, and from there on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(usize, Ticks)", into = "(usize, Ticks)")]
pub struct Split {
    /// Index of the pixel.
    pub pixel: usize,
    /// Where it is split, strictly between the ends of the sub-box.
    pub at: Ticks,
}

impl From<(usize, Ticks)> for Split {
    fn from((pixel, at): (usize, Ticks)) -> Self {
        Self { pixel, at }
    }
}

impl From<Split> for (usize, Ticks) {
    fn from(Split { pixel, at }: Split) -> Self {
        (pixel, at)
    }
}

/// How a box is split, so that a proof can be checked without a search: the box, and after each split
/// first all of the sub-box below it, then all of the sub-box above it. None stands for a sub-box that is
/// proved as it is. A list of one none is the whole box.
pub type SplitTree = Vec<Option<Split>>;

/// Why a [`SplitTree`] proves nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SplitsError {
    /// A split of a pixel that there is not, or that is not strictly inside its sub-box.
    #[error("entry {entry} splits no pixel strictly inside its sub-box")]
    Split {
        /// Index of the entry.
        entry: usize,
    },
    /// There are fewer or more entries than the tree needs.
    #[error("entry {entry} is missing, or stands after the last sub-box")]
    Length {
        /// Index of the entry.
        entry: usize,
    },
    /// Pairwise-margin bounds do not prove a sub-box.
    #[error("the sub-box of entry {entry} is not proved by pairwise-margin bounds")]
    Unproved {
        /// Index of the entry.
        entry: usize,
    },
}

/// A box, or a sub-box, of inputs in ticks, `[inputs]` each.
#[derive(Clone, Debug)]
struct SubBox {
    lower: Vec<i32>,
    upper: Vec<i32>,
}

/// One end of the interval of a unit, or of a pixel.
#[derive(Clone, Copy, Debug)]
struct End {
    unit: usize,
    upper: bool,
}

/// Why a pairwise-margin bound fails, in one member: the ends that would have to come closer.
#[derive(Clone, Copy, Debug)]
struct Failure {
    /// Of an input of the last layer, which drives the label down.
    input: End,
    /// The runner-up's unit in the last layer, in the same member.
    runner_up: usize,
}

/// How far the label's unit of a member can be above the runner-up's, and where.
#[derive(Clone, Copy, Debug)]
struct Excess {
    most: i64,
    at: Failure,
}

/// How a box has been split so far.
struct GrowingTree {
    /// The split of each node; none where it is a leaf.
    splits: SplitTree,
    /// For each node that is split, the node below the split. The one above follows it.
    below: Vec<usize>,
}

impl GrowingTree {
    /// Splits a node; gives the two that this makes.
    fn split(&mut self, node: usize, split: Split) -> [usize; 2] {
        let below = self.splits.len();
        self.splits[node] = Some(split);
        self.below[node] = below;
        self.splits.extend([None, None]);
        self.below.extend([0, 0]);
        [below, below + 1]
    }

    /// The splits in the order of a [`SplitTree`].
    fn in_order(&self) -> SplitTree {
        let mut open = vec![0];
        let mut tree = Vec::with_capacity(self.splits.len());
        while let Some(node) = open.pop() {
            tree.push(self.splits[node]);
            if self.splits[node].is_some() {
                let below = self.below[node];
                open.extend([below + 1, below]);
            }
        }
        tree
    }
}

/// A split around the sub-box that is looked at.
struct OpenSplit {
    pixel: usize,
    at: i32,
    /// The end of the pixel that the split took the place of.
    end: i32,
    /// Whether the sub-box above the split is looked at.
    is_above: bool,
}

impl OpenSplit {
    /// Splits a sub-box, of which what lies below is left; none if the split is not strictly inside.
    fn make(sub_box: &mut SubBox, pixel: usize, at: Ticks) -> Option<Self> {
        let at = i32::try_from(at.get()).ok()?;
        let end = *sub_box.upper.get(pixel)?;
        (sub_box.lower[pixel] < at && at < end).then(|| {
            sub_box.upper[pixel] = at;
            Self {
                pixel,
                at,
                end,
                is_above: false,
            }
        })
    }
}

/// Goes from a sub-box to the next one; says whether there is one.
fn next_sub_box(sub_box: &mut SubBox, around: &mut Vec<OpenSplit>) -> bool {
    while let Some(split) = around.last_mut() {
        if !split.is_above {
            split.is_above = true;
            sub_box.upper[split.pixel] = split.end;
            split.end = std::mem::replace(&mut sub_box.lower[split.pixel], split.at);
            return true;
        }
        sub_box.lower[split.pixel] = split.end;
        around.pop();
    }
    false
}

impl Evaluator<'_> {
    /// Proves that no change of an 8-bit image of up to `radius` per pixel changes its label, with at
    /// most `splits` splits of the box. Gives the cheapest kind of proof that suffices; none if that is
    /// not enough, or if there is no label.
    pub fn proof(
        &mut self,
        image: &[u8],
        radius: Ticks,
        splits: usize,
    ) -> Result<Option<Proof>, InputError> {
        self.load_image(image)?;
        let (Some(label), _) = label_and_margin(self.run()) else {
            return Ok(None);
        };
        self.enter_boxes([radius; BOXES]);
        let whole = self.entered();
        if is_certified(self.propagate(), label, 0) {
            return Ok(Some(Proof::Ibp));
        }
        let Some(failures) = self.failures(label, 0) else {
            return Ok(Some(Proof::PairwiseMargin));
        };
        let tree = self.split_until_proved(whole, label, failures, splits);
        Ok(tree.map(|tree| Proof::Splits {
            splits: tree.splits.iter().flatten().count(),
        }))
    }

    /// Finds how to split the box of `radius` around an 8-bit image, at most `splits` times, so that
    /// pairwise-margin bounds prove its label in every sub-box; none if that is not enough, or if there is
    /// no label.
    pub fn split_tree(
        &mut self,
        image: &[u8],
        radius: Ticks,
        splits: usize,
    ) -> Result<Option<SplitTree>, InputError> {
        self.load_image(image)?;
        let (Some(label), _) = label_and_margin(self.run()) else {
            return Ok(None);
        };
        self.enter_boxes([radius; BOXES]);
        let whole = self.entered();
        self.propagate();
        let Some(failures) = self.failures(label, 0) else {
            return Ok(Some(vec![None]));
        };
        let tree = self.split_until_proved(whole, label, failures, splits);
        Ok(tree.map(|tree| tree.in_order()))
    }

    /// Checks that pairwise-margin bounds prove the label of an 8-bit image in every sub-box of the box of
    /// `radius`, split as `tree` says. The sub-boxes cover the box, since each split leaves both sides. An
    /// image without a label fails at the first sub-box.
    ///
    /// Takes memory for one sub-box and for the splits around it, however long the list is.
    pub fn check_split_tree(
        &mut self,
        image: &[u8],
        radius: Ticks,
        tree: &[Option<Split>],
    ) -> Result<Result<(), SplitsError>, InputError> {
        self.load_image(image)?;
        let (Some(label), _) = label_and_margin(self.run()) else {
            return Ok(Err(SplitsError::Unproved { entry: 0 }));
        };
        self.enter_boxes([radius; BOXES]);
        let whole = self.entered();
        Ok(self.check_sub_boxes(whole, label, tree))
    }

    /// The same of a box and a label.
    fn check_sub_boxes(
        &mut self,
        mut sub_box: SubBox,
        label: usize,
        tree: &[Option<Split>],
    ) -> Result<(), SplitsError> {
        // The splits around the sub-box, whose side above is still to come or is at hand.
        let mut around: Vec<OpenSplit> = Vec::new();
        let mut waiting: Vec<(usize, SubBox)> = Vec::with_capacity(BOXES);
        let mut is_done = false;
        for (entry, split) in tree.iter().enumerate() {
            if is_done {
                return Err(SplitsError::Length { entry });
            }
            if let Some(Split { pixel, at }) = *split {
                let split = OpenSplit::make(&mut sub_box, pixel, at);
                around.push(split.ok_or(SplitsError::Split { entry })?);
                continue;
            }
            waiting.push((entry, sub_box.clone()));
            is_done = !next_sub_box(&mut sub_box, &mut around);
            if waiting.len() == BOXES || is_done {
                self.check_proved(&mut waiting, label)?;
            }
        }
        let entry = tree.len();
        is_done.then_some(()).ok_or(SplitsError::Length { entry })
    }

    /// Checks that pairwise-margin bounds prove the label in up to [`BOXES`] sub-boxes.
    fn check_proved(
        &mut self,
        waiting: &mut Vec<(usize, SubBox)>,
        label: usize,
    ) -> Result<(), SplitsError> {
        let (entries, sub_boxes): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        self.load_sub_boxes(&sub_boxes);
        self.propagate();
        let mut entries = entries.into_iter().enumerate();
        let failed = entries.find(|&(lane, _)| self.failures(label, lane).is_some());
        failed.map_or(Ok(()), |(_, entry)| Err(SplitsError::Unproved { entry }))
    }

    /// Splits the box until every sub-box is proved, at most `budget` times.
    fn split_until_proved(
        &mut self,
        whole: SubBox,
        label: usize,
        failures: Vec<Failure>,
        budget: usize,
    ) -> Option<GrowingTree> {
        let mut tree = GrowingTree {
            splits: vec![None],
            below: vec![0],
        };
        let mut open = Vec::new();
        let mut splits = 0;
        // The sub-boxes that were propagated last, with what fails in each.
        let mut failed = vec![(0, (0, whole), failures)];
        loop {
            for (lane, (node, sub_box), failures) in failed.drain(..) {
                if splits == budget {
                    return None;
                }
                splits += 1;
                let (split, halves) = self.halve(lane, sub_box, &failures)?;
                open.extend(tree.split(node, split).into_iter().zip(halves));
            }
            if open.is_empty() {
                return Some(tree);
            }
            let sub_boxes = open.split_off(open.len().saturating_sub(BOXES));
            let (nodes, sub_boxes): (Vec<_>, Vec<_>) = sub_boxes.into_iter().unzip();
            self.load_sub_boxes(&sub_boxes);
            self.propagate();
            for (lane, sub_box) in nodes.into_iter().zip(sub_boxes).enumerate() {
                if let Some(failures) = self.failures(label, lane) {
                    failed.push((lane, sub_box, failures));
                }
            }
        }
    }

    /// The first of the boxes of the input.
    fn entered(&self) -> SubBox {
        let pixels = self.boxes()[0].iter();
        let (lower, upper) = pixels.map(|ends| (ends.lower[0], ends.upper[0])).unzip();
        SubBox { lower, upper }
    }

    /// Makes up to [`BOXES`] sub-boxes those that are propagated next; the last one fills the rest.
    fn load_sub_boxes(&mut self, sub_boxes: &[SubBox]) {
        for (pixel, ends) in self.input_boxes().iter_mut().enumerate() {
            let sub_box = |lane: usize| &sub_boxes[lane.min(sub_boxes.len() - 1)];
            ends.lower = std::array::from_fn(|lane| sub_box(lane).lower[pixel]);
            ends.upper = std::array::from_fn(|lane| sub_box(lane).upper[pixel]);
        }
    }

    /// Where the pairwise-margin bounds in box `lane` fail to prove the label; none where they do not.
    fn failures(&self, label: usize, lane: usize) -> Option<Vec<Failure>> {
        let net = self.net();
        let (classes, members) = (net.classes(), net.members());
        let bias = |class: usize| -> i64 {
            let units = net.bias()[class..].iter().step_by(classes);
            units.copied().map(i64::from).sum()
        };
        let mut runners_up = (0..classes).filter(|&class| class != label);
        runners_up.find_map(|runner_up| {
            let lead = bias(runner_up) - bias(label);
            // With one member, anything less is no failure and need not be found.
            let least = if members == 1 { lead } else { i64::MIN };
            let (mut most, mut failures) = (0, Vec::new());
            for first in (0..members).map(|member| member * classes) {
                let excess = self.excess(first + label, first + runner_up, lane, least)?;
                most += excess.most;
                failures.push(excess.at);
            }
            (most >= lead).then_some(failures)
        })
    }

    /// The most by which the last layer's unit `own` can be above the unit `runner_up` in box `lane`,
    /// biases left out; none if that is less than `least`.
    fn excess(&self, own: usize, runner_up: usize, lane: usize, least: i64) -> Option<Excess> {
        let (net, boxes) = (self.net(), self.boxes());
        let depth = net.layers().len();
        let (last, inputs) = (&net.layers()[depth - 1], &boxes[depth - 1]);
        let floor = boxes[depth][runner_up].lower[lane];
        // A weight that stays lower in the whole domain does so in the box.
        let above = least.saturating_add(i64::from(floor) - 1);
        let above = above.clamp(-1, i64::from(i32::MAX)) as i32;
        let mut found: Option<Excess> = None;
        for (unit, weight) in last.weights_above(own, above) {
            let (lower, upper) = (inputs[unit].lower[lane], inputs[unit].upper[lane]);
            let reach = i64::from(reach(lower, upper, weight));
            let more = found.map_or(least, |found| found.most + 1);
            if reach - i64::from(floor) < more {
                continue;
            }
            let theirs = last.weight(runner_up, unit);
            let (most, at) = worst(lower, upper, weight, theirs, floor.into());
            if most >= more {
                let upper = at - lower > upper - at;
                let input = End { unit, upper };
                let at = Failure { input, runner_up };
                found = Some(Excess { most, at });
            }
        }
        found
    }

    /// Splits a sub-box in two halves at a critical pixel of one of the failing bounds in box `lane`; gives
    /// none if those pixels have no extent left.
    fn halve(
        &self,
        lane: usize,
        sub_box: SubBox,
        failures: &[Failure],
    ) -> Option<(Split, [SubBox; 2])> {
        let depth = self.net().layers().len();
        let pixels = failures.iter().flat_map(|failure| {
            let runner_up = End {
                unit: failure.runner_up,
                upper: false,
            };
            [
                self.critical_pixel(lane, depth - 1, failure.input),
                self.critical_pixel(lane, depth, runner_up),
            ]
        });
        let pixels: Vec<_> = pixels.flatten().collect();
        let extent = |pixel: &usize| sub_box.upper[*pixel] - sub_box.lower[*pixel];
        // Of equal extents the first, which is the label's.
        let pixel = pixels.into_iter().rev().max_by_key(extent)?;
        if extent(&pixel) < 2 {
            return None;
        }
        let middle = sub_box.lower[pixel] + extent(&pixel) / 2;
        let at = Ticks::new(middle.unsigned_abs());
        let (mut below, mut above) = (sub_box.clone(), sub_box);
        below.upper[pixel] = middle;
        above.lower[pixel] = middle;
        Some((Split { pixel, at }, [below, above]))
    }

    /// Finds the pixel at the end of the path that decides an end of an interval, of a value of layer
    /// `layer` (0 for the pixels) in box `lane`. There is none where a lower end is 0 for all inputs.
    fn critical_pixel(&self, lane: usize, layer: usize, end: End) -> Option<usize> {
        let (layers, boxes) = (self.net().layers(), self.boxes());
        let pixel = walk(layer, end, |below, end| {
            decisive_end(&layers[below], &boxes[below], lane, end)
        });
        pixel.map(|end| end.unit)
    }
}

/// Finds the end of an input's interval that decides an end of a unit's.
fn decisive_end(layer: &Layer, inputs: &[Intervals], lane: usize, end: End) -> Option<End> {
    let candidates = layer.weights_above(end.unit, 0).flat_map(|(unit, weight)| {
        let (lower, upper) = (inputs[unit].lower[lane], inputs[unit].upper[lane]);
        // Distances on the far side of the weight for the upper end, on the near one for the lower.
        let from = |upper, distance| (distance, End { unit, upper });
        if end.upper {
            [from(true, upper - weight), from(false, weight - lower)]
        } else {
            [from(false, lower - weight), from(true, weight - upper)]
        }
    });
    let (distance, decides) = candidates.max_by_key(|&(distance, _)| distance)?;
    (distance > 0).then_some(decides)
}

/// Finds the most that `|t − own|` can be above `max(floor, |t − theirs|)` for a real `t` of `lower..=upper`,
/// and a whole `t` where it is.
///
/// Where the maximum is `floor` the difference of the two sides is convex, so its ends decide; where
/// it is `|t − theirs|` it falls monotonously away from `theirs`, so the ends nearest to that do.
/// All of them are among the four points tried.
fn worst(lower: i32, upper: i32, own: i32, theirs: Option<i32>, floor: i64) -> (i64, i32) {
    let excess = |t: i32| {
        let t = i64::from(t);
        let runner_up = theirs.map_or(floor, |w| floor.max((t - i64::from(w)).abs()));
        (t - i64::from(own)).abs() - runner_up
    };
    let turns = theirs.map(|w| [i64::from(w) - floor, i64::from(w) + floor]);
    let ends = (i64::from(lower), i64::from(upper));
    let turns = turns.into_iter().flatten();
    let turns = turns.map(|t| t.clamp(ends.0, ends.1) as i32);
    [lower, upper]
        .into_iter()
        .chain(turns)
        .map(|t| (excess(t), t))
        .max()
        .expect("four points at most, two at least")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_value_of_an_input_is_found_among_few() {
        let values = [-7, -3, 0, 1, 4];
        for own in values {
            for theirs in [None, Some(-5), Some(0), Some(3)] {
                for floor in [0, 1, 2, 5] {
                    for (lower, upper) in [(-4, 4), (0, 0), (1, 6), (-6, -2)] {
                        let excess = |t: i32| {
                            let runner_up = theirs.map_or(0, |w: i32| (t - 2 * w).abs());
                            i64::from((t - 2 * own).abs()) - i64::from(runner_up).max(2 * floor)
                        };
                        // In halves, since what is proved holds between whole numbers too.
                        let most = (2 * lower..=2 * upper).map(excess).max().unwrap();
                        let (found, at) = worst(lower, upper, own, theirs, floor);
                        assert_eq!(2 * found, most, "{own} {theirs:?} {floor}");
                        assert_eq!(excess(2 * at), most, "{own} {theirs:?} {floor}");
                    }
                }
            }
        }
    }
}
