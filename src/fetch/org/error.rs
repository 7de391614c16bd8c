//! Why an organization's events are not fetched to their end.

use super::asker::Refused;
use crate::fetch::asker::Error as AskError;
use crate::fetch::refusal::Refusal;

/// Why a run ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The organization gives no events.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// It does not take the cursors that it gives.
    #[error(
        "{0}. That was the second cursor of this run that was refused: the rest is fetched by the next run"
    )]
    Cursor(Box<Refusal>),
    /// Its pages lead in a circle.
    #[error(
        "organization {0} returned pages that lead back to one before them: stopped, to avoid an endless \
         loop. Its events are delivered, and the next run goes on by time; if that does not help, ask without a \
         proxy or cache in between"
    )]
    Circle(String),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Cursor(refusal) => Self::Cursor(refusal),
            Refused::Other(error) => Self::Ask(error),
        }
    }
}

impl Error {
    /// Whether the key, or its rights, were refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Ask(error) if error.is_refused())
    }

    /// Whether the next run may do better.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Ask(AskError::Unanswered { .. }) | Self::Cursor(_) | Self::Circle(_) => true,
            Self::Ask(AskError::Refused(_) | AskError::Auth(_)) => false,
        }
    }

    /// Whether there is no such organization.
    #[must_use]
    pub fn is_about_place(&self) -> bool {
        matches!(self, Self::Ask(error) if error.is_about_place())
    }
}
