//! Powers and slopes of terms, one kind for every way that an exponent is raised to.

use macerator::Simd;

use crate::norm_dist::power::{
    F32s, general_power, integer_power, splat, square_floor, whole_powers,
};

/// The largest p that is raised to by multiplications if it is whole.
const WHOLE: f32 = 1026.0;

/// Evaluates an expression with `Even::<HALF>` for the `HALF` that a variable holds.
macro_rules! with_even {
    ($half:expr, [$($constant:literal)*], |$even:ident| $call:expr) => {
        match $half {
            $($constant => {
                let $even = Even::<$constant>;
                $call
            })*
            other => unreachable!("{other} is not among QUICK_HALVES"),
        }
    };
}
pub(super) use with_even;

/// A p that is raised to by multiplications because it is whole.
pub(super) fn whole(p: f32) -> Option<u32> {
    (p.fract() == 0.0 && (2.0..=WHOLE).contains(&p)).then_some(p as u32)
}

/// 1/u, or 0 where u is 0 or so small that 1/u overflows: such a distance is taken to have no slope.
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

/// Up to this half, only differences that hardly ever occur have a power among the denormal
/// numbers, which are slow.
const DENORMAL_FREE: u32 = 6;
/// Powers do not get smaller than this (as a power of two), for the same reason; slopes neither,
/// which are multiplied by gradients that are small themselves.
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

/// Any whole exponent, by multiplications that its bits tell.
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

/// `(t²)^HALF·t` with `HALF` that of p − 2, which carries the sign of t by itself.
#[derive(Clone, Copy)]
pub(super) struct EvenSlope<P>(pub(super) P);

impl<const HALF: u32> Slope for EvenSlope<Even<HALF>> {
    #[inline(always)]
    fn slopes<S: Simd, const N: usize>(self, mut t: [F32s<S>; N]) -> [F32s<S>; N] {
        for t in &mut t {
            let mut square = *t * *t;
            if HALF >= DENORMAL_FREE {
                square = square.max(splat(square_floor(HALF + 1, SMALLEST_SLOPE)));
            }
            *t *= integer_power::<S, HALF>(square);
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

/// Any exponent from 0; terms below `smallest` have no slope.
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
