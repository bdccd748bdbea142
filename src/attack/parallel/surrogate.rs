//! The integer surrogate gradient.
//!
//! The gradient of a maximum is its largest coordinate alone. The surrogate hands a unit's slope on to all
//! of its inputs, in the proportion of `(|d_i| / ‖d‖∞)^q`, d being the differences x − w; so does the
//! gradient of ‖·‖_p with q = p − 1. Slopes, shares and powers are whole numbers of fixed point, rounded
//! down. Their sums have no order, so every processor that adds them up gets the same bits, in whatever
//! order it does. `backward.wgsl` is the twin.

use crate::exact::{RestrictedLayer, RestrictedNet, decisive};

/// 1 in the fixed point of shares.
const SHARE_ONE: u32 = 1 << 15;

/// The slope with which a gradient begins. With one for the label and one for another class in each
/// member, all slopes together stay below 2³⁰, and no layer makes them more.
pub(crate) fn one(members: usize) -> i32 {
    (1 << 24).min((1 << 29) / members as i32)
}

/// The smallest share whose power is not 0.
pub(super) fn least_share(squarings: u32) -> u32 {
    let mut shares = 0..=SHARE_ONE;
    let least = shares.find(|&share| power(share, squarings) > 0);
    least.expect("1 has the power 1")
}

/// `share^(2^squarings)`.
fn power(share: u32, squarings: u32) -> u32 {
    (0..squarings).fold(share, |share, _| (share * share) >> 15)
}

/// The power of the share of a `distance` in a `value` above 0, which it does not exceed.
fn raised(distance: u32, value: u32, squarings: u32) -> u32 {
    // So many digits that both fit.
    let shift = 15 - value.leading_zeros().min(15);
    power(((distance >> shift) << 15) / (value >> shift), squarings)
}

/// `slope · share`, the share being one of fixed point; rounded towards 0.
fn part(slope: i32, share: u32) -> i32 {
    let product = u64::from(slope.unsigned_abs()) * u64::from(share);
    (product >> 15) as i32 * slope.signum()
}

/// The gradient, `[inputs]`, of `z_label − z_rival` where the layers have these `values`, input first.
/// With no squarings it is the exact one, along the arg-max paths.
pub(super) fn gradient(
    net: &RestrictedNet,
    values: &[Vec<i32>],
    label: usize,
    rival: usize,
    squarings: u32,
) -> Vec<i32> {
    let classes = net.classes();
    let outputs = values.last().map_or(0, Vec::len);
    let one = one(outputs / classes);
    let mut slopes = vec![0; outputs];
    for member in slopes.chunks_exact_mut(classes) {
        // What a member adds to a logit is minus its unit's value.
        (member[label], member[rival]) = (-one, one);
    }
    for (index, layer) in net.layers().iter().enumerate().rev() {
        let mut before = vec![0; layer.inputs()];
        for (unit, &slope) in slopes.iter().enumerate() {
            let value = values[index + 1][unit];
            if slope != 0 && value != 0 {
                pass(
                    layer,
                    unit,
                    &values[index],
                    value,
                    slope,
                    squarings,
                    &mut before,
                );
            }
        }
        slopes = before;
    }
    slopes
}

/// Passes a unit's slope on to its inputs.
fn pass(
    layer: &RestrictedLayer,
    unit: usize,
    x: &[i32],
    value: i32,
    slope: i32,
    squarings: u32,
    before: &mut [i32],
) {
    let differences = layer.row(unit).iter().map(|weight| {
        let input = usize::from(weight.input);
        (input, x[input] - weight.weight)
    });
    if squarings == 0 {
        let distances = differences.map(|(input, gap)| (input, gap.abs(), gap));
        if let Some((input, gap)) = decisive(distances, value) {
            before[input] += slope * gap.signum();
        }
        return;
    }
    let value = value.unsigned_abs();
    // The longest reach comes first, and a power grows with its share.
    let counts = |reach: i32| raised(reach.unsigned_abs().min(value), value, squarings) > 0;
    let counting = layer
        .row(unit)
        .partition_point(|weight| counts(weight.reach));
    let powers: Vec<_> = differences
        .take(counting)
        .map(|(input, gap)| (input, gap, raised(gap.unsigned_abs(), value, squarings)))
        .filter(|&(.., power)| power > 0)
        .collect();
    let sum: u32 = powers.iter().map(|(.., power)| power).sum();
    for (input, gap, power) in powers {
        before[input] += part(slope, (power << 15) / sum) * gap.signum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_share_has_no_smaller_power() {
        for squarings in [4, 6, 8, 10] {
            let powers: Vec<_> = (0..=SHARE_ONE)
                .map(|share| power(share, squarings))
                .collect();
            assert!(powers.is_sorted());
            assert_eq!(powers[SHARE_ONE as usize], SHARE_ONE);
            let least = least_share(squarings) as usize;
            assert_eq!((powers[least - 1], powers[least] > 0), (0, true));
        }
    }

    #[test]
    fn shares_are_the_quotients_rounded_down() {
        assert_eq!(raised(1, 2, 0), SHARE_ONE / 2);
        assert_eq!(raised(3 << 25, 1 << 27, 0), SHARE_ONE / 4 * 3);
        assert_eq!(raised(1 << 30, 1 << 30, 10), SHARE_ONE);
        assert_eq!(raised(0, 1, 4), 0);
    }

    #[test]
    fn a_part_is_no_larger_than_the_whole() {
        assert_eq!(part(-7, SHARE_ONE), -7);
        assert_eq!(part(i32::MAX, SHARE_ONE / 2), i32::MAX / 2);
        assert_eq!(part(-3, SHARE_ONE / 2), -1);
    }
}
