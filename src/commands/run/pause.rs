//! How long a source that failed waits before it is tried again.

use std::time::Duration;

/// The pause after the first failure; the next ones are twice as long each.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// The pause after refused credentials: an account must not be locked by us.
const REFUSED: Duration = Duration::from_secs(15 * 60);
/// A source that ran this long was well: what befalls it then is a first failure.
const WELL: Duration = Duration::from_secs(10 * 60);

/// The pauses of a source.
#[derive(Debug, Default)]
pub struct Pauses {
    failures: u32,
}

impl Pauses {
    /// The pause after a failure, of a source that had run that long.
    pub fn next(&mut self, ran: Duration, is_refused: bool) -> Duration {
        if ran >= WELL {
            self.failures = 0;
        }
        let doubled = FIRST.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        if is_refused {
            REFUSED
        } else {
            doubled.min(LONGEST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_minutes_and_begin_anew_after_a_good_run() {
        let mut pauses = Pauses::default();
        let mut next = |ran| pauses.next(Duration::from_secs(ran), false).as_secs();
        let grown: Vec<u64> = (0..12).map(|_| next(3)).collect();
        assert_eq!(grown, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(next(600), 1);
    }

    #[test]
    fn refused_credentials_wait_long_at_once() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.next(Duration::ZERO, true), REFUSED);
    }
}
