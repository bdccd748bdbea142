//! The names of classes that are numbers, as EMNIST ships them: `emnist-letters-mapping.txt`.
//!
//! Each line is a label and the code of its character, or of two, as upper and lower case: `1 65 97`.

use std::collections::HashMap;

use super::problem::{At, ImportError, Wrong};
use super::{Importer, MOST_CLASSES};

/// Most bytes of such a file: each of its lines has three short numbers.
const MOST_BYTES: usize = 32 * MOST_CLASSES;

/// Names by labels.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    /// The file they are from.
    file: String,
    names: HashMap<u64, String>,
}

/// Whether a file holds nothing but labels and codes.
pub(super) fn is_mapping(bytes: &[u8]) -> bool {
    bytes.len() <= MOST_BYTES && parse(bytes).is_some_and(|names| !names.is_empty())
}

fn parse(bytes: &[u8]) -> Option<Vec<(u64, String)>> {
    let lines = str::from_utf8(bytes).ok()?.lines();
    let lines = lines.filter(|line| !line.trim().is_empty());
    lines.map(named).collect()
}

/// The label and the name of a line.
fn named(line: &str) -> Option<(u64, String)> {
    let mut numbers = line.split_ascii_whitespace().map(str::parse::<u32>);
    let label = numbers.next()?.ok()?;
    let character = |code: Result<u32, _>| char::from_u32(code.ok()?).filter(|c| !c.is_control());
    let name: String = numbers.map(character).collect::<Option<_>>()?;
    let is_name = (1..=2).contains(&name.chars().count());
    is_name.then_some((label.into(), name))
}

impl Importer {
    /// Keeps the names until all classes are known.
    pub(super) fn add_mapping(&mut self, file: &str, bytes: &[u8]) {
        if !self.mapping.names.is_empty() {
            return self.refuse(file, At::File, Wrong::SeveralMappings);
        }
        self.mapping = Mapping {
            file: file.into(),
            names: parse(bytes).unwrap_or_default().into_iter().collect(),
        };
    }

    /// Gives the classes that are numbers their names. A mapping that names none of them is a problem.
    pub(super) fn name_classes(&mut self) -> Result<(), ImportError> {
        let Mapping { file, names } = std::mem::take(&mut self.mapping);
        let mut named = HashMap::new();
        let mut is_used = names.is_empty();
        for (class, label) in std::mem::take(&mut self.classes) {
            let number = class.parse().ok();
            let name = number.and_then(|number: u64| names.get(&number));
            is_used |= name.is_some();
            let name = name.cloned().unwrap_or(class);
            if named.insert(name.clone(), label).is_some() {
                return Err(ImportError::SameName(name));
            }
        }
        self.classes = named;
        if !is_used {
            self.refuse(&file, At::File, Wrong::UnusedMapping);
        }
        Ok(())
    }
}
