//! Why a run ends before everything is fetched and delivered.

use std::path::PathBuf;

use super::clock::Clock;
use super::org;
use super::pager;
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;
use crate::ship;

/// Why not everything is fetched and delivered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The output or the state fails.
    #[error(transparent)]
    Ship(#[from] ship::Error),
    /// The site gives no records.
    #[error(transparent)]
    Fetch(#[from] pager::Error),
    /// The organization gives no events.
    #[error(transparent)]
    Organization(#[from] org::Error),
    /// There is nothing yet.
    #[error(
        "--since: expected a time that is not in the future: {since} is later than {} clock, {now}",
        if *.is_server { "the server's" } else { "this machine's" }
    )]
    Future {
        /// Where the first run was to begin.
        since: Timestamp,
        /// The present.
        now: Timestamp,
        /// Whether that is by the server's clock; else no answer had a date.
        is_server: bool,
    },
    /// What was fetched cannot be kept until it is delivered.
    #[error("cannot write fetched records to a temporary file in {}: {source}", directory.shown())]
    Spill {
        /// The state directory.
        directory: PathBuf,
        /// The underlying I/O error.
        source: std::io::Error,
    },
    /// The system refuses what every program needs.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

impl Error {
    /// The error for a first run that was to begin after the present.
    #[must_use]
    pub fn future(since: Timestamp, now: Timestamp, clock: &Clock) -> Self {
        Self::Future {
            since,
            now,
            is_server: clock.is_known(),
        }
    }

    /// Whether the site or the start was given wrongly, so that a next run is not to begin there.
    #[must_use]
    pub fn is_about_order(&self) -> bool {
        match self {
            Self::Fetch(pager::Error::Ask(error)) => error.is_about_place(),
            Self::Future { .. } => true,
            // The start is kept under the id: of another organization it says nothing. One that is there may not
            // be found in an outage, and is then to be read from its start all the same.
            Self::Organization(_)
            | Self::Fetch(_)
            | Self::Ship(_)
            | Self::Spill { .. }
            | Self::System(_) => false,
        }
    }
}
