//! The command line `linf`.
fn main() {}
