//! Files that are replaced as a whole: whatever fails and whenever the power goes, the old or the new one
//! is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::owner::give_to_owner;

/// The permissions of a file that is its owner's alone.
pub(super) const PRIVATE: u32 = 0o600;
/// Those of any new file, less what the process takes away.
pub const USUAL: u32 = 0o666;

/// Replaces a file, or what it leads to if it is a link. It keeps its permissions; one that was not there has those given,
/// less what the process takes away.
///
/// # Errors
/// When it cannot be written; it is then as it was.
pub fn replace(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut name = std::ffi::OsString::from(".confluence-ecs-");
    name.push(path.file_name().unwrap_or_default());
    let new = &folder.join(name);
    let mode = path
        .metadata()
        .map_or(mode, |metadata| metadata.permissions().mode() & 0o7777);
    let written = create_new(new, mode).and_then(|file| write_durably(file, text));
    let replaced = written.and_then(|()| put(new, path, folder));
    if replaced.is_err() {
        let _ = fs::remove_file(new);
    }
    replaced
}

/// Writes a new file of a state, durably: its owner's alone, who is that of the directory.
pub(super) fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let file = create_new(path, PRIVATE)?;
    give_to_owner(&file, path);
    write_durably(file, text)
}

/// Makes a file, in the place of one that is there.
fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    // Left by a save that failed and could not even clean up.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode).open(path)
}

fn write_durably(mut file: File, text: &[u8]) -> io::Result<()> {
    file.write_all(text)?;
    file.sync_all()
}

/// Puts a new file in the place of an old one of the same directory, durably.
pub(super) fn put(new: &Path, path: &Path, directory: &Path) -> io::Result<()> {
    fs::rename(new, path)?;
    File::open(directory)?.sync_all()
}
