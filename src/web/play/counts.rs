//! Counts the labels of all images in a square.

use super::LEVELS;

/// How many images of each label lie below and to the left of an image: a summed-area table for each
/// class.
pub(super) struct LabelCounts {
    /// Of each class, `[257, 257]`.
    sums: Vec<Vec<u32>>,
}

/// Rows and columns of a table: before each level, and after the last.
const EDGES: usize = LEVELS + 1;

impl LabelCounts {
    pub(super) fn of(map: &[u8], classes: usize) -> Self {
        let sums = (0..classes).map(|class| {
            let mut sums = vec![0; EDGES * EDGES];
            for (y, row) in map.chunks_exact(LEVELS).enumerate() {
                let mut along = 0;
                for (x, &label) in row.iter().enumerate() {
                    along += u32::from(usize::from(label) == class);
                    sums[(y + 1) * EDGES + x + 1] = sums[y * EDGES + x + 1] + along;
                }
            }
            sums
        });
        Self {
            sums: sums.collect(),
        }
    }

    /// Of the images within so many levels of `image`: how many have the label, and how many there are.
    pub(super) fn within(&self, image: [u8; 2], levels: usize, label: u8) -> (usize, usize) {
        let ends = image.map(|level| {
            let level = usize::from(level);
            (
                level.saturating_sub(levels),
                (level + levels + 1).min(LEVELS),
            )
        });
        let [(left, right), (bottom, top)] = ends;
        let all = (right - left) * (top - bottom);
        let Some(sums) = self.sums.get(usize::from(label)) else {
            return (0, all);
        };
        let at = |x: usize, y: usize| sums[y * EDGES + x];
        let same = at(right, top) + at(left, bottom) - at(left, top) - at(right, bottom);
        (same as usize, all)
    }
}

#[cfg(test)]
mod tests {
    use super::super::TIE;
    use super::*;

    #[test]
    fn labels_in_a_square_are_counted_as_one_by_one() {
        let map: Vec<u8> = (0..LEVELS * LEVELS)
            .map(|at| [0, 1, 2, TIE][(at * 7919 + at / 251) % 4])
            .collect();
        let counts = LabelCounts::of(&map, 3);
        for (image, levels) in [([0, 255], 3), ([9, 17], 40), ([128, 5], 0), ([7, 7], 255)] {
            for label in 0..3 {
                let (mut same, mut all) = (0, 0);
                for y in 0..LEVELS {
                    for x in 0..LEVELS {
                        let far = |level: usize, at: u8| level.abs_diff(at.into());
                        if far(x, image[0]).max(far(y, image[1])) <= levels {
                            all += 1;
                            same += usize::from(map[y * LEVELS + x] == label);
                        }
                    }
                }
                assert_eq!(counts.within(image, levels, label), (same, all));
            }
        }
    }
}
