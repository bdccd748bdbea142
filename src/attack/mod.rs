//! Attacks: search for a perturbation within a radius that changes a network's label.
//!
//! A certificate says that there is none. An attack that succeeds bounds the robust radius from above,
//! and attacks inside certificates test the code that certified. Every query is counted, every
//! perturbed image stays within the radius and in 0…255 on its grid, and a tie counts as misclassified.
//!
//! A [`Method`] is one way to search: FGSM, PGD, Square and others, which `method.rs` registers. An
//! [`Attack`] is a method, or several. A [`Run`] is one attack on one image, advanced by a number of
//! queries at a time, so that a page can show it at work. It attacks a [`Classifier`]: the exact integer network
//! ([`ExactClassifier`]) or a baseline. [`RobustnessEvaluation`] attacks a whole test set. Everything
//! random comes from one seed. [`parallel`] has attacks in many starts at once, for a GPU. Nothing here depends on Burn, JavaScript, threads or files.
//!
//! Inputs are plain integers in ticks of 1/S of a pixel level, as in [`crate::exact`]; radii are
//! [`Ticks`](crate::exact::Ticks).

mod argmax_path;
mod ball;
mod classifier;
mod exact;
mod method;
mod min_norm;
pub mod parallel;
mod perturbation;
mod pgd;
mod plan;
mod random;
mod robustness;
mod run;
mod square;

pub use argmax_path::ArgmaxPath;
pub use ball::{Ball, Grid};
pub use classifier::{Change, Classifier, Surrogate, runner_up_of};
pub use exact::{Entered, ExactClassifier};
pub use method::{Context, Method, Round};
pub use min_norm::Bracket;
pub use perturbation::{Found, Perturbed, Sample, label};
pub use pgd::{Fgsm, Pgd};
pub use plan::{Attack, AttackName};
pub use random::Random;
pub use robustness::{KEPT, Kept, Outcome, RobustnessEvaluation, Violation};
pub use run::{AttackError, Run, Settings, own_label};
pub use square::Square;
