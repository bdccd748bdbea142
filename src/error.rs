//! Errors as one sentence, for people: on the terminal and in the page.

use std::error::Error;

/// An error with its causes, in one line.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
