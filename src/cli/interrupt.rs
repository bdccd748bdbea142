//! Signals that ask a command to stop.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{CliError, note};

/// What a shell reports of a command that Ctrl-C ended: what follows it must not go on.
pub(super) const EXIT_CODE: u8 = 130;

/// Whether Ctrl-C was pressed, or the system or the terminal asks the program to end (SIGTERM, SIGHUP).
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. `answer` is said to the first signal; the second ends the program at once.
    pub(super) fn listen(answer: &'static str) -> Result<Self, CliError> {
        let requested = Arc::new(AtomicBool::new(false));
        let handler = Arc::clone(&requested);
        ctrlc::set_handler(move || {
            if handler.swap(true, Ordering::Relaxed) {
                note("stopped at once, without what was done since the last save");
                process::exit(EXIT_CODE.into());
            }
            note(format_args!("{answer}; once more to stop at once"));
        })
        .map_err(|_| CliError::Interrupts)?;
        Ok(Self(requested))
    }

    /// Whether the command is asked to stop.
    pub(super) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
