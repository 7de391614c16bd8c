//! Where a first run begins.

use std::fmt;
use std::time::Duration;

use crate::pipeline::timestamp::Timestamp;

/// Values of `--since`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From that time on.
    Time(Timestamp),
    /// From so long before the run on.
    Ago(Duration),
    /// Nothing that is past.
    Now,
}

impl Since {
    /// Where a first run begins without `--since`.
    pub const DEFAULT: Self = Self::Ago(Duration::from_secs(24 * 60 * 60));

    /// The time that it is now.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Time(time) => time,
            Self::Ago(ago) => now.minus(ago),
            Self::Now => now,
        }
    }
}

impl fmt::Display for Since {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => fmt::Display::fmt(time, formatter),
            Self::Ago(ago) => fmt::Display::fmt(&humantime::format_duration(*ago), formatter),
            Self::Now => formatter.write_str("now"),
        }
    }
}
