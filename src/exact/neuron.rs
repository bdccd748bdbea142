//! What one coordinate `|x − w|` of a neuron can be while `x` moves through an interval.

/// Smallest and largest `|x − w|` over `lower ≤ x ≤ upper`, for real `x` too.
///
/// `w` inside the interval gives 0, because both differences are then ≤ 0.
#[inline(always)]
pub(super) fn distance_bounds(lower: i32, upper: i32, weight: i32) -> (i32, i32) {
    (
        0.max(lower - weight).max(weight - upper),
        (upper - weight).max(weight - lower),
    )
}

/// The same in `i64`, for weights that have not yet been proved to be small enough.
pub(super) fn distance_bounds_wide(lower: i64, upper: i64, weight: i64) -> (i64, i64) {
    (
        0.max(lower - weight).max(weight - upper),
        (upper - weight).max(weight - lower),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_extremes_over_every_point_of_the_interval() {
        for lower in -4..=4 {
            for upper in lower..=4 {
                for weight in -6..=6 {
                    let distances = (lower..=upper).map(|x: i32| (x - weight).abs());
                    let expected = (distances.clone().min().unwrap(), distances.max().unwrap());
                    assert_eq!(distance_bounds(lower, upper, weight), expected);
                    let (lo, hi) = distance_bounds_wide(lower.into(), upper.into(), weight.into());
                    assert_eq!((lo, hi), (expected.0.into(), expected.1.into()));
                }
            }
        }
    }
}
