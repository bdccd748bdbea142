//! What one coordinate `|x − w|` of a neuron can be while `x` moves through an interval.

/// Smallest and largest `|x − weight|` over `lower ≤ x ≤ upper`, for real `x` too.
///
/// A weight inside the interval gives 0, because both differences are then ≤ 0. In `i64`, since
/// the overflow proof itself rests on it.
pub(super) fn distance_bounds(lower: i64, upper: i64, weight: i64) -> (i64, i64) {
    (
        0.max(lower - weight).max(weight - upper),
        (upper - weight).max(weight - lower),
    )
}

/// The second of [`distance_bounds`], in the `i32` of a net whose making has proved that it fits.
pub(super) fn reach(lower: i32, upper: i32, weight: i32) -> i32 {
    (upper - weight).max(weight - lower)
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
}
