//! `cargo bench --features cli` runs the part of `linf bench` that measures the distance and its
//! gradients beside the roofline. Arguments are passed on: `cargo bench --features cli -- --json`.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = ["linf", "bench", "--only", "norm-dist"].map(OsString::from);
    // Cargo adds the argument `--bench`.
    let arguments = std::env::args_os()
        .skip(1)
        .filter(|argument| argument != "--bench");
    linf_dist_net::cli::run(command.into_iter().chain(arguments))
}
