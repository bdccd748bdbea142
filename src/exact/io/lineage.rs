//! The lineage of a model: which operation made it, with which arguments, from which files.
//!
//! It is a tree of plain data. The command line turns it into commands (`linf lineage`); nothing
//! that is proved depends on it.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Most operations that may lie one behind the other.
///
/// Each parent nests three JSON values, and readers commonly stop at 128.
pub const MAX_DEPTH: usize = 40;

/// Most bytes of a lineage as JSON.
pub const MAX_BYTES: usize = 1 << 20;

/// How a model was made.
///
/// One can only be had through [`Lineage::new`] and [`Lineage::from_json`], which bound its depth
/// and its size, so it always fits into a file that can be read again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lineage {
    operation: Operation,
    arguments: Arguments,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    parents: Vec<Parent>,
}

/// The arguments of an operation, by their names.
pub type Arguments = BTreeMap<String, Argument>;

/// A file that an operation read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parent {
    /// SHA-256 of the model file (unpacked) in lower-case hexadecimal; none where the operation read
    /// no model file, or the file is not known.
    pub sha256: Option<String>,
    /// How it was made.
    pub lineage: Lineage,
}

/// What made a model, or what a model was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Operation {
    /// A training run from random weights or from an identity.
    Train,
    /// A training run of the weights that a model has.
    Finetune,
    /// A checkpoint turned into an integer net.
    Export,
    /// Data-dependent pruning.
    Prune,
    /// Several models joined into one.
    Ensemble,
    /// One member taken out of a model.
    Member,
    /// A few more images taught to a finished net.
    Teach,
    /// A checkpoint of PyTorch turned into an integer net.
    Import,
    /// A training run in the page.
    Page,
    /// A training run of a baseline.
    Baseline,
    /// One that this program does not know.
    Other(String),
}

/// The value of an argument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Argument {
    /// True or false.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
    /// Several values.
    List(Vec<Argument>),
}

/// Why there can be no such lineage.
#[derive(Debug, Error)]
pub enum LineageError {
    /// Not JSON, or not of this shape.
    #[error("it is not the JSON of a lineage")]
    Json(#[from] serde_json::Error),
    /// Too many operations one behind the other.
    #[error("more than {MAX_DEPTH} operations lie one behind the other")]
    Depth,
    /// Too much text.
    #[error("it takes more than {MAX_BYTES} bytes")]
    Size,
    /// A digest that is none.
    #[error("`{0}` is not a SHA-256 of 64 lower-case hexadecimal digits")]
    Sha256(String),
    /// A text that would change what a terminal shows.
    #[error("{0:?} has control characters")]
    Control(String),
}

/// A lineage of which nothing has been checked.
#[derive(Deserialize)]
struct Unchecked {
    operation: Operation,
    arguments: Arguments,
    seed: Option<u64>,
    parents: Vec<UncheckedParent>,
}

#[derive(Deserialize)]
struct UncheckedParent {
    // Required, though it may be null.
    #[serde(deserialize_with = "Option::deserialize")]
    sha256: Option<String>,
    lineage: Unchecked,
}

impl Lineage {
    /// The lineage of what `operation` made with these arguments from `parents`, in their order.
    ///
    /// # Errors
    /// Fails when the tree is deeper than [`MAX_DEPTH`], its JSON longer than [`MAX_BYTES`], a digest
    /// is none, or a text has control characters.
    pub fn new(
        operation: Operation,
        arguments: Arguments,
        seed: Option<u64>,
        parents: Vec<Parent>,
    ) -> Result<Self, LineageError> {
        let lineage = Self {
            operation,
            arguments,
            seed,
            parents,
        };
        lineage.check()?;
        Ok(lineage)
    }

    /// Reads a lineage.
    ///
    /// # Errors
    /// Fails where [`Lineage::new`] does, and on text that is not the JSON of a lineage.
    pub fn from_json(json: &str) -> Result<Self, LineageError> {
        if json.len() > MAX_BYTES {
            return Err(LineageError::Size);
        }
        let unchecked: Unchecked = serde_json::from_str(json)?;
        let lineage = Self::from(unchecked);
        lineage.check()?;
        Ok(lineage)
    }

    /// The lineage as one line of JSON; the same lineage always gives the same text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and lists are JSON")
    }

    /// What was done last.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// What it was given, by name.
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// The seed of an operation that draws at random.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// What it was done with, in the operation's order.
    pub fn parents(&self) -> &[Parent] {
        &self.parents
    }

    /// An argument that is true or false; false if it is not there.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.arguments.get(name), Some(Argument::Bool(true)))
    }

    /// An argument that is a whole number from 0.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.arguments.get(name)? {
            Argument::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// An argument that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.arguments.get(name)? {
            Argument::Text(text) => Some(text),
            _ => None,
        }
    }

    /// How many members the net has, if the lineage tells.
    pub fn members(&self) -> Option<usize> {
        let known = !matches!(self.operation, Operation::Other(_));
        match self.operation {
            Operation::Ensemble => {
                let members = self.parents.iter().map(|parent| parent.lineage.members());
                members.sum()
            }
            Operation::Teach => self.parents.first()?.lineage.members(),
            _ => known.then_some(1),
        }
    }

    /// What the member of this index was joined from, if this is an ensemble and tells.
    pub fn member(&self, index: usize) -> Option<&Parent> {
        if self.operation != Operation::Ensemble {
            return None;
        }
        let mut first = 0;
        for parent in &self.parents {
            let members = parent.lineage.members()?;
            if index < first + members {
                return match members {
                    1 if parent.lineage.operation != Operation::Ensemble => Some(parent),
                    _ => parent.lineage.member(index - first),
                };
            }
            first += members;
        }
        None
    }

    fn check(&self) -> Result<(), LineageError> {
        if self.depth() > MAX_DEPTH {
            return Err(LineageError::Depth);
        }
        self.check_texts()?;
        match self.to_json().len() > MAX_BYTES {
            true => Err(LineageError::Size),
            false => Ok(()),
        }
    }

    /// Operations one behind the other.
    fn depth(&self) -> usize {
        let parents = self.parents.iter();
        1 + parents
            .map(|parent| parent.lineage.depth())
            .max()
            .unwrap_or(0)
    }

    fn check_texts(&self) -> Result<(), LineageError> {
        check_text(&self.operation.to_string())?;
        for (name, argument) in &self.arguments {
            check_text(name)?;
            argument.check()?;
        }
        for Parent { sha256, lineage } in &self.parents {
            if let Some(sha256) = sha256 {
                let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                if sha256.len() != 64 || !sha256.bytes().all(digit) {
                    return Err(LineageError::Sha256(sha256.escape_default().to_string()));
                }
            }
            lineage.check_texts()?;
        }
        Ok(())
    }
}

impl Parent {
    /// Reads a parent.
    ///
    /// # Errors
    /// Fails where [`Lineage::from_json`] does.
    pub fn from_json(json: &str) -> Result<Self, LineageError> {
        if json.len() > MAX_BYTES {
            return Err(LineageError::Size);
        }
        let unchecked: UncheckedParent = serde_json::from_str(json)?;
        let parent = Self::from(unchecked);
        parent.lineage.check()?;
        // The digest is checked as that of a parent.
        Lineage::new(Operation::Export, Arguments::new(), None, vec![parent])
            .map(|mut lineage| lineage.parents.remove(0))
    }

    /// The parent as one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and lists are JSON")
    }
}

impl Argument {
    fn check(&self) -> Result<(), LineageError> {
        match self {
            Self::Bool(_) | Self::Number(_) => Ok(()),
            Self::Text(text) => check_text(text),
            Self::List(values) => values.iter().try_for_each(Self::check),
        }
    }
}

fn check_text(text: &str) -> Result<(), LineageError> {
    match text.chars().any(char::is_control) {
        true => Err(LineageError::Control(text.into())),
        false => Ok(()),
    }
}

impl From<Unchecked> for Lineage {
    fn from(unchecked: Unchecked) -> Self {
        let Unchecked {
            operation,
            arguments,
            seed,
            parents,
        } = unchecked;
        Self {
            operation,
            arguments,
            seed,
            parents: parents.into_iter().map(Parent::from).collect(),
        }
    }
}

impl From<UncheckedParent> for Parent {
    fn from(unchecked: UncheckedParent) -> Self {
        Self {
            sha256: unchecked.sha256,
            lineage: unchecked.lineage.into(),
        }
    }
}

impl Display for Operation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Finetune => "finetune",
            Self::Export => "export",
            Self::Prune => "prune",
            Self::Ensemble => "ensemble",
            Self::Member => "member",
            Self::Teach => "teach",
            Self::Import => "import",
            Self::Page => "page",
            Self::Baseline => "baseline",
            Self::Other(name) => name,
        })
    }
}

impl From<String> for Operation {
    fn from(name: String) -> Self {
        match &*name {
            "train" => Self::Train,
            "finetune" => Self::Finetune,
            "export" => Self::Export,
            "prune" => Self::Prune,
            "ensemble" => Self::Ensemble,
            "member" => Self::Member,
            "teach" => Self::Teach,
            "import" => Self::Import,
            "page" => Self::Page,
            "baseline" => Self::Baseline,
            _ => Self::Other(name),
        }
    }
}

impl From<Operation> for String {
    fn from(operation: Operation) -> Self {
        operation.to_string()
    }
}

impl From<bool> for Argument {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Argument {
    fn from(value: u64) -> Self {
        Self::Number(value.into())
    }
}

impl From<&str> for Argument {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Argument {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
