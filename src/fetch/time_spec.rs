//! Times as `--since` and `--until` give them: absolute, or relative to the present.

use std::fmt;
use std::time::Duration;

use crate::pipeline::timestamp::Timestamp;

/// A time, a duration before the present, or the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeSpec {
    /// That time.
    Time(Timestamp),
    /// So long before the present.
    Ago(Duration),
    /// The present.
    Now,
}

impl TimeSpec {
    /// Where a first run begins without `--since`.
    pub const DEFAULT_SINCE: Self = Self::Ago(Duration::from_secs(24 * 60 * 60));

    /// The time that it is now.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Time(time) => time,
            Self::Ago(ago) => now.minus(ago),
            Self::Now => now,
        }
    }

    /// Whether it depends on the present.
    #[must_use]
    pub fn is_relative(self) -> bool {
        match self {
            Self::Time(_) => false,
            Self::Ago(_) | Self::Now => true,
        }
    }
}

impl fmt::Display for TimeSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => fmt::Display::fmt(time, formatter),
            Self::Ago(ago) => fmt::Display::fmt(&humantime::format_duration(*ago), formatter),
            Self::Now => formatter.write_str("now"),
        }
    }
}
