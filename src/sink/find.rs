//! Where a recorded output file, or a copy of it, is now.

use std::cmp::Reverse;
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, BufReader, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::OutputCheckpoint;
use crate::input::compression::Stream;
use crate::process::file_id::FileId;

/// So many directories are searched, at most, and so many files of each.
const MOST_DIRECTORIES: usize = 256;
const MOST_FILES: usize = 10_000;
/// So many files are read, at most, to see whether they are copies.
const MOST_READ: usize = 1_000;
/// Between the output's name and the time of what was put aside from it.
pub(super) const ORPHAN: &str = ".orphan-";

/// The file: at its path, itself or a copy that was put in its place; else where it was moved to.
/// Whether it was moved.
pub(super) fn file(recorded: &OutputCheckpoint) -> io::Result<Option<(PathBuf, bool)>> {
    match fs::metadata(&recorded.path) {
        Ok(metadata) if is_in_place(recorded, &metadata) => {
            return Ok(Some((recorded.path.clone(), false)));
        }
        Err(error) if !is_missing(&error) => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let own = directory(&recorded.path);
    for place in places(own) {
        let entries = match entries(&place) {
            Ok(entries) => entries,
            Err(error) if place == own && !is_missing(&error) => return Err(error),
            Err(_) => continue,
        };
        let found = entries.map(|entry| entry.path()).find(|path| {
            // Not the number in the entry, which some file systems make up; and no symbolic link,
            // behind which another file system's file may have the number.
            let metadata = fs::symlink_metadata(path);
            metadata.is_ok_and(|metadata| is_moved_to(recorded, path, &metadata, place == own))
        });
        if let Some(path) = found {
            return Ok(Some((path, true)));
        }
    }
    Ok(None)
}

/// Whether what stands at its path is the file, whatever became of its content, or holds all that was
/// recorded of it.
fn is_in_place(recorded: &OutputCheckpoint, there: &Metadata) -> bool {
    let is_it = if recorded.length > 0 {
        there.ino() == recorded.file_id.inode
    } else {
        recorded.file_id.may_be(&FileId::of(there), true)
    };
    there.is_file() && (is_it || recorded.length > 0 && holds(recorded, &recorded.path, there))
}

/// Whether it is the file, elsewhere, where its number may have been used again: nothing but its birth
/// tells that, or else, in its directory, its content.
fn is_moved_to(recorded: &OutputCheckpoint, path: &Path, there: &Metadata, is_near: bool) -> bool {
    let now = FileId::of(there);
    let is_it = || now == recorded.file_id && now.born.is_some();
    let may_be = || is_near && recorded.file_id.may_be(&now, true) && holds(recorded, path, there);
    there.is_file() && (is_it() || may_be())
}

fn holds(recorded: &OutputCheckpoint, path: &Path, metadata: &Metadata) -> bool {
    let is_moved = path != recorded.path;
    File::open(path).is_ok_and(|file| recorded.stands_in(&file, metadata, is_moved))
}

/// Copies, plain or compressed, with names that begin as the file's does, or that were put in its
/// place; the newest first. Of a file that was empty when it was recorded, all that can be copies.
pub(super) fn by_content(recorded: &OutputCheckpoint) -> impl Iterator<Item = PathBuf> {
    let paths = candidates(recorded).into_iter().take(MOST_READ);
    paths.filter(|path| {
        // Of an empty file any other may be a copy, but not one that was known before it.
        let is_earlier = || {
            let mut earlier = recorded.earlier.iter();
            earlier.any(|earlier| is_copy(earlier, path).unwrap_or(false))
        };
        is_copy(recorded, path).unwrap_or(false) && (recorded.length > 0 || !is_earlier())
    })
}

fn candidates(recorded: &OutputCheckpoint) -> Vec<PathBuf> {
    let name = recorded.path.file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    // As logrotate's `extension` has it, `events-20260411.ndjson`.
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => &name,
    };
    let mut copies = Vec::new();
    let own = directory(&recorded.path);
    // An empty file has no content to compare: files of that name elsewhere belong to others.
    let is_near = |place: &PathBuf| recorded.length > 0 || place.starts_with(own);
    for place in places(own).filter(is_near) {
        for entry in entries(&place).into_iter().flatten() {
            let other = entry.file_name();
            let other = other.to_string_lossy();
            // Rotation gives another name; under the same elsewhere, it is another program's output.
            let is_in_place = entry.path() == recorded.path;
            if *other == *name && !is_in_place {
                continue;
            }
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let modified = metadata.modified().ok();
            if metadata.is_file()
                && other.starts_with(stem)
                && !other.contains(ORPHAN)
                && !(is_in_place && recorded.file_id.may_be(&FileId::of(&metadata), true))
                && recorded.may_be_copied(&metadata)
            {
                copies.push((modified, entry.path()));
            }
        }
    }
    copies.sort_by_key(|(modified, _)| Reverse(*modified));
    copies.into_iter().map(|(_, path)| path).collect()
}

fn is_copy(recorded: &OutputCheckpoint, path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let mut stream = Stream::detect(BufReader::new(&file))?;
    if stream.plain().is_some() {
        let metadata = file.metadata()?;
        // Without a byte that tells, the whole of it must be of that time.
        return Ok(recorded.length == 0 || recorded.stands_in(&file, &metadata, true));
    }
    // All of it: an archive that breaks off is no place where anything is safe.
    Ok(recorded.begins(&mut stream)? && io::copy(&mut stream.by_ref(), &mut io::sink()).is_ok())
}

/// Where rotation may have put a file of that directory: there, below, and beside.
fn places(own: &Path) -> impl Iterator<Item = PathBuf> {
    let below = |path: &Path| {
        let entries = entries(path).into_iter().flatten();
        let is_directory = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        let directories = entries.filter(is_directory).map(|entry| entry.path());
        let mut directories: Vec<PathBuf> = directories.take(MOST_DIRECTORIES).collect();
        directories.sort();
        directories
    };
    let mut places = vec![own.to_owned()];
    places.extend(below(own));
    if let Some(parent) = own.parent() {
        places.extend(below(parent).into_iter().filter(|beside| beside != own));
        places.push(parent.to_owned());
    }
    places.into_iter().take(MOST_DIRECTORIES)
}

fn entries(path: &Path) -> io::Result<impl Iterator<Item = DirEntry> + use<>> {
    Ok(fs::read_dir(path)?.take(MOST_FILES).filter_map(Result::ok))
}

pub(super) fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
