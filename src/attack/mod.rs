//! Attacks: the search for a perturbation within a radius that takes a network's label away.
//!
//! A proof says that there is none; an attack that finds one says where the proof must end, and
//! one that finds none within a certificate, try after try, tests the code that proved it. So
//! every try counts, every perturbed image stays within the radius and in 0…255 on its grid, and
//! a tie counts as a flip.
//!
//! A [`Run`] is one attack on one image: plain data that is advanced by a number of tries at a
//! time, so that a page can show it at work. What it attacks is a [`Target`], of which there are
//! two kinds: the exact integer network ([`ExactTarget`]) and the ordinary networks that it is
//! compared with. Everything random comes from one seed. There is no Burn, JavaScript, thread or
//! file in here.
//!
//! Lengths are in units of 1/S of a pixel level, as in [`crate::exact`], unless they say
//! otherwise.

mod ball;
mod campaign;
mod exact;
mod gradient;
mod path;
mod random;
mod record;
mod run;
mod smallest;
mod square;
mod target;

pub use ball::{Ball, Grid};
pub use campaign::{Campaign, KEPT, Kept, Outcome, Violation};
pub use exact::{Entered, ExactTarget};
pub use gradient::Pgd;
pub use record::{Found, Perturbed, Sample, label};
pub use run::{Attack, AttackError, Run, Settings, own_label};
pub use smallest::Bracket;
pub use target::{Change, Smoothing, Target, strongest_rival};
