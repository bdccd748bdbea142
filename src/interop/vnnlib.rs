//! Properties in VNN-LIB: an image, a radius, and the claim that the label can be lost there.
//!
//! As in VNN-COMP a property describes counterexamples: an input of the box for which another class's
//! logit is at least the label's, since a tie is no label. A verifier that answers *unsat* has proved
//! the label.

use std::fmt::Write;

use crate::exact::{MAX_LEVEL, Ticks};

/// A version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Variables `X_0`, `Y_0`, …: what all tools read.
    V1,
    /// A declared network with tensors: VNN-COMP from 2026 on.
    V2,
}

/// What is asked about an image.
#[derive(Clone, Copy, Debug)]
pub struct Property<'a> {
    /// The image, a byte a pixel.
    pub image: &'a [u8],
    /// How far each pixel may move.
    pub radius: Ticks,
    /// Ticks per level.
    pub scale: u32,
    /// The class that is to stay first.
    pub label: usize,
    /// Number of classes.
    pub classes: usize,
}

impl Property<'_> {
    /// The least and the largest level of each pixel. S is a power of two, so a float has them exactly,
    /// and so has the decimal that it is written as.
    fn ends(&self) -> impl Iterator<Item = (f64, f64)> {
        let radius = self.radius.levels(self.scale).get();
        let levels = self.image.iter().map(|&level| f64::from(level));
        levels.map(move |x| {
            (
                (x - radius).max(0.0),
                (x + radius).min(f64::from(MAX_LEVEL)),
            )
        })
    }

    /// The classes that could take over.
    fn others(&self) -> impl Iterator<Item = usize> {
        let label = self.label;
        (0..self.classes).filter(move |&class| class != label)
    }

    /// The file. `about` is a line of comment.
    pub fn to_text(&self, version: Version, about: &str) -> String {
        let mut text = String::new();
        match version {
            Version::V1 => self.write_v1(&mut text, about),
            Version::V2 => self.write_v2(&mut text, about),
        }
        .expect("a String takes all");
        text
    }

    fn write_v1(&self, text: &mut String, about: &str) -> std::fmt::Result {
        writeln!(text, "; {about}")?;
        for pixel in 0..self.image.len() {
            writeln!(text, "(declare-const X_{pixel} Real)")?;
        }
        for class in 0..self.classes {
            writeln!(text, "(declare-const Y_{class} Real)")?;
        }
        for (pixel, (lower, upper)) in self.ends().enumerate() {
            writeln!(
                text,
                "(assert (>= X_{pixel} {lower}))\n(assert (<= X_{pixel} {upper}))"
            )?;
        }
        writeln!(text, "(assert (or")?;
        for other in self.others() {
            writeln!(text, "  (and (>= Y_{other} Y_{}))", self.label)?;
        }
        writeln!(text, "))")
    }

    fn write_v2(&self, text: &mut String, about: &str) -> std::fmt::Result {
        let (pixels, classes) = (self.image.len(), self.classes);
        writeln!(text, "; {about}\n(vnnlib-version <2.0>)")?;
        writeln!(text, "(declare-network N")?;
        writeln!(text, "  (declare-input X float32 [1,{pixels}])")?;
        writeln!(text, "  (declare-output Y float32 [1,{classes}])\n)")?;
        for (pixel, (lower, upper)) in self.ends().enumerate() {
            // With a point, as floats are written.
            writeln!(text, "(assert (>= X[0,{pixel}] {lower:?}))")?;
            writeln!(text, "(assert (<= X[0,{pixel}] {upper:?}))")?;
        }
        writeln!(text, "(assert (or")?;
        for other in self.others() {
            writeln!(text, "  (>= Y[0,{other}] Y[0,{}])", self.label)?;
        }
        writeln!(text, "))")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_say_the_box_and_who_could_take_over() {
        let property = Property {
            image: &[0, 100],
            radius: Ticks::new(5),
            scale: 2,
            label: 1,
            classes: 3,
        };
        let one = property.to_text(Version::V1, "about");
        let inputs =
            "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n";
        assert!(one.starts_with(&format!("; about\n{inputs}")), "{one}");
        let asserted = "(assert (>= X_0 0))\n(assert (<= X_0 2.5))\n(assert (>= X_1 97.5))\n\
            (assert (<= X_1 102.5))\n(assert (or\n  (and (>= Y_0 Y_1))\n  (and (>= Y_2 Y_1))\n))\n";
        assert!(one.ends_with(asserted), "{one}");
        let two = property.to_text(Version::V2, "about");
        let asserted = "(assert (>= X[0,0] 0.0))\n(assert (<= X[0,0] 2.5))\n\
            (assert (>= X[0,1] 97.5))\n(assert (<= X[0,1] 102.5))\n\
            (assert (or\n  (>= Y[0,0] Y[0,1])\n  (>= Y[0,2] Y[0,1])\n))\n";
        assert!(two.ends_with(asserted), "{two}");
    }
}
