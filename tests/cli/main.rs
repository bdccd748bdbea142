//! The command line `linf` from outside.
#![cfg(all(not(target_arch = "wasm32"), feature = "cli"))]

mod attack;
mod baseline;
mod certify;
mod curve;
mod exact;
mod formats;
#[cfg(feature = "pytorch")]
mod import;
mod own_data;
mod teach;
mod train;

use std::process::{Command, Output};

fn linf(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_linf"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Standard output of a command that succeeds.
fn printed(arguments: &[&str]) -> String {
    let output = linf(arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What is said of arguments that are none.
fn misused(arguments: &[&str]) -> String {
    let output = linf(arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

/// The one sentence of a command that is refused.
fn refused(arguments: &[&str]) -> String {
    let output = linf(arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}
