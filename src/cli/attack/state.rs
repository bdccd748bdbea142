//! The state files of `linf attack`: what was asked, and what has come of it; shards of the work, and their
//! sum.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::attack::{Attack, Outcome};
use crate::cli::target::write;
use crate::cli::{CliError, read};
use crate::data::sha256_hex;

/// What the command was asked: another question needs another state file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) model_sha256: String,
    pub(super) dataset: String,
    pub(super) epsilon: String,
    pub(super) attack: Attack,
    pub(super) images: usize,
    pub(super) queries_per_image: u64,
    pub(super) reference: u64,
    pub(super) seed: u32,
    /// Ticks per pixel level.
    pub(super) scale: u32,
    pub(super) shard: Shard,
}

/// One of several equal parts of the work: the images whose number leaves a remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Shard {
    /// Counted from 1.
    index: usize,
    of: usize,
}

impl Shard {
    /// All images.
    pub(super) const WHOLE: Self = Self { index: 1, of: 1 };

    /// The indices that this shard has, of so many images.
    pub(super) fn indices(self, images: usize) -> impl Iterator<Item = usize> {
        (self.index - 1..images).step_by(self.of)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/');
        let parsed = numbers.and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match parsed {
            Some((index, of)) if (1..=of).contains(&index) => Ok(Self { index, of }),
            _ => Err("a shard is written like 2/8, the second of eight".into()),
        }
    }
}

/// The state file: the question, and what has come of the first images.
#[derive(Serialize, Deserialize)]
struct State {
    question: Question,
    outcome: Outcome,
    /// Of question and outcome, as JSON with sorted keys: counts that somebody edited are not counted on.
    sha256: String,
}

impl State {
    fn new(question: &Question, outcome: &Outcome) -> Self {
        let counts = serde_json::to_vec(&json!([question, outcome]));
        Self {
            question: question.clone(),
            outcome: outcome.clone(),
            sha256: sha256_hex(&counts.expect("strings and numbers are JSON")),
        }
    }
}

/// Reads the state file's outcome of the same question; without a file there is none yet.
pub(super) fn begun(path: &Path, question: &Question) -> Result<Outcome, CliError> {
    if !path.exists() {
        return Ok(Outcome::default());
    }
    let state = read_state(path)?;
    if state.question != *question {
        return Err(CliError::OtherQuestion { path: path.into() });
    }
    Ok(state.outcome)
}

/// Reads a state file whose counts are those that were written.
fn read_state(path: &Path) -> Result<State, CliError> {
    let state: State = serde_json::from_slice(&read(path)?).map_err(|source| CliError::State {
        path: path.into(),
        source,
    })?;
    match state.sha256 == State::new(&state.question, &state.outcome).sha256 {
        true => Ok(state),
        false => Err(CliError::EditedState { path: path.into() }),
    }
}

pub(super) fn write_state(
    path: &Path,
    question: &Question,
    outcome: &Outcome,
) -> Result<(), CliError> {
    let state = serde_json::to_vec(&State::new(question, outcome));
    write(path, &state.expect("strings and numbers are JSON"))
}

/// Adds the outcomes of all shards, whose state files these are. Fails if they are no complete set.
pub(super) fn merged(paths: &[PathBuf]) -> Result<(Question, Outcome), CliError> {
    let mut states = Vec::new();
    for path in paths {
        states.push((path, read_state(path)?));
    }
    // In their order, so that the sum does not depend on that of the arguments.
    states.sort_by_key(|(_, state)| state.question.shard.index);
    let refuse = |path: &Path, reason: String| {
        Err(CliError::Shards {
            path: path.into(),
            reason,
        })
    };
    let mut question = states[0].1.question.clone();
    let of = question.shard.of;
    let mut outcome = Outcome::default();
    for (expected, (path, state)) in (1..).zip(states) {
        let Shard { index, .. } = state.question.shard;
        question.shard.index = index;
        if state.question != question {
            return refuse(path, "it is of other attacks, or of other shards".into());
        }
        if index < expected {
            return refuse(path, format!("shard {index} is there twice"));
        }
        if index > expected {
            return refuse(path, format!("shard {expected} of {of} is missing"));
        }
        let images = question.shard.indices(question.images).count() as u64;
        if state.outcome.images != images {
            let done = state.outcome.images;
            return refuse(path, format!("only {done} of its {images} images are done"));
        }
        outcome += state.outcome;
        if index == of {
            question.shard = Shard::WHOLE;
        }
    }
    if question.shard != Shard::WHOLE {
        let missing = question.shard.index + 1;
        return refuse(&paths[0], format!("shard {missing} of {of} is missing"));
    }
    Ok((question, outcome))
}
