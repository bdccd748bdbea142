//! How a model was made, as data: one operation after another, down to the training runs.
//!
//! A record that can be read by a program can be checked and repeated; a shell line cannot.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// Operations on top of one another that a file may record. A file that nests deeper is refused
/// before the nesting can exhaust the stack.
const MAX_DEPTH: usize = 32;

/// The operation that made a model or a checkpoint, and what it was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// What was done.
    pub operation: Operation,
    /// What the operation was given, by the names of the command's flags; of a training run its
    /// hyperparameters, and `interrupted_after` if it did not reach its end.
    pub arguments: Map<String, Value>,
    /// Seed of everything random, where there is something random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What it was made from, in the operation's order.
    pub parents: Vec<Parent>,
}

/// A file that an operation read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parent {
    /// SHA-256 of the unpacked file in lower-case hexadecimal; none where it was not kept.
    pub sha256: Option<String>,
    /// How it was made.
    pub lineage: Lineage,
}

/// What can be done to make a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Trains a net from its weight initialisation.
    Train,
    /// Trains the weights that a pruned model kept.
    Finetune,
    /// Quantizes a run's floats to an exact integer network.
    Export,
    /// Drops weights that decide near no training image, or near few.
    Prune,
    /// Joins models to one that adds up their logits.
    Ensemble,
    /// Takes one member out of an ensemble.
    Member,
    /// Something that this program does not know.
    #[serde(other)]
    Other,
}

/// Why a text is not a lineage.
#[derive(Debug, Error)]
pub enum LineageError {
    /// Not JSON of this shape.
    #[error("the lineage is not JSON as docs/model-format.md describes it")]
    Json(#[from] serde_json::Error),
    /// More operations on top of one another than are read.
    #[error("the lineage has more than {MAX_DEPTH} operations on top of one another")]
    Deep,
}

impl Lineage {
    /// An operation on files of these lineages, each with the SHA-256 of its file where that is known.
    pub fn new(
        operation: Operation,
        arguments: impl IntoIterator<Item = (&'static str, Value)>,
        parents: impl IntoIterator<Item = (Option<String>, Lineage)>,
    ) -> Self {
        let arguments = arguments.into_iter();
        let parents = parents.into_iter();
        Self {
            operation,
            arguments: arguments.map(|(key, value)| (key.into(), value)).collect(),
            seed: None,
            parents: parents
                .map(|(sha256, lineage)| Parent { sha256, lineage })
                .collect(),
        }
    }

    /// Reads the JSON of a file. Fails where it is of another shape or nests too deep.
    pub fn from_json(text: &str) -> Result<Self, LineageError> {
        // Each operation is two levels of JSON: itself and its list of parents. serde_json refuses
        // more than 128 levels on its own.
        let lineage: Self = serde_json::from_str(text)?;
        if lineage.depth() > MAX_DEPTH {
            return Err(LineageError::Deep);
        }
        Ok(lineage)
    }

    /// The JSON for a file; the same lineage always gives the same text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a lineage is plain data")
    }

    /// Operations on top of one another, this one included.
    fn depth(&self) -> usize {
        let parents = self.parents.iter();
        1 + parents
            .map(|parent| parent.lineage.depth())
            .max()
            .unwrap_or(0)
    }

    /// Every training run that the model comes from: `train` and `finetune`, the earliest first.
    pub fn runs(&self) -> Vec<&Self> {
        if let Some(member) = self.taken_out() {
            return member.runs();
        }
        let mut runs: Vec<_> = self.parents.iter().flat_map(|p| p.lineage.runs()).collect();
        if matches!(self.operation, Operation::Train | Operation::Finetune) {
            runs.push(self);
        }
        runs
    }

    /// The run that trained the weights last; none of an ensemble, whose members have one each.
    pub fn last_run(&self) -> Option<&Self> {
        match self.operation {
            Operation::Train | Operation::Finetune => Some(self),
            Operation::Export | Operation::Prune => self.parents.first()?.lineage.last_run(),
            Operation::Member => self.taken_out()?.last_run(),
            Operation::Ensemble | Operation::Other => None,
        }
    }

    /// How many members the model has, as far as its lineage tells.
    fn members(&self) -> usize {
        match self.operation {
            Operation::Ensemble => self.parents.iter().map(|p| p.lineage.members()).sum(),
            _ => 1,
        }
    }

    /// The lineage of the member of this `index`, counted from 0 through ensembles of ensembles.
    fn member(&self, mut index: usize) -> Option<&Self> {
        if self.operation != Operation::Ensemble {
            return (index == 0).then_some(self);
        }
        for parent in &self.parents {
            match parent.lineage.members() {
                members if index < members => return parent.lineage.member(index),
                members => index -= members,
            }
        }
        None
    }

    /// Of a member that was taken out of an ensemble: how it was made before it was joined.
    fn taken_out(&self) -> Option<&Self> {
        if self.operation != Operation::Member {
            return None;
        }
        let number = self.arguments.get("member")?.as_u64()?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.parents.first()?.lineage.member(index)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(seed: u64) -> Lineage {
        let arguments = [("dataset", json!("mnist")), ("held_out", json!(5000))];
        Lineage {
            seed: Some(seed),
            ..Lineage::new(Operation::Train, arguments, [])
        }
    }

    #[test]
    fn a_lineage_survives_its_file() {
        let export = |seed| {
            Lineage::new(
                Operation::Export,
                [("scale", json!(4))],
                [(None, run(seed))],
            )
        };
        let digest = Some("ab".repeat(32));
        let ensemble = Lineage::new(
            Operation::Ensemble,
            [],
            [(digest.clone(), export(1)), (digest.clone(), export(2))],
        );
        let read = Lineage::from_json(&ensemble.to_json()).unwrap();
        assert_eq!(read, ensemble);
        let seeds: Vec<_> = read.runs().iter().map(|run| run.seed).collect();
        assert_eq!(seeds, [Some(1), Some(2)]);
        assert!(read.last_run().is_none());
        let both = Lineage::new(Operation::Ensemble, [], [(None, export(3)), (digest, read)]);
        for (number, seed) in [(1, 3), (2, 1), (3, 2)] {
            let parent = [(None, both.clone())];
            let member = Lineage::new(Operation::Member, [("member", json!(number))], parent);
            assert_eq!(member.last_run().unwrap().seed, Some(seed));
            assert_eq!(member.runs().len(), 1);
        }
    }

    #[test]
    fn other_operations_are_read_and_endless_nesting_is_refused() {
        let unknown = r#"{"operation":"guess","arguments":{},"parents":[]}"#;
        assert!(matches!(
            Lineage::from_json(unknown),
            Err(LineageError::Json(_))
        ));
        let deep = (0..MAX_DEPTH).fold(run(1), |parent, _| {
            Lineage::new(Operation::Prune, [], [(None, parent)])
        });
        assert!(Lineage::from_json(&deep.to_json()).is_err());
        let text = r#"{"operation":"prune","arguments":{},"parents":[{"sha256":null,"lineage":"#;
        assert!(Lineage::from_json(&text.repeat(10_000)).is_err());
    }
}
