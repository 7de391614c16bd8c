//! Why a run ends before everything is fetched and delivered.

use std::path::PathBuf;

use super::pager;
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
