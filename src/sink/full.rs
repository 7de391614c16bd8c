//! Full outputs: waiting until there is space.

use std::io;
use std::thread;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::io::Errno;

use super::Error;
use crate::process::metrics::SourceMetrics;

/// How long to wait between two questions whether to give up.
pub(super) const NAP: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// The most naps between two tries: a second.
const MOST_NAPS: u32 = 10;

/// Whether there is no room: a full disk, or a quota that is used up.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::NOSPC, Errno::DQUOT]
        .map(|full| Some(full.raw_os_error()))
        .contains(&code)
}

/// A wait for space, logged once.
#[derive(Debug)]
pub(super) struct Pause<'a> {
    /// Those of the source that waits.
    metrics: &'a SourceMetrics,
    /// How many naps came before the last try; none when there is no wait.
    naps: u32,
}

impl<'a> Pause<'a> {
    /// No wait so far.
    pub(super) fn new(metrics: &'a SourceMetrics) -> Self {
        Self { metrics, naps: 0 }
    }

    /// Waits before the next try, the longer the more often; says why when the wait begins.
    pub(super) fn nap(
        &mut self,
        name: &str,
        error: &io::Error,
        give_up: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        if self.naps == 0 {
            tracing::warn!(output = name, %error, "no space left for the output: waiting for space");
        }
        let because = format!("no space left for {name}: {error}");
        self.metrics.blocked_by(&because);
        self.naps = (self.naps * 2).clamp(1, MOST_NAPS);
        for _ in 0..self.naps {
            if give_up() {
                return Err(Error::GivenUp);
            }
            thread::sleep(Duration::from_nanos(NAP.tv_nsec.unsigned_abs()));
        }
        Ok(())
    }

    /// There is room again; says so if there was a wait.
    pub(super) fn resumed(&mut self, name: &str) {
        if self.naps > 0 {
            tracing::info!(output = name, "space for the output is available again");
        }
        self.naps = 0;
    }
}
