//! Pruning: drops weights, for exactly the same function or for another one with its own certificates.

mod dead_units;
mod domain;
mod support;
