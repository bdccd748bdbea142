//! The Lipschitz certificate: the margin alone proves a radius.

/// The largest radius that a margin proves of a net with so many members, margin and radius in units:
/// ⌊(margin − 1)/(2·members)⌋, none for margin 0.
///
/// Both logits move by at most a unit in each member for each unit of the radius. Strictly inside, so
/// that not even a tie occurs.
///
/// # Panics
/// If there is no member.
pub fn lipschitz_radius(margin: u32, members: usize) -> Option<u32> {
    assert_ne!(members, 0, "a net has a member");
    let radius = u64::from(margin.checked_sub(1)?) / (2 * members as u64);
    Some(radius as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margin_proves_strictly_less_than_its_half() {
        let radii = |members| [0, 1, 2, 3, 4, 5].map(|margin| lipschitz_radius(margin, members));
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
