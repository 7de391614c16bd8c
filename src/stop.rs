//! Ending early: signals, and an output that nobody reads any more.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// Wakes whoever waits for input when there is a reason to end.
#[derive(Debug)]
pub struct Stop {
    /// The signal that came first, 0 if none did.
    signal: Arc<AtomicUsize>,
    requested: AtomicBool,
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
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down, and puts it up.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&second))?;
            flag::register(signal, Arc::clone(&second))?;
            let number = usize::try_from(signal).unwrap_or_default();
            flag::register_usize(signal, Arc::clone(&stop.signal), number)?;
            low_level::pipe::register(signal, stop.waking.try_clone()?)?;
        }
        Ok(stop)
    }

    /// Asks everyone to end.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        // A full socket is awake already.
        let _ = (&self.waking).write(&[0]);
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
            // No flag to wait for: errors and hang-ups are told always.
            fds.extend(output.map(|output| PollFd::from_borrowed_fd(output, PollFlags::empty())));
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if !fds[1].revents().is_empty() {
                // What woke us is told by the flags; the bytes only woke.
                let _ = (&self.waiting).read(&mut [0; 64]);
                continue;
            }
            if fds
                .get(2)
                .is_some_and(|output| output.revents().intersects(PollFlags::ERR))
            {
                self.request();
                continue;
            }
            if !fds[0].revents().is_empty() {
                return Ok(Ready::Input);
            }
        }
    }
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
