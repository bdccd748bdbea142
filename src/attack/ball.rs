//! The ball of perturbed images that an attack may try.

use serde::{Deserialize, Serialize};

use crate::exact::{MAX_LEVEL, Ticks};

/// Which values a perturbed pixel may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grid {
    /// Whole levels: what a picture can hold.
    Levels,
    /// Every multiple of 1/S of a level: what the certificate covers.
    Ticks,
}

/// All images on a grid within a radius of one image and in the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ball {
    centre: Vec<i32>,
    lower: Vec<i32>,
    upper: Vec<i32>,
    /// In ticks, as the ends.
    radius: i32,
    scale: u32,
    /// Ticks between neighbours on the grid.
    step: i32,
}

impl Ball {
    /// Makes the ball of `radius` around an 8-bit image, for a network of `scale` ticks per level. On
    /// whole levels the radius is rounded down to whole levels.
    pub fn new(image: &[u8], scale: u32, radius: Ticks, grid: Grid) -> Self {
        let level = scale.cast_signed();
        let top = MAX_LEVEL * level;
        let step = match grid {
            Grid::Levels => level,
            Grid::Ticks => 1,
        };
        let radius = radius.get().min(top.unsigned_abs()).cast_signed() / step * step;
        let centre: Vec<_> = image
            .iter()
            .map(|&pixel| i32::from(pixel) * level)
            .collect();
        Self {
            lower: centre.iter().map(|&x| (x - radius).max(0)).collect(),
            upper: centre.iter().map(|&x| (x + radius).min(top)).collect(),
            centre,
            radius,
            scale,
            step,
        }
    }

    /// The part of this ball within a smaller radius; all of it, if `radius` is not smaller.
    pub fn resized(&self, radius: Ticks) -> Self {
        let radius =
            radius.get().min(self.radius.unsigned_abs()).cast_signed() / self.step * self.step;
        let cut = |ends: &[i32]| -> Vec<i32> {
            let ends = ends.iter().zip(&self.centre);
            ends.map(|(&end, &x)| end.clamp(x - radius, x + radius))
                .collect()
        };
        Self {
            centre: self.centre.clone(),
            lower: cut(&self.lower),
            upper: cut(&self.upper),
            radius,
            ..*self
        }
    }

    /// Ticks per pixel level, S.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// The unperturbed image in ticks, `[pixels]`.
    pub fn centre(&self) -> &[i32] {
        &self.centre
    }

    /// Least value of a pixel.
    pub fn lower(&self, pixel: usize) -> i32 {
        self.lower[pixel]
    }

    /// Largest value of a pixel.
    pub fn upper(&self, pixel: usize) -> i32 {
        self.upper[pixel]
    }

    /// The end of a pixel's range: the upper one or the lower one.
    pub fn end(&self, pixel: usize, upper: bool) -> i32 {
        if upper {
            self.upper[pixel]
        } else {
            self.lower[pixel]
        }
    }

    /// The radius, a multiple of the grid's step.
    pub fn radius(&self) -> Ticks {
        Ticks::new(self.radius.unsigned_abs())
    }

    /// Ticks between neighbours on the grid.
    pub fn step(&self) -> i32 {
        self.step
    }

    /// Rows and columns that the pixels make: a square where they can, and else one row.
    pub fn shape(&self) -> [usize; 2] {
        let side = self.pixels().isqrt();
        match side * side == self.pixels() {
            true => [side, side],
            false => [1, self.pixels()],
        }
    }

    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.centre.len()
    }

    /// The nearest allowed value of a pixel, towards the unperturbed one where the grid has none.
    pub fn clamp(&self, pixel: usize, value: i32) -> i32 {
        let centre = self.centre[pixel];
        let clamped = value.clamp(self.lower[pixel], self.upper[pixel]);
        centre + (clamped - centre) / self.step * self.step
    }

    /// The image of the ball that is nearest to `levels`, `[pixels]`, pixel by pixel. A pixel whose
    /// level is NaN stays unperturbed.
    pub fn nearest(&self, levels: &[f32]) -> Vec<i32> {
        let scale = self.scale as f32;
        let clamp = |(pixel, &level): (usize, &f32)| {
            if level.is_nan() {
                return self.centre[pixel];
            }
            // A cast saturates.
            let steps = ((level * scale - self.centre[pixel] as f32) / self.step as f32).round();
            let most = self.radius / self.step;
            let change = (steps as i32).clamp(-most, most) * self.step;
            self.clamp(pixel, self.centre[pixel] + change)
        };
        levels.iter().enumerate().map(clamp).collect()
    }

    /// Whether a perturbed image belongs to the ball.
    pub fn contains(&self, input: &[i32]) -> bool {
        input.len() == self.pixels()
            && input
                .iter()
                .enumerate()
                .all(|(pixel, &value)| self.clamp(pixel, value) == value)
    }
}
