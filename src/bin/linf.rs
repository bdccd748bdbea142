//! The command line `linf`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Training allocates and frees tensors of several megabytes thousands of times a second. Glibc's allocator
/// returns them to the system each time, and clearing their pages again takes a good part of the time of
/// a fine-tuning step (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    linf_dist_net::cli::main()
}
