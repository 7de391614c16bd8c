//! Signals are held back while their handlers are set up: one that comes between the first handler and
//! its action would be lost, as the default action is gone by then.

use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Runs `set_up` while SIGHUP, SIGINT and SIGTERM wait. Those that came meanwhile are delivered before
/// this returns. To be called before the program has other threads.
///
/// # Errors
/// Those of `set_up`, and when the system refuses to hold the signals.
pub fn while_held<T>(set_up: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let signals: SigSet = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]
        .into_iter()
        .collect();
    let before = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let result = set_up();
    before.thread_set_mask()?;
    result
}
