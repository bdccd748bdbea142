//! The Lipschitz certificate: the margin alone proves a radius.

use crate::exact::Ticks;

/// Gives the largest radius that a margin proves for a net with so many members:
/// ⌊(margin − 1)/(2·members)⌋ ticks, none for margin 0.
///
/// In each member both logits move by at most a tick for each tick of the radius. The radius lies
/// strictly inside, so that no tie occurs either.
///
/// # Panics
/// If there is no member.
pub fn lipschitz_radius(margin: Ticks, members: usize) -> Option<Ticks> {
    assert_ne!(members, 0, "a net has a member");
    let radius = u64::from(margin.get().checked_sub(1)?) / (2 * members as u64);
    Some(Ticks::new(radius as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margin_proves_strictly_less_than_its_half() {
        let radius = |margin, members| lipschitz_radius(Ticks::new(margin), members);
        let radii =
            |members| [0, 1, 2, 3, 4, 5].map(|margin| radius(margin, members).map(Ticks::get));
        assert_eq!(
            radii(1),
            [None, Some(0), Some(0), Some(1), Some(1), Some(2)]
        );
        assert_eq!(
            radii(2),
            [None, Some(0), Some(0), Some(0), Some(0), Some(1)]
        );
    }
}
