//! A grey picture of any size, and how it becomes an image of 28×28.

use crate::data::strokes::{BOX, PIXELS, SIDE, centred};

/// A grey picture: 0 black to 255 white.
#[derive(Clone, Debug, PartialEq)]
pub struct Grey {
    /// Rows and columns, at least 1 each.
    pub size: [usize; 2],
    /// Levels, `[rows · columns]` row-major.
    pub levels: Vec<u8>,
}

/// How a picture is laid into an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// All of it, as large as fits, in the middle.
    #[default]
    Whole,
    /// Its strokes alone, as MNIST's makers did it: their longer side is 20 pixels and their centre of
    /// mass lies in the middle.
    Strokes,
}

impl Grey {
    /// The picture with rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        let [rows, columns] = self.size;
        let column = |column| (0..rows).map(move |row| self.levels[row * columns + column]);
        Self {
            size: [columns, rows],
            levels: (0..columns).flat_map(column).collect(),
        }
    }

    /// The negative.
    pub fn inverted(mut self) -> Self {
        for level in &mut self.levels {
            *level = 255 - *level;
        }
        self
    }

    /// Whether most of the outermost pixels are bright, where the images of the data sets are black.
    pub fn has_bright_border(&self) -> bool {
        let [rows, columns] = self.size;
        let is_border = |index: usize| {
            let (row, column) = (index / columns, index % columns);
            row == 0 || column == 0 || row + 1 == rows || column + 1 == columns
        };
        let levels = self.levels.iter().enumerate();
        let border = levels.filter(|&(index, _)| is_border(index));
        let (bright, dark): (Vec<_>, Vec<_>) = border.partition(|(_, level)| **level >= 128);
        bright.len() > dark.len()
    }

    /// The image of 28×28 that bright ink on black becomes.
    pub fn fitted(&self, fit: Fit) -> [u8; PIXELS] {
        match fit {
            Fit::Whole => {
                let mut image = [0; PIXELS];
                self.lay(&mut image, SIDE);
                image
            }
            Fit::Strokes => {
                let Some(strokes) = self.strokes() else {
                    return [0; PIXELS];
                };
                let mut filled = [0; BOX * BOX];
                strokes.lay(&mut filled, BOX);
                let mut rows = [[0; BOX]; BOX];
                for (row, levels) in rows.iter_mut().zip(filled.chunks_exact(BOX)) {
                    row.copy_from_slice(levels);
                }
                centred(&rows)
            }
        }
    }

    /// Scales the picture until its longer side is `side`, and lays it into the middle of a square of that
    /// side.
    fn lay(&self, square: &mut [u8], side: usize) {
        let [rows, columns] = self.size;
        let longer = rows.max(columns);
        // Rounded; a line that is thinner than a pixel is one pixel wide.
        let scaled = |length: usize| ((2 * length * side + longer) / (2 * longer)).clamp(1, side);
        let (height, width) = (scaled(rows), scaled(columns));
        let (top, left) = ((side - height) / 2, (side - width) / 2);
        let small = self.scaled([height, width]);
        for (row, levels) in small.chunks_exact(width).enumerate() {
            let start = (top + row) * side + left;
            square[start..start + width].copy_from_slice(levels);
        }
    }

    /// The picture in another size: each pixel is the mean of the area that it covers, rounded.
    pub fn scaled(&self, [height, width]: [usize; 2]) -> Vec<u8> {
        let [rows, columns] = self.size;
        if [rows, columns] == [height, width] {
            return self.levels.clone();
        }
        // Lengths are counted in 1/width and 1/height of a pixel here, so that all of them are whole.
        let across: Vec<u64> = self
            .levels
            .chunks_exact(columns)
            .flat_map(|row| areas(columns, width).map(move |area| area.sum(|at| row[at].into())))
            .collect();
        let whole = (rows * columns) as u64;
        let mut small = Vec::with_capacity(height * width);
        for area in areas(rows, height) {
            for column in 0..width {
                let sum = area.sum(|row| across[row * width + column]);
                let mean = (2 * sum + whole) / (2 * whole);
                small.push(u8::try_from(mean).expect("a mean of bytes"));
            }
        }
        small
    }

    /// The part that holds the strokes: all pixels at least a quarter as bright as the brightest. None if
    /// the picture is black.
    fn strokes(&self) -> Option<Self> {
        let brightest = u32::from(*self.levels.iter().max()?);
        if brightest == 0 {
            return None;
        }
        let [_, columns] = self.size;
        let (mut low, mut high) = ([usize::MAX; 2], [0; 2]);
        for (index, &level) in self.levels.iter().enumerate() {
            if 4 * u32::from(level) >= brightest {
                for (axis, at) in [index / columns, index % columns].into_iter().enumerate() {
                    low[axis] = low[axis].min(at);
                    high[axis] = high[axis].max(at);
                }
            }
        }
        let rows = self.levels.chunks_exact(columns);
        let rows = rows.skip(low[0]).take(high[0] + 1 - low[0]);
        Some(Self {
            size: [high[0] + 1 - low[0], high[1] + 1 - low[1]],
            levels: rows
                .flat_map(|row| row[low[1]..=high[1]].iter().copied())
                .collect(),
        })
    }
}

/// A stretch of a row or column: in 1/parts of a pixel.
#[derive(Clone, Copy)]
struct Area {
    from: usize,
    to: usize,
    parts: usize,
}

impl Area {
    /// The sum of the values that it covers, each as often as the length that is covered of it.
    fn sum(self, value: impl Fn(usize) -> u64) -> u64 {
        let Self { from, to, parts } = self;
        let pixels = from / parts..to.div_ceil(parts);
        let covered = |at: usize| (to.min((at + 1) * parts) - from.max(at * parts)) as u64;
        pixels.map(|at| covered(at) * value(at)).sum()
    }
}

/// `length` pixels cut into `parts` stretches of the same length.
fn areas(length: usize, parts: usize) -> impl Iterator<Item = Area> {
    (0..parts).map(move |part| Area {
        from: part * length,
        to: (part + 1) * length,
        parts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_the_mean_of_the_area_that_it_covers() {
        let picture = Grey {
            size: [2, 3],
            levels: vec![0, 90, 30, 60, 0, 120],
        };
        // The left pixel covers a column and a half.
        assert_eq!(picture.scaled([1, 2]), [35, 65]);
        assert_eq!(picture.scaled([2, 3]), picture.levels);
        assert_eq!(picture.scaled([4, 3])[3..6], [0, 90, 30]);
        let white = Grey {
            size: [41, 17],
            levels: vec![255; 41 * 17],
        };
        assert!(white.scaled([28, 12]).iter().all(|level| *level == 255));
    }

    #[test]
    fn a_picture_keeps_its_proportions_and_lies_in_the_middle() {
        let wide = Grey {
            size: [10, 40],
            levels: vec![255; 400],
        };
        let image = wide.fitted(Fit::Whole);
        let rows: Vec<_> = image
            .chunks_exact(SIDE)
            .enumerate()
            .filter(|(_, row)| row.iter().any(|level| *level > 0))
            .map(|(row, _)| row)
            .collect();
        assert_eq!(rows, [10, 11, 12, 13, 14, 15, 16]);
        assert!(
            image[10 * SIDE..17 * SIDE]
                .iter()
                .all(|level| *level == 255)
        );
    }

    #[test]
    fn an_image_of_28_by_28_stays_as_it_is() {
        let levels: Vec<u8> = (0..PIXELS).map(|index| (index % 251) as u8).collect();
        let size = [SIDE; 2];
        let image = Grey { size, levels }.fitted(Fit::Whole);
        assert!((0..PIXELS).all(|index| image[index] == (index % 251) as u8));
    }

    #[test]
    fn strokes_are_as_long_as_the_box_and_centred_by_mass() {
        // A small bar in a corner.
        let mut levels = vec![0; 100 * 100];
        for row in 3..13 {
            levels[row * 100 + 90..row * 100 + 92].fill(255);
        }
        let image = Grey {
            size: [100, 100],
            levels,
        }
        .fitted(Fit::Strokes);
        let ink: Vec<_> = (0..PIXELS).filter(|index| image[*index] > 0).collect();
        let rows = ink.iter().map(|index| index / SIDE);
        let columns = ink.iter().map(|index| index % SIDE);
        assert_eq!((rows.clone().min(), rows.max()), (Some(4), Some(23)));
        assert_eq!((columns.clone().min(), columns.max()), (Some(12), Some(15)));
        let black = Grey {
            size: [3, 3],
            levels: vec![0; 9],
        };
        assert_eq!(black.fitted(Fit::Strokes), [0; PIXELS]);
    }

    #[test]
    fn transposing_twice_changes_nothing() {
        let picture = Grey {
            size: [2, 3],
            levels: vec![1, 2, 3, 4, 5, 6],
        };
        assert_eq!(picture.transposed().levels, [1, 4, 2, 5, 3, 6]);
        assert_eq!(picture.transposed().transposed(), picture);
    }
}
