//! What is recorded of an output file, and bringing the file back to it after a crash.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use super::Error;
use crate::node::Node;
use crate::shown::Shown as _;

/// How much of each end is hashed, at most.
const HASHED: u64 = 4096;

/// An output file as it was when what it held was the last that counted.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it was, absolute and without symbolic links.
    #[serde(with = "crate::shown::saved_path")]
    pub path: PathBuf,
    /// Which file it is.
    pub node: Node,
    /// Its length in bytes.
    pub length: u64,
    /// XXH3-128 of its first 4 KiB, or of as many as there were, in hexadecimal.
    pub head: String,
    /// XXH3-128 of its last 4 KiB, likewise.
    pub tail: String,
}

impl Recorded {
    /// Of an open file, as it is now.
    pub(super) fn of(path: PathBuf, file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let length = metadata.len();
        Ok(Self {
            path,
            node: Node::of(&metadata),
            length,
            head: hash(file, 0, length.min(HASHED))?,
            tail: hash_before(file, length)?,
        })
    }

    /// Whether this is the file, with all that was recorded still in it.
    fn matches(&self, file: &File, metadata: &Metadata, is_moved: bool) -> io::Result<bool> {
        if self.length > 0 {
            return Ok(hash(file, 0, self.length.min(HASHED))? == self.head
                && hash_before(file, self.length)? == self.tail);
        }
        // No byte tells: its birth does, or else that it is where it was.
        let now = Node::of(metadata);
        Ok(match (self.node.born, now.born) {
            (Some(then), Some(now)) => then == now,
            _ => !is_moved && self.node.device == now.device,
        })
    }

    /// Whether all that was recorded is still in the file: a record may be of before it was truncated
    /// or replaced, and then says nothing of what it holds now.
    #[must_use]
    pub fn stands(&self) -> bool {
        let Ok(Some((path, is_moved))) = self.find() else {
            return false;
        };
        let looked = File::open(path).and_then(|file| {
            let metadata = file.metadata()?;
            let is_whole = metadata.is_file() && metadata.len() >= self.length;
            Ok(is_whole && self.matches(&file, &metadata, is_moved)?)
        });
        looked.unwrap_or(false)
    }

    /// Brings the file back to its recorded length; see [`super::FileSink::settle`].
    pub(super) fn settle(&self) -> Result<(), Error> {
        let found = self.find()?;
        let Some((path, is_moved)) = found else {
            if self.length > 0 {
                tracing::warn!(
                    path = %self.path.shown(),
                    "the output file that was written last is gone: events after the last \
                     checkpoint may be in it, and come once more"
                );
            }
            return Ok(());
        };
        let failed = |source| Error::Settle {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file = file.map_err(failed)?;
        // Whoever appends to it would go on in the middle of nowhere.
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Held { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let settled = self.cut(&path, &file, is_moved).map_err(failed);
        let _ = file.unlock();
        settled
    }

    fn cut(&self, path: &Path, file: &File, is_moved: bool) -> io::Result<()> {
        let metadata = file.metadata()?;
        // It may have been renamed since it was found.
        if !metadata.is_file() || metadata.ino() != self.node.inode {
            return Ok(());
        }
        let path = path.shown();
        let (length, recorded) = (metadata.len(), self.length);
        if length < recorded {
            tracing::warn!(
                %path,
                length,
                recorded,
                "the output file is shorter than it was: events that were in it are lost, or were \
                 moved by others; appending to it as it is"
            );
        } else if !self.matches(file, &metadata, is_moved)? {
            tracing::warn!(
                %path,
                recorded,
                "the output file has the number of the one that was written last, but another \
                 content: it is left as it is"
            );
        } else if length > recorded {
            file.set_len(recorded)?;
            file.sync_all()?;
            tracing::info!(
                %path,
                recorded,
                cut = length - recorded,
                "the output file is cut back to the last checkpoint, whose events come again"
            );
        }
        Ok(())
    }

    /// Where the file is now, and whether that is another place than before: at its path, else
    /// beside it under the name that a rotation gave it.
    fn find(&self) -> Result<Option<(PathBuf, bool)>, Error> {
        let failed = |source| Error::Settle {
            path: self.path.clone(),
            source,
        };
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_file() && metadata.ino() == self.node.inode => {
                return Ok(Some((self.path.clone(), false)));
            }
            Err(error) if !is_missing(&error) => return Err(failed(error)),
            Ok(_) | Err(_) => {}
        }
        let entries = match fs::read_dir(self.path.parent().unwrap_or(Path::new("/"))) {
            Ok(entries) => entries,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            // Not the number in the entry, which some file systems make up; and no symbolic link,
            // behind which another file system's file may have the number.
            if entry
                .metadata()
                .is_ok_and(|metadata| metadata.is_file() && metadata.ino() == self.node.inode)
            {
                return Ok(Some((entry.path(), true)));
            }
        }
        Ok(None)
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn hash_before(file: &File, end: u64) -> io::Result<String> {
    let length = end.min(HASHED);
    hash(file, end - length, length)
}

fn hash(file: &File, start: u64, length: u64) -> io::Result<String> {
    let mut bytes = [0; 4096];
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = &mut bytes[..length];
    file.read_exact_at(bytes, start)?;
    Ok(format!("{:032x}", XxHash3_128::oneshot(bytes)))
}
