//! The server's clock, which its records and so all that is saved are by, and this machine's.
//!
//! The server's clock is known from the `Date` of its answers. Where the two differ, the range that is asked
//! for ends by the server's, and what is saved as fetched by the one that is behind: whichever is wrong, no
//! time is passed over.

use std::time::Duration;

use crate::pipeline::timestamp::Timestamp;

/// Clock skew in seconds above which a warning is logged.
const MOST_SKEW: i64 = 10;
/// `Date` has whole seconds: a difference of one is none.
const GRAIN: i64 = 1;
/// A position this much later than the server's clock was not saved by it, however the local clock is.
const FAR: i64 = 24 * 60 * 60;
/// A position may be later than the clock by so much at least: servers of one site may differ.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The server's clock, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// How far this machine's clock is ahead of it, in seconds, by the last answer with a `Date`.
    ahead: Option<i64>,
    is_reported: bool,
}

impl Clock {
    /// A clock of which it was saved how far this machine's is ahead.
    #[must_use]
    pub fn saved(ahead: Option<i64>) -> Self {
        Self {
            ahead,
            ..Self::default()
        }
    }

    /// Takes note of how far this machine's clock is ahead, by an answer; warns once in a process.
    pub fn learn(&mut self, ahead: Option<i64>) {
        let Some(ahead) = ahead else { return };
        self.ahead = Some(ahead);
        if ahead.abs() <= MOST_SKEW || self.is_reported {
            return;
        }
        self.is_reported = true;
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        tracing::warn!(
            "this machine's clock is {} s {direction} the server's: synchronize it (NTP); until then the server's \
             is used, and records may be late",
            ahead.abs()
        );
    }

    /// Whether an answer had a `Date`.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.ahead.is_some()
    }

    /// How far this machine's clock is ahead of the server's, in seconds; none if they agree, or the server's
    /// is not known.
    #[must_use]
    pub fn ahead(&self) -> Option<i64> {
        self.ahead.filter(|ahead| ahead.abs() > GRAIN)
    }

    /// The time at the server when it is that time here.
    #[must_use]
    pub fn at_server(&self, local: Timestamp) -> Timestamp {
        let ahead = self.ahead().unwrap_or_default();
        let difference = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 {
            local.plus(difference)
        } else {
            local.minus(difference)
        }
    }

    /// The earlier one of the two: up to then, a server can be expected to have everything.
    #[must_use]
    pub fn earlier(&self, local: Timestamp) -> Timestamp {
        self.at_server(local).min(local)
    }

    /// Where to go on instead, if a position is in the future, which a wrong clock made, and would make the
    /// time until then be left out. No earlier position is known to be right: one overlap before the present,
    /// or before when the position was saved, as far as the error of the local clock tells.
    ///
    /// One `Date` that is behind is no reason, if the local clock agrees with the position; unless it was saved
    /// by the local clock alone (`is_local`), and that is far ahead.
    #[must_use]
    pub fn correction(
        &self,
        (position, is_local): (Timestamp, bool),
        local: Timestamp,
        overlap: Duration,
    ) -> Option<Timestamp> {
        let now = self.at_server(local);
        let tolerance = overlap.max(TOLERANCE);
        let is_later = |clock: Timestamp| position > clock.plus(tolerance);
        let is_far = is_local && self.ahead().is_some_and(|ahead| ahead >= FAR);
        let is_wrong = is_later(now) && (is_later(local) || is_far);
        is_wrong.then(|| now.min(self.earlier(position)).minus(overlap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000).unwrap()
    }

    /// The correction of a position, in seconds, when it is second 1,000,000 here.
    fn correction(ahead: i64, position: i64, is_local: bool) -> Option<i64> {
        let mut clock = Clock::default();
        clock.learn(Some(ahead));
        let overlap = Duration::from_secs(600);
        let corrected = clock.correction((at(position), is_local), at(1_000_000), overlap);
        corrected.map(|corrected| corrected.millis() / 1000)
    }

    #[test]
    fn a_position_in_the_future_is_corrected_and_one_odd_date_corrects_nothing() {
        let hours = |hours: i64| hours * 3600;
        assert_eq!(correction(0, 1_000_000, true), None);
        assert_eq!(
            correction(0, 1_000_500, true),
            None,
            "the overlap covers it"
        );
        for is_local in [true, false] {
            let corrected = correction(0, 1_000_000 + hours(25), is_local);
            assert_eq!(corrected, Some(1_000_000 - 600));
        }
        assert_eq!(
            correction(hours(25), 1_000_000 - 60, true),
            Some(1_000_000 - 60 - hours(25) - 600),
            "saved by the clock that is wrong still"
        );
        assert_eq!(
            correction(hours(25), 1_000_000 - 60, false),
            None,
            "both clocks were asked"
        );
        assert_eq!(
            correction(hours(2), 1_000_000 - 60, true),
            None,
            "the local clock agrees with it"
        );
        let behind = correction(-hours(25), 1_000_000 + hours(24), true);
        assert_eq!(behind, None);
    }
}
