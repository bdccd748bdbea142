//! The metadata entries of a safetensors file, which are all strings.

use std::collections::HashMap;
use std::str::FromStr;

use thiserror::Error;

use super::lineage::{Lineage, LineageError};
use crate::exact::{Epsilon, EpsilonError};

/// What a fraction is expected to be.
const FRACTION: &str = "a fraction from 0 to 1 in decimal";

/// Why a metadata entry cannot be used.
#[derive(Debug, Error)]
pub enum EntryError {
    /// It is missing.
    #[error("the file's metadata lack `{0}`")]
    Missing(&'static str),
    /// It cannot be understood.
    #[error("the file's metadata say `{key}` is {value:?}, but {expected} is expected")]
    Value {
        /// Name of the entry.
        key: &'static str,
        /// What the file says.
        value: String,
        /// What it should say.
        expected: &'static str,
    },
    /// Its ε is none.
    #[error("the file's metadata hold no valid ε")]
    Epsilon(#[from] EpsilonError),
    /// Its lineage is none.
    #[error("the file's `lineage` cannot be used")]
    Lineage(#[from] LineageError),
}

/// The metadata entries of a file.
pub(crate) struct Entries(pub HashMap<String, String>);

impl Entries {
    pub fn find(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub fn get(&self, key: &'static str) -> Result<&str, EntryError> {
        self.find(key).ok_or(EntryError::Missing(key))
    }

    /// Whether the file has one of these entries; then it should have all of them.
    pub fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.0.contains_key(*key))
    }

    pub fn refuse(&self, key: &'static str, expected: &'static str) -> EntryError {
        EntryError::Value {
            key,
            value: self.find(key).unwrap_or_default().into(),
            expected,
        }
    }

    /// A whole number in plain digits.
    pub fn number<T: FromStr>(
        &self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<T, EntryError> {
        plain_number(self.get(key)?).ok_or_else(|| self.refuse(key, expected))
    }

    /// A fraction from 0 to 1.
    pub fn fraction(&self, key: &'static str) -> Result<f64, EntryError> {
        let text = self.get(key)?;
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let fraction = text.parse().ok().filter(|_| plain);
        let fraction = fraction.filter(|fraction| (0.0..=1.0).contains(fraction));
        fraction.ok_or_else(|| self.refuse(key, FRACTION))
    }

    pub fn epsilon(&self) -> Result<Epsilon, EntryError> {
        Ok(self.get("epsilon")?.parse()?)
    }

    pub fn lineage(&self) -> Result<Lineage, EntryError> {
        Ok(Lineage::from_json(self.get("lineage")?)?)
    }
}

/// The number that these digits are, without sign or leading zero.
pub(crate) fn plain_number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}
