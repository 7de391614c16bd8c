//! Early shutdown: signals, and an output whose reader has closed it.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::{flag, low_level};

use super::signals;

/// Wakes whoever waits for input when there is a reason to end.
#[derive(Debug)]
pub struct Stop {
    /// The signal that came first, 0 if none did.
    signal: Arc<AtomicUsize>,
    requested: AtomicBool,
    /// Whether a SIGHUP is pending.
    hangup: Arc<AtomicBool>,
    waiting: UnixStream,
    waking: UnixStream,
}

/// What [`Stop::wait`] waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// There is input, or its end.
    Input,
    /// It is time to end.
    Stop,
}

impl Stop {
    /// A stop that nothing but [`Self::request`] asks for.
    ///
    /// # Errors
    /// When the system gives no socket pair.
    pub fn new() -> io::Result<Self> {
        let (waiting, waking) = UnixStream::pair()?;
        waiting.set_nonblocking(true)?;
        waking.set_nonblocking(true)?;
        Ok(Self {
            signal: Arc::default(),
            requested: AtomicBool::new(false),
            hangup: Arc::default(),
            waiting,
            waking,
        })
    }

    /// A stop that SIGINT and SIGTERM ask for, too; a second signal ends the program at once.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::new()?;
        let second = Arc::new(AtomicBool::new(false));
        signals::on_termination(|signal| {
            // In this order: the first signal finds the flag down, and puts it up.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&second))?;
            flag::register(signal, Arc::clone(&second))?;
            let number = usize::try_from(signal).unwrap_or_default();
            flag::register_usize(signal, Arc::clone(&stop.signal), number)?;
            low_level::pipe::register(signal, stop.waking.try_clone()?)?;
            Ok(())
        })?;
        Ok(stop)
    }

    /// As [`Self::on_signals`]; SIGHUP does not end the program either, but is kept for
    /// [`Self::take_hangup`] and wakes.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn on_signals_and_hangup() -> io::Result<Self> {
        let stop = Self::on_signals()?;
        signals::on_hangup(|signal| {
            flag::register(signal, Arc::clone(&stop.hangup))?;
            low_level::pipe::register(signal, stop.waking.try_clone()?)?;
            Ok(())
        })?;
        Ok(stop)
    }

    /// Asks for the end as that signal does, on behalf of whoever received it.
    pub fn end_by(&self, signal: u8) {
        let first = (0, usize::from(signal));
        let _ = self
            .signal
            .compare_exchange(first.0, first.1, Ordering::SeqCst, Ordering::SeqCst);
        self.wake();
    }

    /// Hands on a SIGHUP.
    pub fn hang_up(&self) {
        self.hangup.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Asks everyone to end.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Takes back a request, so that the work can begin anew. What a signal asked for stays.
    pub fn take_back(&self) {
        self.requested.store(false, Ordering::SeqCst);
    }

    /// Wakes who is in [`Self::wait_for`] now, or the next to call it, without asking for the end.
    pub fn wake(&self) {
        // A full socket is awake already.
        let _ = (&self.waking).write(&[0]);
    }

    /// Whether SIGHUP came since the last [`Self::take_hangup`].
    #[must_use]
    pub fn has_hangup(&self) -> bool {
        self.hangup.load(Ordering::SeqCst)
    }

    /// Whether SIGHUP came since the last call.
    #[must_use]
    pub fn take_hangup(&self) -> bool {
        self.hangup.swap(false, Ordering::SeqCst)
    }

    /// The signal that asked for the end, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<u8> {
        u8::try_from(self.signal.load(Ordering::SeqCst))
            .ok()
            .filter(|signal| *signal != 0)
    }

    /// Whether it is time to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst) || self.signal().is_some()
    }

    /// Waits until `input` can be read without waiting, or it is time to end. With `output`, a pipe,
    /// it is also time when nobody is left to read that.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn wait(&self, input: BorrowedFd<'_>, output: Option<BorrowedFd<'_>>) -> io::Result<Ready> {
        loop {
            if self.is_requested() {
                return Ok(Ready::Stop);
            }
            let mut fds = vec![
                PollFd::from_borrowed_fd(input, PollFlags::IN),
                PollFd::from_borrowed_fd(self.waiting.as_fd(), PollFlags::IN),
            ];
            // No event to ask for: poll(2) reports errors and hang-ups always.
            fds.extend(output.map(|output| PollFd::from_borrowed_fd(output, PollFlags::empty())));
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if !fds[1].revents().is_empty() {
                self.drain();
                continue;
            }
            if fds.get(2).is_some_and(is_closed) {
                self.request();
                continue;
            }
            if !fds[0].revents().is_empty() {
                return Ok(Ready::Input);
            }
        }
    }

    /// Waits for `most`, or until a signal or [`Self::wake`] comes; what came since the last wait
    /// counts, too, so nothing is slept through. At once when it is time to end, which it is, too,
    /// when nobody is left to read `output`, a pipe.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn wait_for(&self, most: Duration, output: Option<BorrowedFd<'_>>) -> io::Result<()> {
        if self.is_requested() {
            return Ok(());
        }
        let mut fds = vec![PollFd::from_borrowed_fd(
            self.waiting.as_fd(),
            PollFlags::IN,
        )];
        fds.extend(output.map(|output| PollFd::from_borrowed_fd(output, PollFlags::empty())));
        // What no Timespec holds is for ever.
        let most = Timespec::try_from(most).ok();
        match poll(&mut fds, most.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {
                self.drain();
                if fds.get(1).is_some_and(is_closed) {
                    self.request();
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The flags hold what happened; the bytes only wake the poll.
    fn drain(&self) {
        while matches!((&self.waiting).read(&mut [0; 64]), Ok(64)) {}
    }
}

/// Whether a pipe has no reader left.
fn is_closed(output: &PollFd<'_>) -> bool {
    output.revents().intersects(PollFlags::ERR)
}

/// Whether `input` can be read right now.
#[must_use]
pub fn is_ready(input: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(input, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use signal_hook::consts::SIGHUP;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn waits(stop: &Stop, most: Duration) -> Duration {
        let start = Instant::now();
        stop.wait_for(most, None).unwrap();
        start.elapsed()
    }

    #[test]
    fn a_wake_before_the_wait_counts_once() {
        let stop = Stop::new().unwrap();
        for _ in 0..1000 {
            stop.wake();
        }
        assert!(waits(&stop, LONG) < LONG);
        let most = Duration::from_millis(20);
        assert!(waits(&stop, most) >= most, "the wakes are drained");
        assert!(!stop.is_requested());
    }

    #[test]
    fn a_wake_from_another_thread_ends_the_wait() {
        let stop = Stop::new().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| stop.wake());
            assert!(waits(&stop, Duration::MAX) < LONG);
        });
    }

    #[test]
    fn nobody_waits_when_it_is_time_to_end() {
        let stop = Stop::new().unwrap();
        stop.request();
        for _ in 0..2 {
            assert!(waits(&stop, LONG) < LONG);
        }
        assert!(stop.is_requested());
    }

    #[test]
    fn a_hangup_wakes_and_is_taken_once() {
        let stop = Stop::on_signals_and_hangup().unwrap();
        assert!(!stop.take_hangup());
        low_level::raise(SIGHUP).unwrap();
        assert!(waits(&stop, LONG) < LONG);
        assert!(stop.take_hangup());
        assert!(!stop.take_hangup());
        assert!(!stop.is_requested());
    }
}
