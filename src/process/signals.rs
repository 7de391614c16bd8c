//! Where signal handlers are set up. Signals are held back meanwhile: one that comes between the first
//! handler and its action would be lost, as the default action is gone by then.

use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The signals that ask the program to end.
const TERMINATION: [i32; 2] = [SIGINT, SIGTERM];

/// Calls `register` with SIGINT and with SIGTERM. To be called before the program has other threads.
///
/// # Errors
/// Those of `register`, and when the system refuses to hold the signals.
pub fn on_termination(register: impl FnMut(i32) -> io::Result<()>) -> io::Result<()> {
    while_held(|| TERMINATION.into_iter().try_for_each(register))
}

/// As [`on_termination`], for SIGHUP.
///
/// # Errors
/// As [`on_termination`].
pub fn on_hangup(register: impl FnOnce(i32) -> io::Result<()>) -> io::Result<()> {
    while_held(|| register(SIGHUP))
}

/// Those that came meanwhile are delivered before this returns.
fn while_held(set_up: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let signals: SigSet = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]
        .into_iter()
        .collect();
    let before = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let result = set_up();
    before.thread_set_mask()?;
    result
}
