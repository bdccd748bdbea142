//! Every reader of files and messages meets seeded mutations of what it should get: none panics, none
//! takes more than a second, none takes more memory than a stated multiple of its input.
//!
//! Each test runs for `LINF_FUZZ_SECONDS` (1 unless set), or through `LINF_FUZZ_INPUTS` inputs, from the
//! seed `LINF_FUZZ_SEED` (0 unless set), and prints what it met. `docs/faults.md` has the record.
#![cfg(all(not(target_arch = "wasm32"), feature = "train", feature = "baseline"))]

mod memory;
mod mutate;
mod readers;
mod seeds;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use mutate::Mutator;

/// The most that a reader may take for one input.
const LONGEST: Duration = Duration::from_secs(1);

/// What a reader is allowed.
struct Limits {
    /// Bytes of memory at once for each byte of the input,
    multiple: usize,
    /// and these besides.
    slack: usize,
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}

/// Feeds `read` with mutations of `seeds`. It says whether it took the input.
fn fuzz(name: &str, seeds: &[Vec<u8>], limits: &Limits, mut read: impl FnMut(&[u8]) -> bool) {
    for seed in seeds {
        assert!(read(seed), "{name}: what it should get is refused");
    }
    let seed = setting("LINF_FUZZ_SEED").unwrap_or(0);
    let inputs = setting("LINF_FUZZ_INPUTS");
    let seconds = Duration::from_secs(setting("LINF_FUZZ_SECONDS").unwrap_or(1));
    let mut mutator = Mutator::new(seeds, seed);
    let began = Instant::now();
    let (mut met, mut taken, mut most, mut longest) = (0_u64, 0_u64, 0.0_f64, Duration::ZERO);
    while inputs.map_or(began.elapsed() < seconds, |inputs| met < inputs) {
        let input = mutator.next();
        let at = Instant::now();
        let (outcome, peak) = memory::peak(|| catch_unwind(AssertUnwindSafe(|| read(input))));
        let took = at.elapsed();
        let described = || {
            let path = std::env::temp_dir().join(format!("linf-fuzz-{name}"));
            std::fs::write(&path, input).expect("the folder for temporary files can be written");
            format!("input {met} of seed {seed}, kept as {}", path.display())
        };
        match outcome {
            Ok(is_taken) => taken += u64::from(is_taken),
            Err(_) => panic!("{name} panics: {}", described()),
        }
        assert!(took <= LONGEST, "{name} takes {took:?}: {}", described());
        let allowed = limits.slack + limits.multiple * input.len();
        assert!(
            peak <= allowed,
            "{name} takes {peak} bytes for {}, {allowed} are allowed: {}",
            input.len(),
            described()
        );
        met += 1;
        most = most.max(peak as f64 / input.len().max(1) as f64);
        longest = longest.max(took);
    }
    println!(
        "{name}: {met} inputs from seed {seed}, {taken} taken, up to {most:.0} bytes a byte, \
         {:.1} ms at most, {:.0} s",
        1e3 * longest.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    assert!(met > 0);
}
