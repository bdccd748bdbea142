//! The command line `linf`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Training takes and frees tensors of some megabytes thousands of times a second. Glibc's allocator
/// returns them to the system each time, and having their pages cleared again took a fifth of the time
/// of a refined net's steps.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    linf_dist_net::cli::main()
}
