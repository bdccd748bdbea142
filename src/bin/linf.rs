//! The command line `linf`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Training takes and frees tensors of some megabytes thousands of times a second. Glibc's allocator
/// returns them to the system each time, and having their pages cleared again takes a good part of the
/// time of a finetuned net's steps (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    linf_dist_net::cli::main()
}
