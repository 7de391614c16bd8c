//! The parts of a path.

use std::ffi::OsStr;
use std::path::Path;

/// The directory of a file.
#[must_use]
pub fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// The name of a file.
#[must_use]
pub fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}
