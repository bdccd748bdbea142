//! Which methods an attack runs, and in which order.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::method::{Method, registered};

/// The name of an attack or of a method.
pub type AttackName = Cow<'static, str>;

/// An attack: one method, several by turns, or the minimum-norm attack with them. Serialized as its
/// name.
#[derive(Clone, Debug)]
pub struct Attack {
    plan: Plan,
    /// At least one.
    methods: Vec<Arc<dyn Method>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// The one method.
    Single,
    /// All methods but the first by turns, without end; the first takes the turns of those that have
    /// only one round.
    All,
    /// The same methods at one radius after the other.
    MinNorm,
}

const ALL: &str = "all";
const MIN_NORM: &str = "min_norm";

impl Attack {
    /// One method.
    pub fn single(method: impl Method + 'static) -> Self {
        Self {
            plan: Plan::Single,
            methods: vec![Arc::new(method)],
        }
    }

    /// All registered methods by turns, until the run is stopped.
    pub fn all() -> Self {
        Self {
            plan: Plan::All,
            methods: registered(),
        }
    }

    /// Minimum-norm: searches for the smallest radius at which one of the registered methods succeeds.
    pub fn min_norm() -> Self {
        Self {
            plan: Plan::MinNorm,
            methods: registered(),
        }
    }

    /// Every registered method by itself, then the minimum-norm attack, then all by turns.
    pub fn registered() -> Vec<Self> {
        let single = registered().into_iter().map(|method| Self {
            plan: Plan::Single,
            methods: vec![method],
        });
        single.chain([Self::min_norm(), Self::all()]).collect()
    }

    /// The attack of [`registered`](Self::registered) with that name.
    pub fn named(name: &str) -> Option<Self> {
        let mut attacks = Self::registered().into_iter();
        attacks.find(|attack| attack.name() == name)
    }

    /// Adds a method to those that take turns, in place of one of the same name. An attack with a single
    /// method takes only one of the same name.
    #[must_use]
    pub fn with(mut self, method: impl Method + 'static) -> Self {
        let method: Arc<dyn Method> = Arc::new(method);
        let mut same = self.methods.iter_mut();
        match same.find(|other| other.name() == method.name()) {
            Some(other) => *other = method,
            None if self.plan == Plan::Single => {}
            None => self.methods.push(method),
        }
        self
    }

    /// The same attack in shorter rounds: [`Method::shortened`].
    #[must_use]
    pub fn shortened(mut self) -> Self {
        for method in &mut self.methods {
            if let Some(short) = method.shortened() {
                *method = short;
            }
        }
        self
    }

    /// The name in JSON, in links and on the command line.
    pub fn name(&self) -> &'static str {
        match self.plan {
            Plan::Single => self.methods[0].name(),
            Plan::All => ALL,
            Plan::MinNorm => MIN_NORM,
        }
    }

    /// The name for people.
    pub fn title(&self) -> &'static str {
        match self.plan {
            Plan::Single => self.methods[0].title(),
            Plan::All => "All attacks",
            Plan::MinNorm => "Minimum norm",
        }
    }

    /// What it does, in a few words.
    pub fn summary(&self) -> &'static str {
        match self.plan {
            Plan::Single => self.methods[0].summary(),
            Plan::All => "all of these by turns, until it is stopped",
            Plan::MinNorm => {
                "all of these at one radius after the other, for the smallest that succeeds"
            }
        }
    }

    /// Whether it searches for the smallest radius, instead of attacking at one.
    pub fn is_min_norm(&self) -> bool {
        self.plan == Plan::MinNorm
    }

    /// Whether it goes on until it is stopped, unless its number of rounds is limited.
    pub(super) fn is_endless(&self) -> bool {
        match self.plan {
            Plan::Single => self.methods[0].endless(),
            Plan::All => true,
            Plan::MinNorm => false,
        }
    }

    /// Whether a second round would try other images than the first.
    pub(super) fn repeats(&self) -> bool {
        self.plan != Plan::Single || self.methods[0].repeats()
    }

    /// Rounds that an image has to withstand in a robustness evaluation: of several methods, two turns
    /// of each. The minimum-norm attack has one sweep.
    pub(super) fn rounds(&self) -> u64 {
        match self.plan {
            Plan::Single => self.methods[0].rounds(),
            Plan::All => 2 * self.turns().len() as u64,
            Plan::MinNorm => 1,
        }
    }

    /// The methods that take turns.
    pub(super) fn turns(&self) -> &[Arc<dyn Method>] {
        match self.plan {
            Plan::Single => &self.methods,
            Plan::All | Plan::MinNorm => &self.methods[1..],
        }
    }

    /// The method of the round after `begun` others, and how many rounds it has had.
    pub(super) fn turn(&self, begun: u64) -> (&Arc<dyn Method>, u64) {
        let turns = self.turns();
        let count = turns.len() as u64;
        let (method, round) = (&turns[(begun % count) as usize], begun / count);
        if self.plan == Plan::All && round > 0 && !method.repeats() {
            return (&self.methods[0], 0);
        }
        (method, round)
    }
}

impl PartialEq for Attack {
    /// By name.
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Attack {}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Attack {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Attack {
    /// Knows the registered attacks.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            let names: Vec<_> = Self::registered().iter().map(Self::name).collect();
            let names = names.join("`, `");
            D::Error::custom(format!(
                "unknown attack `{name}`, expected one of `{names}`"
            ))
        })
    }
}
