//! Keeps ε as the exact decimal that people write: "0.3" is 3/10, which no float is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::exact::{MAX_LEVEL, Ticks};

/// A perturbation radius in 0..=1 of full scale, exactly as its decimal string says.
///
/// ```
/// use linf_dist_net::exact::{Epsilon, Ticks};
/// let epsilon: Epsilon = "0.3".parse()?;
/// assert_eq!(epsilon.ticks(32), Ticks::new(2448)); // 76.5 levels
/// # Ok::<(), linf_dist_net::exact::EpsilonError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epsilon {
    /// Digits after the decimal point are `decimals`, so the value is `digits / 10^decimals`.
    digits: u64,
    decimals: u32,
}

/// Why a string is not an [`Epsilon`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EpsilonError {
    /// Not of the form `0.3`.
    #[error("ε {0:?} is not a plain decimal number; write it like 0.3")]
    NotDecimal(String),
    /// More digits than are kept exactly.
    #[error("ε {0:?} has more than 15 decimals; round it to fewer")]
    TooLong(String),
    /// Beyond the full scale.
    #[error("ε {0:?} is beyond 1; pixels go from 0 to 1, so write 0.3 for 76.5 of 255 levels")]
    TooLarge(String),
}

const MAX_DECIMALS: usize = 15;

impl Epsilon {
    /// ε in ticks of 1/`scale` of a pixel level, rounded *up*, so that what is proved at the
    /// result is proved at ε. `scale` at most 4096.
    pub fn ticks(self, scale: u32) -> Ticks {
        let full_scale = u128::from(MAX_LEVEL.unsigned_abs()) * u128::from(scale);
        let ticks = (full_scale * u128::from(self.digits)).div_ceil(10_u128.pow(self.decimals));
        Ticks::new(u32::try_from(ticks).expect("ε ≤ 1, so its ticks are at most 255·scale"))
    }
}

impl FromStr for Epsilon {
    type Err = EpsilonError;

    fn from_str(text: &str) -> Result<Self, EpsilonError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !all_digits(whole)
            || !all_digits(fraction)
            || (fraction.is_empty() && text.contains('.'))
        {
            return Err(EpsilonError::NotDecimal(text.into()));
        }
        // Trailing zeros change nothing: 0.30 and 0.3 are the same ε.
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > MAX_DECIMALS {
            return Err(EpsilonError::TooLong(text.into()));
        }
        let too_large = || EpsilonError::TooLarge(text.into());
        let whole = whole.trim_start_matches('0');
        if whole.len() > 1 {
            return Err(too_large());
        }
        let decimals = u32::try_from(fraction.len()).expect("at most 15");
        let digits = format!("0{whole}{fraction}")
            .parse()
            .expect("at most 17 decimal digits fit a u64");
        if digits > 10_u64.pow(decimals) {
            return Err(too_large());
        }
        Ok(Self { digits, decimals })
    }
}

impl TryFrom<String> for Epsilon {
    type Error = EpsilonError;

    fn try_from(text: String) -> Result<Self, EpsilonError> {
        text.parse()
    }
}

impl From<Epsilon> for String {
    fn from(epsilon: Epsilon) -> Self {
        epsilon.to_string()
    }
}

impl fmt::Display for Epsilon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u64.pow(self.decimals);
        write!(f, "{}", self.digits / one)?;
        if self.decimals > 0 {
            let width = self.decimals as usize;
            write!(f, ".{:0width$}", self.digits % one)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(text: &str, scale: u32) -> u32 {
        text.parse::<Epsilon>().unwrap().ticks(scale).get()
    }

    #[test]
    fn published_radii_are_exact_at_an_even_scale() {
        assert_eq!(ticks("0.3", 2), 153);
        assert_eq!(ticks("0.1", 2), 51);
        assert_eq!(ticks("0.3", 32), 2448);
        assert_eq!(ticks("0", 32), 0);
        assert_eq!(ticks("1", 32), 255 * 32);
        assert_eq!(ticks("1.0", 32), 255 * 32);
    }

    #[test]
    fn other_radii_round_up() {
        // 255·32·0.01 = 81.6
        assert_eq!(ticks("0.01", 32), 82);
        assert_eq!(ticks("0.000000000000001", 32), 1);
    }

    #[test]
    fn display_gives_the_shortest_decimal() {
        for (text, shown) in [
            ("0.30", "0.3"),
            ("00.05", "0.05"),
            ("1.000", "1"),
            ("0", "0"),
        ] {
            assert_eq!(text.parse::<Epsilon>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_epsilon_is_refused_with_advice() {
        let error = |text: &str| text.parse::<Epsilon>().unwrap_err();
        for text in [
            "", ".3", "3.", "-0.3", "+0.3", "3e-1", "0,3", "8/255", " 0.3", "NaN",
        ] {
            assert_eq!(error(text), EpsilonError::NotDecimal(text.into()));
        }
        for text in ["1.1", "76.5", "1.000000000000001"] {
            assert_eq!(error(text), EpsilonError::TooLarge(text.into()));
        }
        let text = "0.3000000000000001";
        assert_eq!(error(text), EpsilonError::TooLong(text.into()));
    }
}
