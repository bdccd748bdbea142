//! Powers of vectors of f32: by multiplications where the exponent allows it, else through
//! log2 and exp2 polynomials.
//!
//! Training spends most of its time on raising `|d|/M` to the p-th power. The even powers of
//! [`QUICK_HALVES`] take two to ten multiplications, the general power about thirty operations.

use std::ops::Mul;

use macerator::{Simd, Vector};

/// A vector of f32.
pub(super) type F32s<S> = Vector<S, f32>;

/// The table of quick exponents: halves of the even p whose powers are multiplied out, in rising
/// order and in the three ranges that the CPU's kernels tell apart. Calls the given macro as
/// `then! { args; [low] [middle] [high] }`.
///
/// It is a macro because every exponent gets its own copy of the inner loops, so that nothing in
/// them depends on p. Everything else that needs the table derives it from here.
macro_rules! quick_halves {
    ([$($then:tt)*] { $($args:tt)* }) => {
        $($then)*! {
            $($args)*;
            [2 3 4 5 6 7 8 9]
            [11 13 15 17 21 25 29 33]
            [41 49 65 81 97 129 161 193 257 321 385 513]
        }
    };
}
pub(super) use quick_halves;

macro_rules! table {
    (; [$($low:literal)*] [$($middle:literal)*] [$($high:literal)*]) => {
        /// Halves of the quick exponents, in rising order.
        pub(super) const QUICK_HALVES: &[u32] = &[$($low,)* $($middle,)* $($high,)*];
        /// The last half of the low range: plain powers are always taken forward.
        pub(super) const LAST_LOW_HALF: u32 = last(&[$($low),*]);
        /// The last half of the middle range: plain powers are taken where most columns count.
        pub(super) const LAST_MIDDLE_HALF: u32 = last(&[$($middle),*]);
    };
}
quick_halves!([table] {});

const fn last(halves: &[u32]) -> u32 {
    halves[halves.len() - 1]
}

/// Whether p is a quick exponent.
pub(super) const fn is_quick(p: u32) -> bool {
    let mut index = 0;
    while index < QUICK_HALVES.len() {
        if 2 * QUICK_HALVES[index] == p {
            return true;
        }
        index += 1;
    }
    false
}

/// Half of p, if p is a quick exponent.
pub(super) fn quick_half(p: f32) -> Option<u32> {
    let mut halves = QUICK_HALVES.iter().copied();
    halves.find(|half| (2 * half) as f32 == p)
}

/// Returns the quick exponent nearest to p in ratio, for p from 8 to 1000.
pub(super) fn quick_exponent(p: f32) -> Option<f32> {
    let exponents = QUICK_HALVES
        .iter()
        .map(|half| (2 * half) as f32)
        .filter(|quick| *quick >= 8.0);
    let nearest = exponents.min_by(|a, b| (a / p).ln().abs().total_cmp(&(b / p).ln().abs()))?;
    (8.0..=1000.0).contains(&p).then_some(nearest)
}

/// Returns the number whose `half`-th power is 2^`smallest`. Squares are raised to at least this
/// number first, so that no power is a denormal number, which is slow.
pub(super) fn square_floor(half: u32, smallest: f32) -> f32 {
    (smallest / half as f32).exp2()
}

/// `s^E` by squaring and multiplying; E is a constant, so this unrolls.
#[inline(always)]
pub(super) fn integer_power<S: Simd, const E: u32>(s: F32s<S>) -> F32s<S> {
    if E == 15 {
        // The binary method takes six multiplications, 3 · (4 + 1) takes five. No other quick
        // exponent has a chain shorter than the binary one.
        let third = s * s * s;
        let sixth = third * third;
        return sixth * sixth * third;
    }
    let mut square = s;
    let mut power = s;
    let mut rest = E;
    while rest & 1 == 0 {
        square = square * square;
        power = square;
        rest >>= 1;
    }
    rest >>= 1;
    while rest > 0 {
        square = square * square;
        if rest & 1 == 1 {
            power *= square;
        }
        rest >>= 1;
    }
    power
}

/// `first · base^exponent` by the binary method, of several numbers at a time, since the loop over
/// bits does not unroll.
#[inline(always)]
pub(super) fn whole_powers<T: Copy + Mul<Output = T>, const N: usize>(
    base: [T; N],
    exponent: u32,
    first: [T; N],
) -> [T; N] {
    let (mut square, mut power, mut rest) = (base, first, exponent);
    loop {
        if rest & 1 == 1 {
            for (power, square) in power.iter_mut().zip(square) {
                *power = *power * square;
            }
        }
        rest >>= 1;
        if rest == 0 {
            return power;
        }
        for square in &mut square {
            *square = *square * *square;
        }
    }
}

/// `t^p` for t in [0, 1] and p > 0. The relative error is near 1e-6 where the result is above
/// 2^-24; t = 0 gives a result below 2^-100 for p ≥ 1.
#[inline(always)]
pub(super) fn general_power<S: Simd>(t: F32s<S>, p: F32s<S>) -> F32s<S> {
    exp2(log2(t) * p)
}

/// log2 of normal positive numbers. The relative precision also holds near 1, since the result is
/// multiplied by p: `t = m·2^e` with m in [√½, √2), `log2 t = e + f·Q(f)`, f = m − 1.
#[inline(always)]
pub(super) fn log2<S: Simd>(t: F32s<S>) -> F32s<S> {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    const ONE: u32 = 0x3f80_0000;
    // Minimax on [√½ − 1, √2 − 1], relative error 1.7e-7.
    const Q: [f32; 8] = [
        std::f32::consts::LOG2_E,
        -0.721_352_8,
        0.480_923_23,
        -0.360_239_62,
        0.287_098_95,
        -0.248_877_46,
        0.234_040_55,
        -0.145_807_45,
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
    const P: [f32; 6] = [
        1.000_000_1,
        0.693_146_97,
        0.240_221_2,
        0.055_507_133,
        0.009_675_541,
        0.001_327_646,
    ];
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
    fn quick_exponents_are_at_most_a_third_apart() {
        for p in (80..10_000).map(|tenths| tenths as f32 / 10.0) {
            let quick = quick_exponent(p).unwrap();
            assert!(
                (quick / p).ln().abs() <= 0.5 * (4.0f32 / 3.0).ln(),
                "{p}: {quick}"
            );
            assert!(quick_half(quick).is_some());
        }
        assert_eq!(
            (
                quick_exponent(8.0),
                quick_exponent(11.0),
                quick_exponent(7.0),
                quick_exponent(1001.0)
            ),
            (Some(8.0), Some(12.0), None, None)
        );
    }

    #[macerator::with_simd]
    fn powers<S: Simd>(t: &[f32], p: f32) -> Vec<f32> {
        let mut out = vec![0.0; t.len()];
        for (t, out) in t.chunks_exact(16).zip(out.chunks_exact_mut(16)) {
            for at in (0..16).step_by(<f32 as macerator::Scalar>::lanes::<S>()) {
                // SAFETY: both chunks hold 16 numbers, a multiple of every vector length.
                unsafe {
                    let power = general_power::<S>(
                        macerator::vload_unaligned(t.as_ptr().add(at)),
                        splat(p),
                    );
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
            let t: Vec<f32> = (0..1600)
                .map(|k| smallest + (1.0 - smallest) * k as f32 / 1599.0)
                .collect();
            for (t, got) in t.iter().zip(powers(&t, p)) {
                let want = f64::from(*t).powf(f64::from(p));
                assert!(
                    (f64::from(got) - want).abs() <= 4e-6 * want,
                    "{t}^{p} = {want}, got {got}"
                );
            }
        }
    }
}
