//! Powers of vectors of f32: by multiplications where the exponent allows it, else through
//! log2 and exp2 polynomials.
//!
//! Raising `|d|/M` to the p-th power is what training spends its time on. Exponents of the form
//! `m·2^k` with small odd m cost `k` squarings and at most four products; the general power
//! costs about twenty-five operations.

use macerator::{Simd, Vector};

/// A vector of f32.
pub(super) type F32s<S> = Vector<S, f32>;

/// An exponent `odd · 2^squarings` with `odd` in {1, 3, 5, 7}.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ladder {
    pub odd: u32,
    pub squarings: u32,
}

impl Ladder {
    /// The ladder of `exponent`, if its odd part is at most 7.
    pub fn new(exponent: u32) -> Option<Self> {
        let squarings = exponent.checked_ilog2()?.min(exponent.trailing_zeros());
        let odd = exponent >> squarings;
        (odd <= 7).then_some(Self { odd, squarings })
    }
}

/// `s^(ODD · 2^squarings)` of N vectors at once: ODD is a constant so that the inner loop does not
/// branch on it, and N independent chains hide the latency of each product.
#[inline(always)]
pub(super) fn ladder_power<S: Simd, const ODD: u32, const N: usize>(s: [F32s<S>; N], squarings: u32) -> [F32s<S>; N] {
    let mut power = s;
    for (power, s) in power.iter_mut().zip(s) {
        *power = match ODD {
            1 => s,
            3 => s * s * s,
            5 => {
                let square = s * s;
                square * square * s
            }
            _ => {
                let square = s * s;
                square * square * (square * s)
            }
        };
    }
    for _ in 0..squarings {
        for power in &mut power {
            *power = *power * *power;
        }
    }
    power
}

/// `t^p` for t in [0, 1] and p > 0. A relative error near 1e-6 where the result is not negligible
/// (above 2^-24); t = 0 gives a result below 2^-100 for p ≥ 1.
#[inline(always)]
pub(super) fn general_power<S: Simd>(t: F32s<S>, p: F32s<S>) -> F32s<S> {
    exp2(log2(t) * p)
}

/// log2 of normal positive numbers, with relative precision kept near 1 (which matters, because
/// the result is multiplied by p): `t = m·2^e` with m in [√½, √2), `log2 t = e + f·Q(f)`, f = m − 1.
#[inline(always)]
pub(super) fn log2<S: Simd>(t: F32s<S>) -> F32s<S> {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    const ONE: u32 = 0x3f80_0000;
    // Minimax on [√½ − 1, √2 − 1], relative error 1.7e-7.
    const Q: [f32; 8] = [
        1.442_695, -0.721_352_8, 0.480_923_23, -0.360_239_62, 0.287_098_95, -0.248_877_46, 0.234_040_55, -0.145_807_45,
    ];
    let bits: Vector<S, u32> = t.reinterpret::<u32>() + splat_u32::<S>(ONE - SQRT_HALF);
    let exponent = (bits >> 23).reinterpret::<i32>().to_float() - splat(127.0);
    let mantissa = (bits & splat_u32::<S>(0x007f_ffff)) + splat_u32::<S>(SQRT_HALF);
    let f = mantissa.reinterpret::<f32>() - splat(1.0);
    (polynomial(f, Q)).mul_add(f, exponent)
}

/// 2^y for y ≤ 127; below −126 it stays at 2^-126.
#[inline(always)]
pub(super) fn exp2<S: Simd>(y: F32s<S>) -> F32s<S> {
    // Minimax on [−½, ½], relative error 7.5e-8.
    const P: [f32; 6] = [1.000_000_1, 0.693_146_97, 0.240_221_2, 0.055_507_133, 0.009_675_541, 0.001_327_646];
    let y = y.max(splat(-126.0));
    let whole = y.round_to_int();
    let fraction = polynomial(y - whole.to_float(), P);
    (fraction.reinterpret::<u32>() + (whole.reinterpret::<u32>() << 23)).reinterpret()
}

/// Horner's rule, lowest coefficient first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(x: F32s<S>, coefficients: [f32; N]) -> F32s<S> {
    let mut sum = splat::<S>(coefficients[N - 1]);
    for c in coefficients.iter().rev().skip(1) {
        sum = sum.mul_add(x, splat(*c));
    }
    sum
}

#[inline(always)]
pub(super) fn splat<S: Simd>(value: f32) -> F32s<S> {
    use macerator::Scalar;
    value.splat()
}

#[inline(always)]
fn splat_u32<S: Simd>(value: u32) -> Vector<S, u32> {
    use macerator::Scalar;
    value.splat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladders_exist_exactly_for_small_odd_parts() {
        assert_eq!(Ladder::new(12), Some(Ladder { odd: 3, squarings: 2 }));
        assert_eq!(Ladder::new(7), Some(Ladder { odd: 7, squarings: 0 }));
        assert_eq!(Ladder::new(18), None);
        assert_eq!(Ladder::new(0), None);
    }

    #[macerator::with_simd]
    fn powers<S: Simd>(t: &[f32], p: f32) -> Vec<f32> {
        let mut out = vec![0.0; t.len()];
        for (t, out) in t.chunks_exact(16).zip(out.chunks_exact_mut(16)) {
            for at in (0..16).step_by(<f32 as macerator::Scalar>::lanes::<S>()) {
                // SAFETY: both chunks hold 16 numbers, a multiple of every vector length.
                unsafe {
                    let power = general_power::<S>(macerator::vload_unaligned(t.as_ptr().add(at)), splat(p));
                    macerator::vstore_unaligned(out.as_mut_ptr().add(at), power);
                }
            }
        }
        out
    }

    #[test]
    fn the_general_power_agrees_with_f64() {
        for p in [1.0f32, 2.5, 7.0, 29.3, 999.0] {
            let smallest = (-24.0 / p).exp2();
            let t: Vec<f32> = (0..1600).map(|k| smallest + (1.0 - smallest) * k as f32 / 1599.0).collect();
            for (t, got) in t.iter().zip(powers(&t, p)) {
                let want = f64::from(*t).powf(f64::from(p));
                assert!((f64::from(got) - want).abs() <= 4e-6 * want, "{t}^{p} = {want}, got {got}");
            }
        }
    }
}
