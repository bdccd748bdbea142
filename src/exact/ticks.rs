//! Lengths: ticks, in which everything is computed, and pixel levels, in which they are shown.
//!
//! A *tick* is 1/S of a pixel level, where S is the scale of a network. A *level* is one step of an
//! 8-bit pixel. [`Epsilon`](super::Epsilon) is a fraction of the full scale 1.0, which is 255 levels.
//! Each has a type of its own, so the compiler refuses one where another is meant:
//!
//! ```
//! use linf_dist_net::exact::{Epsilon, Levels, Ticks};
//!
//! let epsilon: Epsilon = "0.3".parse()?;
//! let radius: Ticks = epsilon.ticks(32);
//! assert_eq!(radius, Ticks::new(2448));
//! assert_eq!(radius.levels(32), Levels::new(76.5)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```compile_fail,E0308
//! use linf_dist_net::exact::{Levels, lipschitz_radius};
//!
//! let margin = Levels::new(12.0).unwrap();
//! lipschitz_radius(margin, 1); // A margin is wanted in ticks.
//! ```
//!
//! ```compile_fail,E0308
//! use linf_dist_net::exact::lipschitz_radius;
//!
//! lipschitz_radius(12, 1); // A bare number does not say what it counts.
//! ```
//!
//! ```compile_fail,E0308
//! use linf_dist_net::exact::{Epsilon, Ticks};
//!
//! fn is_certified(proved: Ticks, epsilon: Epsilon) -> bool {
//!     proved >= epsilon // A length and a fraction do not compare.
//! }
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A length in ticks of 1/S of a pixel level.
///
/// Inputs, weights, values and logits are in ticks as well. They may be negative, and they are plain
/// `i32`, as the inner loops want them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Ticks(u32);

impl Ticks {
    /// No length.
    pub const ZERO: Self = Self(0);

    /// A length of so many ticks.
    pub const fn new(ticks: u32) -> Self {
        Self(ticks)
    }

    /// The number of ticks.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number of ticks as a change of a value, for lengths that fit.
    ///
    /// # Panics
    /// If there are more than `i32::MAX`.
    pub(crate) fn signed(self) -> i32 {
        i32::try_from(self.0).expect("a length within the full scale fits an i32")
    }

    /// The length in pixel levels; exact, since `scale`, the ticks of a level, is a power of two.
    pub fn levels(self, scale: u32) -> Levels {
        Levels(f64::from(self.0) / f64::from(scale))
    }
}

impl fmt::Display for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.pad("1 tick"),
            ticks => f.pad(&format!("{ticks} ticks")),
        }
    }
}

/// A length in pixel levels: 0 to 255 where it is a distance between pixels, a margin may be longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Levels(f64);

/// Why a number is not a length.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[error("the length is {0} levels; it must be a number from 0")]
pub struct LevelsError(f64);

impl Levels {
    /// A length of so many levels. Fails for a negative number and for NaN.
    pub fn new(levels: f64) -> Result<Self, LevelsError> {
        if levels.is_nan() || levels < 0.0 {
            return Err(LevelsError(levels));
        }
        Ok(Self(levels))
    }

    /// The number of levels.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The length in ticks of 1/`scale` of a level, rounded up: what is proved at the result is
    /// proved at this length. A length that is too large for [`Ticks`] becomes the largest.
    pub fn ticks_ceil(self, scale: u32) -> Ticks {
        Ticks((self.0 * f64::from(scale)).ceil() as u32)
    }

    /// The length in ticks of 1/`scale` of a level, rounded down: what stays within the result stays
    /// within this length. A length that is too large for [`Ticks`] becomes the largest.
    pub fn ticks_floor(self, scale: u32) -> Ticks {
        Ticks((self.0 * f64::from(scale)).floor() as u32)
    }
}

impl TryFrom<f64> for Levels {
    type Error = LevelsError;

    fn try_from(levels: f64) -> Result<Self, LevelsError> {
        Self::new(levels)
    }
}

impl From<Levels> for f64 {
    fn from(levels: Levels) -> Self {
        levels.0
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1.0 => f.pad("1 level"),
            levels => f.pad(&format!("{levels} levels")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(levels: f64) -> Levels {
        Levels::new(levels).unwrap()
    }

    #[test]
    fn every_tick_of_the_full_scale_comes_back_from_levels() {
        for scale in [2, 32, 4096] {
            for ticks in (0..=255 * scale).map(Ticks::new) {
                let shown = ticks.levels(scale);
                assert_eq!(shown.ticks_ceil(scale), ticks);
                assert_eq!(shown.ticks_floor(scale), ticks);
            }
        }
    }

    #[test]
    fn what_lies_between_two_ticks_is_rounded_as_the_name_says() {
        let between = levels(10.01);
        assert_eq!(between.ticks_floor(32), Ticks::new(320));
        assert_eq!(between.ticks_ceil(32), Ticks::new(321));
        assert_eq!(levels(f64::INFINITY).ticks_ceil(2), Ticks::new(u32::MAX));
    }

    #[test]
    fn a_number_that_is_no_length_is_refused() {
        assert!(Levels::new(-f64::MIN_POSITIVE).is_err());
        assert!(Levels::new(f64::NAN).is_err());
        assert_eq!(Levels::new(0.0), Ok(Levels::default()));
        assert!(serde_json::from_str::<Levels>("-1").is_err());
    }

    #[test]
    fn both_are_written_as_bare_numbers() {
        assert_eq!(serde_json::to_string(&Ticks::new(7)).unwrap(), "7");
        assert_eq!(serde_json::to_string(&levels(76.5)).unwrap(), "76.5");
        assert_eq!(serde_json::from_str::<Ticks>("7").unwrap(), Ticks::new(7));
        assert_eq!(serde_json::from_str::<Levels>("7").unwrap(), levels(7.0));
    }
}
