//! Attacks in many starts at once, as a GPU runs them, and their twin on the CPU.
//!
//! A GPU pays for many images at a time and for few answers. So a round has some thousand *lanes*, each
//! with an image of its own that moves from step to step without a look at the others, and only the count,
//! the smallest margin and the strongest image come back. Every number is whole: the perturbations come
//! from a counter, so they are made where they are evaluated, and the surrogate gradients are integers,
//! whose sums have no order. Therefore a GPU makes the same queries as [`Lanes`], which is the
//! specification and an attack on the CPU as well.
//!
//! These attacks are the relatives of those of [`Method`](super::Method), not the same: same idea, other
//! random numbers, other surrogate, more starts.
//!
//! | module | what it holds |
//! |---|---|
//! | `plan` | [`ParallelAttack`]: which rounds there are, and of which lanes and steps they consist |
//! | `random` | numbers from a counter |
//! | `surrogate` | the integer surrogate gradient |
//! | `lanes` | [`Lanes`]: the lanes of a round on the CPU |
//! | `run` | [`ParallelRun`]: one attack on one image, whoever evaluates it |

mod lanes;
mod plan;
mod random;
mod run;
mod surrogate;

pub use lanes::Lanes;
pub use plan::{LANES, Lane, ParallelAttack, ParallelMethod, Round, Start};
pub use run::{Outcome, ParallelRun, ParallelSettings, Part, Strongest};
#[cfg(feature = "gpu")]
pub(crate) use {lanes::margin, surrogate::one};
