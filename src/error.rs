//! Errors as one line of text, for the terminal and the page.

use std::error::Error;

/// Joins an error and its causes in one line.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
