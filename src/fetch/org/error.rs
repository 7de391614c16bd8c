//! Why an organization's events are not fetched to their end.

use std::time::Duration;

use crate::fetch::asker::Error as AskError;
use crate::pipeline::timestamp::Timestamp;
use crate::process::advice;

/// Why a run ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The organization gives no events.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Its pages lead in a circle.
    #[error(
        "organization {0} returned pages that lead back to one before them: what could be read by time is delivered, \
         and the next run goes on by time; if that does not help, ask without a proxy or cache in between"
    )]
    Circle(String),
    /// A page holds no more of an instant's events, and there is no cursor to read on with.
    #[error(
        "organization {organization}: more than one page of events at {time}, and no usable cursor: the rest cannot \
         be read. What is before them is delivered. The next run tries again, with a cursor if it is given one; \
         `{set}` goes on behind them, without those that were not read"
    )]
    TooMany {
        /// The organization's id.
        organization: String,
        /// The instant, in whole milliseconds.
        time: Timestamp,
        /// The command that goes on behind it.
        set: String,
    },
}

impl Error {
    /// The error for more events of an instant than a page holds.
    pub(super) fn too_many(organization: String, time: Timestamp) -> Self {
        let behind = time.plus(Duration::from_millis(2)).to_string();
        let set = advice::command(&["state", "set", &organization, "--since", &behind]);
        Self::TooMany {
            organization,
            time,
            set,
        }
    }

    /// Whether the key, or its rights, were refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Ask(error) if error.is_refused())
    }

    /// Whether the next run may do better.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Ask(AskError::Unanswered { .. }) | Self::Circle(_) | Self::TooMany { .. } => true,
            Self::Ask(AskError::Refused(_) | AskError::Auth(_)) => false,
        }
    }
}
