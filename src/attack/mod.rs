//! Attacks: the search for a perturbation within a radius that takes a network's label away.
//!
//! A proof says that there is none; an attack that finds one says where the proof must end, and
//! one that finds none within a certificate, try after try, tests the code that proved it. So
//! every try counts, every perturbed image stays within the radius and in 0…255 on its grid, and
//! a tie counts as a flip.
//!
//! A [`Run`] is one attack on one image: plain data that is advanced by a number of queries at a
//! time, so that a page can show it at work. What it attacks is a [`Classifier`], of which there are
//! two kinds: the exact integer network ([`ExactClassifier`]) and the baselines that it is
//! compared with. Everything random comes from one seed. There is no Burn, JavaScript, thread or
//! file in here.
//!
//! Lengths are in ticks of 1/S of a pixel level, as in [`crate::exact`], unless they say
//! otherwise.

mod argmax_path;
mod ball;
mod classifier;
mod exact;
mod min_norm;
mod perturbation;
mod pgd;
mod random;
mod robustness;
mod run;
mod square;

pub use ball::{Ball, Grid};
pub use classifier::{Change, Classifier, Surrogate, runner_up_of};
pub use exact::{Entered, ExactClassifier};
pub use min_norm::Bracket;
pub use perturbation::{Found, Perturbed, Sample, label};
pub use pgd::Pgd;
pub use robustness::{KEPT, Kept, Outcome, RobustnessEvaluation, Violation};
pub use run::{Attack, AttackError, Run, Settings, own_label};
