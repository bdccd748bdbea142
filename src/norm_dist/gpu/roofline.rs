//! The arithmetic roofline: the rate of the arithmetic of a distance alone, which bounds any kernel on
//! this GPU.
//!
//! Each invocation computes 4 × 4 terms again and again from numbers in its registers, with the
//! operations of the kernels, and touches memory only at its end.

use std::fmt;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};
use burn::tensor::DType;
use burn_cubecl::CubeBackend;
use cubecl::prelude::*;

use super::super::Norm;
use super::{BLOCK, SIDE, empty, integer_power, multiplied_half, workgroup};

/// The arithmetic of one term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `max(|x − w|)`: p = ∞.
    Largest,
    /// `(x − w)^(2·half)`, by multiplications.
    Multiplied(u32),
    /// `|x − w|^p`, by a logarithm and an exponential.
    Exponential,
}

impl Arithmetic {
    /// The arithmetic that the kernels spend on a term of the norm.
    pub fn of(norm: Norm) -> Self {
        match norm {
            Norm::Inf => Self::Largest,
            Norm::P(p) => multiplied_half(p).map_or(Self::Exponential, Self::Multiplied),
        }
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Largest => write!(f, "difference, absolute value, maximum"),
            Self::Multiplied(half) => {
                write!(f, "difference, power {} by multiplications, sum", 2 * half)
            }
            Self::Exponential => write!(f, "difference, logarithm, product, exponential, sum"),
        }
    }
}

/// Terms that one workgroup computes in one round.
pub const TERMS: usize = SIDE * SIDE * BLOCK * BLOCK;

/// The arithmetic alone, as a backend provides it.
#[backend_extension(Cube)]
pub trait Roofline: Backend {
    /// Computes [`TERMS`] terms a round in each of `workgroups`, and returns a number of each invocation
    /// that depends on all of its terms. `seed` is `[1, 8]` with any values.
    fn roofline(
        seed: FloatTensor<Self>,
        workgroups: usize,
        rounds: usize,
        arithmetic: Arithmetic,
    ) -> FloatTensor<Self>;
}

impl Roofline for CubeBackend {
    fn roofline(
        seed: FloatTensor<Self>,
        workgroups: usize,
        rounds: usize,
        arithmetic: Arithmetic,
    ) -> FloatTensor<Self> {
        assert_eq!(seed.dtype, DType::F32);
        let result = empty(&seed, [workgroups, SIDE * SIDE], seed.dtype);
        // SAFETY: the seed has the numbers that are read, and the result a place for each invocation.
        unsafe {
            terms::launch_unchecked(
                &seed.client,
                CubeCount::Static(workgroups as u32, 1, 1),
                workgroup(),
                seed.clone().into_buffer_arg(),
                result.clone().into_buffer_arg(),
                rounds,
                arithmetic,
            );
        }
        result
    }
}

#[cube(launch_unchecked)]
fn terms(seed: &[f32], result: &mut [f32], rounds: usize, #[comptime] arithmetic: Arithmetic) {
    let mut x = Array::<f32>::new(BLOCK);
    let mut w = Array::<f32>::new(BLOCK);
    let mut sums = Array::<f32>::new(BLOCK * BLOCK);
    #[unroll]
    for k in 0..BLOCK {
        x[k] = seed[k] + UNIT_POS as f32;
        w[k] = seed[BLOCK + k];
    }
    #[unroll]
    for k in 0..BLOCK * BLOCK {
        sums[k] = 0.0f32;
    }
    let step = seed[0];
    for _ in 0..rounds {
        #[unroll]
        for i in 0..BLOCK {
            // One more operation for every four terms makes every round different.
            x[i] += step;
            #[unroll]
            for j in 0..BLOCK {
                let k = i * BLOCK + j;
                let d = x[i] - w[j];
                match comptime!(arithmetic) {
                    Arithmetic::Largest => sums[k] = sums[k].max(d.abs()),
                    Arithmetic::Multiplied(half) => sums[k] += integer_power(d * d, half),
                    Arithmetic::Exponential => sums[k] += (d.abs().ln() * w[j]).exp(),
                }
            }
        }
    }
    let mut sum = 0.0f32;
    #[unroll]
    for k in 0..BLOCK * BLOCK {
        sum += sums[k];
    }
    result[CUBE_POS * comptime!(SIDE * SIDE) + UNIT_POS as usize] = sum;
}
