//! The ℓ∞-dist layer's distance, `u[b, o] = ‖x[b] − w[o]‖_p`, for p ≥ 1 and p = ∞.
//!
//! Training replaces the max of the ℓ∞-dist neuron by an ℓp norm whose p grows from 8 to hundreds and
//! ends at ∞ (Zhang et al., ICML 2021, section 4). Burn has no such operation. Written with
//! broadcasting it would build a `[batch, outputs, inputs]` tensor, so it has kernels of its own here:
//!
//! - [`mod@reference`]: the specification, in plain f64 loops;
//! - [`cpu`]: the same in f32 on slices, vectorised and threaded;
//! - `gpu`: the same as GPU kernels, in the browser and natively;
//! - `extension`: the operation as a Burn backend extension with its gradients;
//! - `sparse`: the same for pruned layers, on the CPU.

pub mod cpu;
mod extension;
#[cfg(feature = "webgpu")]
mod gpu;
mod power;
pub mod reference;
mod sparse;

pub use extension::{Distances, NormDist, norm_dist};
#[cfg(feature = "webgpu")]
pub use gpu::{Arithmetic, ROOFLINE_TERMS, Roofline};
pub use sparse::{SparseNormDist, sparse_norm_dist};

/// The norm that a layer takes of `x − w`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Norm {
    /// ‖·‖_p for a finite p ≥ 1.
    P(f32),
    /// ‖·‖∞, the largest absolute difference.
    Inf,
}

impl Norm {
    /// Returns the norm of the quick exponent nearest to `p`, which the kernels compute with few
    /// multiplications; of `p` itself outside 8 to 1000.
    ///
    /// Quick exponents are at most a third apart, so that an exponential growth of p stays close to
    /// them.
    pub fn quick(p: f32) -> Self {
        Norm::P(power::quick_exponent(p).unwrap_or(p))
    }

    /// Returns the norm of a quick exponent. In a constant, other exponents do not compile.
    ///
    /// # Panics
    /// If `p` is not in the table of quick exponents.
    pub(crate) const fn of_quick(p: u32) -> Self {
        assert!(power::is_quick(p), "this is no quick exponent");
        Norm::P(p as f32)
    }

    /// # Panics
    /// If p < 1 or not finite.
    fn check(self) {
        if let Norm::P(p) = self {
            assert!(
                p.is_finite() && p >= 1.0,
                "the norm needs a finite p of at least 1, not {p}; use Norm::Inf for p = ∞"
            );
        }
    }

    /// The p as a number, infinite for ‖·‖∞.
    pub fn p(self) -> f32 {
        match self {
            Norm::P(p) => p,
            Norm::Inf => f32::INFINITY,
        }
    }
}

/// Sizes of one distance computation: `x` is `[batch, inputs]`, `w` is `[outputs, inputs]`,
/// `u` is `[batch, outputs]`, all row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows of `x`.
    pub batch: usize,
    /// Rows of `w`.
    pub outputs: usize,
    /// Columns of both.
    pub inputs: usize,
}

impl Sizes {
    /// # Panics
    /// If a slice does not have the length that the sizes give it, there are no inputs, or p < 1.
    fn check(self, x: &[f32], w: &[f32], norm: Norm) {
        assert!(self.inputs > 0, "a distance needs at least one input");
        assert_eq!(
            x.len(),
            self.batch * self.inputs,
            "x must be [batch, inputs]"
        );
        assert_eq!(
            w.len(),
            self.outputs * self.inputs,
            "w must be [outputs, inputs]"
        );
        norm.check();
    }
}
