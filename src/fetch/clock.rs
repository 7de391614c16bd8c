//! This machine's clock and the server's.

/// Clock skew in seconds above which a warning is logged.
const MOST_SKEW: i64 = 10;
/// A clock that differs by more seconds is not reckoned with: one of both is wrong.
const WRONG_CLOCK: i64 = 24 * 60 * 60;

/// Whether a clock that is so many seconds ahead of the server's is one to reckon with.
pub fn can_be_reckoned_with(ahead: i64) -> bool {
    (1..WRONG_CLOCK).contains(&ahead)
}

/// The warning of a clock that is wrong, once in a process.
#[derive(Debug, Default)]
pub struct Skew {
    is_reported: bool,
}

impl Skew {
    /// Tells of a clock that is wrong.
    pub fn report(&mut self, ahead: i64) {
        if ahead.abs() <= MOST_SKEW || self.is_reported {
            return;
        }
        self.is_reported = true;
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        tracing::warn!(
            "this machine's clock is {} s {direction} the server's: synchronize it (NTP); records may be late \
             until then",
            ahead.abs()
        );
    }
}
