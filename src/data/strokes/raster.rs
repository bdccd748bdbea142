//! Anti-aliased round-capped segments in a 20×20 box.
//!
//! Every pixel has 16×16 samples and its level is the share of them that the pen covered, so
//! overlapping strokes never count twice. The browser draws at every pen event, with all points
//! so far: a segment is therefore turned into one span of samples per row of samples, not into
//! a distance per sample.

/// Rows, and columns, of the box in pixels.
pub const BOX: usize = 20;
/// Samples along a pixel's side; one row of a pixel is one `u16`.
const SAMPLES: usize = 16;

/// The samples that the pen has covered.
pub struct Raster {
    /// Radius of the pen, in samples.
    radius: f64,
    /// Covered samples, a bit each, `[20 · 16, 20]`: row of samples, column of pixels.
    covered: Box<[[u16; BOX]; BOX * SAMPLES]>,
}

impl Raster {
    /// An empty box and a round pen of the given diameter in pixels.
    pub fn new(pen: f64) -> Self {
        Self {
            radius: pen / 2.0 * SAMPLES as f64,
            covered: Box::new([[0; BOX]; BOX * SAMPLES]),
        }
    }

    /// Draws the straight line between two points in pixels, x to the right and y downwards.
    pub fn draw(&mut self, from: [f64; 2], to: [f64; 2]) {
        let (upper, lower) = if from[1] <= to[1] {
            (from, to)
        } else {
            (to, from)
        };
        let [ax, ay] = upper.map(|v| v * SAMPLES as f64);
        let [bx, by] = lower.map(|v| v * SAMPLES as f64);
        let (dx, dy) = (bx - ax, by - ay);
        let radius = self.radius;
        // How far below the path its left edge lies, at equal distance along it: the height of
        // the pen's radius turned at right angles to the path.
        let lift = if dy > 0.0 {
            radius * dx / (dx * dx + dy * dy).sqrt()
        } else {
            0.0
        };

        // Samples sit in the middle of their cells: row s is the line y = s + 1/2.
        let rows = sample_range(ay - radius, by + radius);
        for (s, row) in self
            .covered
            .iter_mut()
            .enumerate()
            .take(rows.end)
            .skip(rows.start)
        {
            let y = s as f64 + 0.5;
            // The leftmost and the rightmost point of this row belong to discs about two points
            // of the path, given as fractions of its length; a level path has them at its ends.
            let (left, right) = if dy > 0.0 {
                let at = |height: f64| ((height - ay) / dy).clamp(0.0, 1.0);
                (at(y - lift), at(y + lift))
            } else if dx >= 0.0 {
                (0.0, 1.0)
            } else {
                (1.0, 0.0)
            };
            let half_chord = |t: f64| {
                let below = y - (ay + t * dy);
                (radius * radius - below * below).max(0.0).sqrt()
            };
            let columns = sample_range(
                ax + left * dx - half_chord(left),
                ax + right * dx + half_chord(right),
            );
            cover(row, columns);
        }
    }

    /// Level of every pixel, `[20, 20]`: 0 for no sample covered to 255 for all of them.
    pub fn levels(&self) -> [[u8; BOX]; BOX] {
        let mut levels = [[0; BOX]; BOX];
        for (level_row, rows) in levels.iter_mut().zip(self.covered.chunks_exact(SAMPLES)) {
            for (x, level) in level_row.iter_mut().enumerate() {
                let covered: u32 = rows.iter().map(|row| row[x].count_ones()).sum();
                let all = (SAMPLES * SAMPLES) as u32;
                *level = ((covered * 255 + all / 2) / all) as u8;
            }
        }
        levels
    }
}

/// The samples whose middles lie in `low..=high`, cut to the box.
fn sample_range(low: f64, high: f64) -> std::ops::Range<usize> {
    let last = (BOX * SAMPLES) as f64;
    let start = (low - 0.5).ceil().clamp(0.0, last);
    let end = ((high - 0.5).floor() + 1.0).clamp(start, last);
    start as usize..end as usize
}

/// Marks a range of samples of one row.
fn cover(row: &mut [u16; BOX], samples: std::ops::Range<usize>) {
    if samples.is_empty() {
        return;
    }
    let (first, last) = (samples.start / SAMPLES, (samples.end - 1) / SAMPLES);
    let from_start = u16::MAX << (samples.start % SAMPLES);
    let to_end = u16::MAX >> (SAMPLES - 1 - (samples.end - 1) % SAMPLES);
    if first == last {
        row[first] |= from_start & to_end;
    } else {
        row[first] |= from_start;
        row[first + 1..last].fill(u16::MAX);
        row[last] |= to_end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    /// Distance of a sample from the path, the plain way.
    fn distance(sample: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let [px, py] = [sample[0] - from[0], sample[1] - from[1]];
        let squared = dx * dx + dy * dy;
        let t = if squared > 0.0 {
            ((px * dx + py * dy) / squared).clamp(0.0, 1.0)
        } else {
            0.0
        };
        ((px - t * dx).powi(2) + (py - t * dy).powi(2)).sqrt()
    }

    #[test]
    fn should_cover_exactly_the_samples_within_half_a_pen_of_the_path() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for case in 0..300 {
            // Ends beyond the box, level, upright and zero-length paths are among the cases.
            let mut point = || [0, 1].map(|_| random.random_range(-4.0..24.0));
            let (from, mut to): ([f64; 2], [f64; 2]) = (point(), point());
            if case % 3 == 0 {
                to[case / 3 % 2] = from[case / 3 % 2];
            }
            if case % 10 == 0 {
                to = from;
            }
            let pen = random.random_range(0.5..6.0);
            let mut raster = Raster::new(pen);
            raster.draw(from, to);
            for (s, row) in raster.covered.iter().enumerate() {
                for column in 0..BOX * SAMPLES {
                    let sample = [column, s].map(|i| (i as f64 + 0.5) / SAMPLES as f64);
                    let beyond = distance(sample, from, to) - pen / 2.0;
                    if beyond.abs() > 1e-9 {
                        let covered = row[column / SAMPLES] >> (column % SAMPLES) & 1 == 1;
                        assert_eq!(
                            covered,
                            beyond < 0.0,
                            "case {case}, {from:?} to {to:?}, {sample:?}"
                        );
                    }
                }
            }
        }
    }
}
