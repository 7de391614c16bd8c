//! From asking for new tokens until they are on disk nothing may end the program: the old refresh
//! token is dead by then. A first SIGINT or SIGTERM waits for that; a second one ends at once.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::{flag, low_level};

use super::signals;

/// How long a signal is deferred for new tokens.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at whether one does.
const TICK: Duration = Duration::from_millis(100);

/// Whether [`defer_signals`] was called.
static DEFERRED: AtomicBool = AtomicBool::new(false);
/// How many refreshes are under way.
static RUNNING: (Mutex<u32>, Condvar) = (Mutex::new(0), Condvar::new());
/// Whether there is none: a signal does what it always does.
static IDLE: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));
/// The signal that came meanwhile, if [`defer_signals`] is to see to it; else 0.
static CAME: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Defers signals while tokens are refreshed, until it is dropped.
#[derive(Debug)]
pub struct SignalGuard(());

impl SignalGuard {
    /// Defers signals until the guard is dropped.
    pub fn begin() -> Self {
        let mut running = RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        IDLE.store(false, Ordering::SeqCst);
        if DEFERRED.load(Ordering::SeqCst) {
            thread::spawn(end_in_the_end);
        }
        Self(())
    }
}

impl Drop for SignalGuard {
    fn drop(&mut self) {
        let mut running = RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner);
        *running -= 1;
        if *running > 0 {
            return;
        }
        IDLE.store(true, Ordering::SeqCst);
        RUNNING.1.notify_all();
        let came = i32::try_from(CAME.load(Ordering::SeqCst)).unwrap_or_default();
        if came != 0 {
            // What it would have done at once.
            let _ = low_level::emulate_default_handler(came);
        }
    }
}

/// Ends the program when a signal has waited for long enough.
fn end_in_the_end() {
    let mut waited = Duration::ZERO;
    while !IDLE.load(Ordering::SeqCst) && waited < PATIENCE {
        thread::sleep(TICK);
        if CAME.load(Ordering::SeqCst) != 0 {
            waited += TICK;
        }
    }
    let came = i32::try_from(CAME.load(Ordering::SeqCst)).unwrap_or_default();
    if waited >= PATIENCE {
        let _ = low_level::emulate_default_handler(came);
    }
}

/// Waits until no refresh is under way, but not for longer: for a program that ends in an orderly way.
pub fn wait(most: Duration) {
    let running = RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = RUNNING
        .1
        .wait_timeout_while(running, most, |running| *running > 0);
    drop(waited);
}

/// From here on a signal that comes during a refresh ends the program behind it: for a program that
/// does nothing else about signals.
///
/// # Errors
/// When the system refuses the handlers.
pub fn defer_signals() -> io::Result<()> {
    DEFERRED.store(true, Ordering::SeqCst);
    let second = Arc::new(AtomicBool::new(false));
    signals::on_termination(|signal| {
        // In this order: the first signal finds the flag down, and puts it up.
        flag::register_conditional_default(signal, Arc::clone(&IDLE))?;
        flag::register_conditional_default(signal, Arc::clone(&second))?;
        flag::register(signal, Arc::clone(&second))?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, Arc::clone(&CAME), number)?;
        Ok(())
    })
}
