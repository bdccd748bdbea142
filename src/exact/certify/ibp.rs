//! Interval bound propagation (IBP): propagates a box of inputs through the layers.

use crate::exact::Ticks;
use crate::exact::eval::Evaluator;

/// Boxes that are propagated at a time, around one input with different radii.
///
/// One costs as much as four, which share every load and fill a vector register; the search for
/// the largest proved radius asks four questions at once.
pub(in crate::exact) const BOXES: usize = 4;

/// The interval of one value in each of the boxes, in ticks.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::exact) struct Intervals {
    pub(in crate::exact) lower: [i32; BOXES],
    pub(in crate::exact) upper: [i32; BOXES],
}

/// Least and largest `|x − weight|` over `lower ≤ x ≤ upper`, for real `x` too.
///
/// A weight inside the interval gives 0, because both differences are then ≤ 0. In `i64`, since
/// the overflow proof itself rests on it.
pub(in crate::exact) fn distance_bounds(lower: i64, upper: i64, weight: i64) -> (i64, i64) {
    (
        0.max(lower - weight).max(weight - upper),
        (upper - weight).max(weight - lower),
    )
}

/// The second of [`distance_bounds`], in the `i32` of a net whose making has proved that it fits.
pub(in crate::exact) fn reach(lower: i32, upper: i32, weight: i32) -> i32 {
    (upper - weight).max(weight - lower)
}

impl Evaluator<'_> {
    /// Finds the largest radius at which the bounds still prove `label` for the loaded input.
    /// `proved` is a radius known to be proved.
    ///
    /// A larger box has wider bounds, so all radii up to the result are proved and none above it. The
    /// result is usually close above what the margin proves. So the search strides up, ever faster,
    /// until a radius is not proved, and then divides what is left.
    pub(super) fn ibp_radius(&mut self, label: usize, proved: Ticks) -> Ticks {
        let (mut proved, full_scale) = (proved.get(), self.full_scale().get());
        let mut refuted = full_scale + 1;
        let mut stride = 1;
        while proved + 1 < refuted {
            let (from, gap) = (proved, refuted - proved);
            let radii: [u32; BOXES] = std::array::from_fn(|i| {
                if refuted > full_scale {
                    (from + (stride << (2 * i))).min(full_scale)
                } else {
                    (from + gap * (i as u32 + 1) / (BOXES as u32 + 1)).max(from + 1)
                }
            });
            let bounds = self.run_boxes(radii.map(Ticks::new));
            for (index, radius) in radii.into_iter().enumerate() {
                if !is_certified(bounds, label, index) {
                    refuted = radius;
                    break;
                }
                proved = radius;
            }
            stride <<= 2 * BOXES;
        }
        Ticks::new(proved)
    }
}

/// Whether in box `index` the label's lower bound is strictly above every other upper bound.
pub(in crate::exact) fn is_certified(bounds: &[Intervals], label: usize, index: usize) -> bool {
    let lower = bounds[label].lower[index];
    let mut others = bounds
        .iter()
        .enumerate()
        .filter(|&(class, _)| class != label);
    others.all(|(_, logit)| lower > logit.upper[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_extremes_over_every_point_of_the_interval() {
        for lower in -4..=4 {
            for upper in lower..=4 {
                for weight in -6..=6 {
                    let distances = (lower..=upper).map(|x: i64| (x - weight).abs());
                    let least = distances.clone().min().unwrap();
                    let most = distances.max().unwrap();
                    assert_eq!(distance_bounds(lower, upper, weight), (least, most));
                    let ends = [lower, upper, weight].map(|end| end as i32);
                    assert_eq!(i64::from(reach(ends[0], ends[1], ends[2])), most);
                }
            }
        }
    }

    #[test]
    fn a_touch_of_bounds_is_not_certified() {
        let logit = |lower: i32, upper: [i32; BOXES]| Intervals {
            lower: [lower; BOXES],
            upper,
        };
        let bounds = [logit(5, [9; BOXES]), logit(0, [4, 5, 6, 4])];
        let certified = [0, 1, 2, 3].map(|index| is_certified(&bounds, 0, index));
        assert_eq!(certified, [true, false, false, true]);
    }
}
