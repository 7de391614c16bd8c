//! Whose the files of a state directory are.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Gid, Uid, fchown};
use rustix::process::geteuid;

use crate::process::shown::Shown as _;

/// Opens a file of a state directory; one that has to be made for that belongs to the directory's owner.
///
/// # Errors
/// When it can neither be opened nor made.
pub fn open_or_create(options: &OpenOptions, path: &Path) -> io::Result<File> {
    // Only what was certainly made here is given away: an existing name may be a link to anything.
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            give_to_owner(&file, path);
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
    }
}

/// Gives a file that was just made to the owner of its directory, where root made it in the directory of another
/// user: the service, which runs as that user, could not open it otherwise.
pub(super) fn give_to_owner(file: &File, path: &Path) {
    if !geteuid().is_root() {
        return;
    }
    let give = || {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let owner = fs::metadata(folder.unwrap_or(Path::new(".")))?;
        if owner.uid() == 0 {
            return Ok(());
        }
        let (user, group) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
        fchown(file, Some(user), Some(group)).map_err(io::Error::from)
    };
    // Whoever made it can go on with it.
    if let Err(error) = give() {
        tracing::debug!(
            "cannot give {} to the owner of its directory: {error}",
            path.shown()
        );
    }
}
