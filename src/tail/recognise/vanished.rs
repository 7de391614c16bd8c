//! Files that go away while they are looked at.

use std::io;

use super::Changed;
use crate::process::shown::Shown as _;
use crate::tail::file_info::FileInfo;

/// What an error says of a file that was there a moment ago: something else, or nothing.
pub(super) fn unless_vanished<T>(
    read: io::Result<T>,
    found: &FileInfo,
    otherwise: T,
) -> Result<T, Changed> {
    match read {
        Ok(read) => Ok(read),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Changed),
        Err(error) => {
            tracing::debug!("{}: {error}", found.path.shown());
            Ok(otherwise)
        }
    }
}
