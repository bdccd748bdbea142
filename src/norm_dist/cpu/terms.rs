//! Powers and slopes of terms, one type for each way to compute a power.

use macerator::Simd;

use crate::norm_dist::power::{
    F32s, general_power, integer_power, splat, square_floor, whole_powers,
};

/// The largest whole p whose powers are multiplied out.
const WHOLE: f32 = 1026.0;

/// Evaluates `call` with a constant `HALF` of the value that `half` has at run time, one copy for
/// each quick exponent of the ranges that are named: `all`, `low_middle` or `middle_high`.
macro_rules! with_quick_half {
    ($half:expr, $ranges:ident, |$constant:ident| $call:expr) => {
        $crate::norm_dist::power::quick_halves!(
            [$crate::norm_dist::cpu::terms::match_half] { $ranges, $half, $constant, $call }
        )
    };
}
pub(super) use with_quick_half;

/// The `match` of [`with_quick_half`] over the table.
macro_rules! match_half {
    (all, $half:expr, $constant:ident, $call:expr;
        [$($low:literal)*] [$($middle:literal)*] [$($high:literal)*]) => {
        $crate::norm_dist::cpu::terms::match_half!(
            $half, $constant, $call, $($low)* $($middle)* $($high)*
        )
    };
    (low_middle, $half:expr, $constant:ident, $call:expr;
        [$($low:literal)*] [$($middle:literal)*] [$($high:literal)*]) => {
        $crate::norm_dist::cpu::terms::match_half!(
            $half, $constant, $call, $($low)* $($middle)*
        )
    };
    (middle_high, $half:expr, $constant:ident, $call:expr;
        [$($low:literal)*] [$($middle:literal)*] [$($high:literal)*]) => {
        $crate::norm_dist::cpu::terms::match_half!(
            $half, $constant, $call, $($middle)* $($high)*
        )
    };
    ($half:expr, $constant:ident, $call:expr, $($value:literal)*) => {
        match $half {
            $($value => {
                const $constant: u32 = $value;
                $call
            })*
            other => unreachable!("{other} is no half of a quick exponent in this range"),
        }
    };
}
pub(super) use match_half;

/// A whole p whose powers are multiplied out.
pub(super) fn whole(p: f32) -> Option<u32> {
    (p.fract() == 0.0 && (2.0..=WHOLE).contains(&p)).then_some(p as u32)
}

/// 1/u, or 0 where u is 0 or so small that 1/u overflows. The slope of such a distance is taken to
/// be 0.
#[inline(always)]
pub(super) fn inverse(u: f32) -> f32 {
    if u >= f32::MIN_POSITIVE { 1.0 / u } else { 0.0 }
}

/// Terms `t = |d|/largest` in [−1, 1] raised to an exponent.
pub(super) trait Power: Copy {
    fn exponent(self) -> f32;

    /// `|t|` to the exponent, of several at a time.
    fn powers<S: Simd, const N: usize>(self, t: [F32s<S>; N]) -> [F32s<S>; N];
}

/// Up to this half, differences whose power is denormal, and therefore slow, hardly ever occur.
const DENORMAL_FREE: u32 = 6;
/// Lower limits of powers and of slopes (as powers of two), for the same reason. The limit of slopes is
/// higher, since they are multiplied by small gradients.
const SMALLEST_POWER: f32 = -100.0;
const SMALLEST_SLOPE: f32 = -60.0;

/// An even exponent, `2·HALF`, by multiplications.
#[derive(Clone, Copy)]
pub(super) struct Even<const HALF: u32>;

impl<const HALF: u32> Power for Even<HALF> {
    #[inline(always)]
    fn exponent(self) -> f32 {
        (2 * HALF) as f32
    }

    #[inline(always)]
    fn powers<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        for t in &mut t {
            *t = self.power(*t);
        }
        t
    }
}

impl<const HALF: u32> Even<HALF> {
    #[inline(always)]
    pub(super) fn power<S: Simd>(self, t: F32s<S>) -> F32s<S> {
        let mut square = t * t;
        if HALF > DENORMAL_FREE {
            square = square.max(splat(square_floor(HALF, SMALLEST_POWER)));
        }
        integer_power::<S, HALF>(square)
    }
}

/// Any whole exponent, by the binary method.
#[derive(Clone, Copy)]
pub(super) struct Whole {
    pub(super) exponent: u32,
}

impl Power for Whole {
    #[inline(always)]
    fn exponent(self) -> f32 {
        self.exponent as f32
    }

    #[inline(always)]
    fn powers<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        let half = self.exponent / 2;
        let floor = splat(square_floor(half, SMALLEST_POWER));
        let mut first = [splat::<S>(1.0); N];
        for (t, first) in t.iter_mut().zip(&mut first) {
            if self.exponent % 2 == 1 {
                *first = t.abs();
            }
            *t = (*t * *t).max(floor);
        }
        whole_powers(t, half, first)
    }
}

/// Any exponent.
#[derive(Clone, Copy)]
pub(super) struct General {
    pub(super) exponent: f32,
}

impl Power for General {
    #[inline(always)]
    fn exponent(self) -> f32 {
        self.exponent
    }

    #[inline(always)]
    fn powers<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        for t in &mut t {
            *t = general_power(t.abs(), splat(self.exponent));
        }
        t
    }
}

/// `sign(t)·|t|^{p−1}`: what a term contributes to both gradients.
pub(super) trait Slope: Copy {
    fn slopes<S: Simd, const N: usize>(self, t: [F32s<S>; N]) -> [F32s<S>; N];
}

/// The slope at an even p: `(t²)^SQUARES·t` with `SQUARES` = p/2 − 1, which has the sign of t.
#[derive(Clone, Copy)]
pub(super) struct EvenSlope<const SQUARES: u32>;

impl<const SQUARES: u32> Slope for EvenSlope<SQUARES> {
    #[inline(always)]
    fn slopes<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        for t in &mut t {
            let mut square = *t * *t;
            if SQUARES >= DENORMAL_FREE {
                square = square.max(splat(square_floor(SQUARES + 1, SMALLEST_SLOPE)));
            }
            *t *= integer_power::<S, SQUARES>(square);
        }
        t
    }
}

/// Any whole p from 2.
#[derive(Clone, Copy)]
pub(super) struct WholeSlope {
    pub(super) p: u32,
}

impl Slope for WholeSlope {
    #[inline(always)]
    fn slopes<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        let half = (self.p - 2) / 2;
        let floor = splat(square_floor(half + 1, SMALLEST_SLOPE));
        let mut first = t;
        for (t, first) in t.iter_mut().zip(&mut first) {
            if self.p % 2 == 1 {
                *first *= t.abs();
            }
            *t = (*t * *t).max(floor);
        }
        whole_powers(t, half, first)
    }
}

/// Any exponent from 0. Terms below `smallest` have no slope.
#[derive(Clone, Copy)]
pub(super) struct GeneralSlope {
    pub(super) exponent: f32,
    pub(super) smallest: f32,
}

impl Slope for GeneralSlope {
    #[inline(always)]
    fn slopes<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        for t in &mut t {
            let base = t.abs();
            let power = general_power(base, splat(self.exponent));
            let sign = t.reinterpret::<u32>() ^ base.reinterpret::<u32>();
            let signed = (power.reinterpret::<u32>() ^ sign).reinterpret::<f32>();
            *t = base.ge(splat(self.smallest)).select(signed, splat(0.0));
        }
        t
    }
}
