//! Pruning: fewer weights, exactly the same function or another one whose own certificates hold.

mod dead_units;
mod domain;
mod support;
