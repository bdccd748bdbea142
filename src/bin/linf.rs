//! The command line `linf`.

use std::process::ExitCode;

fn main() -> ExitCode {
    linf_dist_net::cli::main()
}
