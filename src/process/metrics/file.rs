//! Metrics in a file, as the textfile collector of Prometheus' `node_exporter` reads them.

use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Whoever collects metrics is another user, and there is no secret in them.
const MODE: u32 = 0o644;

/// Replaces the file: a reader sees the old metrics or the new ones. They are not synced: after a crash of the
/// machine there are new ones soon.
///
/// # Errors
/// When it cannot be written; it is then as it was.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    check_replaceable(path)?;
    // Of one name, so that a crash leaves one at most; and not of the ending that is collected.
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    let new = path.with_file_name(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let write = || {
        // Never through a link that somebody else put there.
        let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
        file.set_permissions(Permissions::from_mode(MODE))?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// A device or a pipe would be replaced by a file: nobody means `/dev/null` to be one.
fn check_replaceable(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() && !there.is_dir() => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a device or a pipe, which a file would replace: use another path",
        )),
        _ => Ok(()),
    }
}
