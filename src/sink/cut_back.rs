//! Cutting an output file back to its checkpoint: of what follows, exactly the lines
//! that will be written again are removed.
//!
//! Lines of others stay in place. A plain file keeps its inode, for others may have it open: lines
//! that stay behind ones that go are kept in a file beside it until they are appended again. A
//! compressed file is written anew and renamed.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::cut::{Span, cut_compressed, cut_plain};
use super::{Error, OutputCheckpoint, find};
use crate::input::compression::Stream;
use crate::process::file_id::FileId;
use crate::process::shown::Shown as _;

/// Who wrote a line after the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Ours, and written again: it is cut away.
    Ours,
    /// Another program's: it stays.
    Foreign,
    /// Perhaps ours: it is moved to the orphans file.
    Doubtful,
}

/// Tells whose a line is, without its line feed; it hears whether other states are known to have
/// written there.
pub type Classify<'a> = &'a mut dyn FnMut(&[u8], bool) -> Whose;

/// What is known besides of an output that is cut back.
#[derive(Debug, Default)]
pub struct KnownWriters {
    /// What other states have recorded that may take turns with it: up to there, it is no news that
    /// others write to it.
    pub others: Vec<OutputCheckpoint>,
    /// How many events were written after the checkpoint, at most, if that was noted.
    pub unsaved: Option<u64>,
}

impl KnownWriters {
    /// How long the open file was for the last of the other states.
    fn length_of(&self, file: &File, metadata: &Metadata) -> u64 {
        let others = self.others.iter().filter(|other| other.length > 0);
        let there = others.filter(|other| other.stands_in(file, metadata, true));
        there.map(|other| other.length).max().unwrap_or(0)
    }
}

impl OutputCheckpoint {
    /// See [`super::FileSink::cut_back`].
    pub(super) fn cut_back(
        &self,
        known: &KnownWriters,
        classify: Classify<'_>,
    ) -> Result<(), Error> {
        let mut nothing_is_ours = |_: &[u8], _: bool| Whose::Foreign;
        let classify: Classify<'_> = if self.is_final {
            &mut nothing_is_ours
        } else {
            classify
        };
        let failed = |source| Error::Settle {
            path: self.path.clone(),
            source,
        };
        let found = find::file(self).map_err(failed)?;
        let mut truncated = None;
        if let Some((path, is_moved)) = found {
            let file = Locked::open(&path)?;
            let metadata = file.0.metadata().map_err(failed)?;
            if self.stands_in(&file.0, &metadata, is_moved) {
                let span = Span {
                    known: known.length_of(&file.0, &metadata),
                    ..Span::behind(self.length)
                };
                cut_plain(&path, &file.0, span, classify).map_err(failed)?;
                if self.length > 0 {
                    return Ok(());
                }
            } else if metadata.ino() == self.file_id.inode {
                truncated = Some((path, file, metadata.len()));
            }
        }
        let most = if self.length > 0 { 1 } else { usize::MAX };
        let copies: Vec<PathBuf> = find::by_content(self).take(most).collect();
        for path in &copies {
            self.cut_back_copy(path, classify)?;
        }
        match truncated {
            Some((path, file, length)) => {
                self.cut_back_truncated(&path, &file.0, length, !copies.is_empty(), classify)
                    .map_err(failed)?;
            }
            None if copies.is_empty() && self.length > 0 && !self.is_final => {
                self.warn_gone(known.unsaved);
            }
            None => {}
        }
        Ok(())
    }

    fn warn_gone(&self, unsaved: Option<u64>) {
        let path = self.path.shown();
        match unsaved {
            Some(0) => {}
            Some(events) => tracing::warn!(
                %path,
                events,
                "the previous output file is gone: at most this many events were written \
                 to it after the last checkpoint, and are written again"
            ),
            None => tracing::warn!(
                %path,
                "the previous output file is gone: events after the last checkpoint \
                 may be in it, and are written again; how many is unknown, usually those of the \
                 last 200 ms"
            ),
        }
    }

    fn cut_back_copy(&self, path: &Path, classify: Classify<'_>) -> Result<(), Error> {
        let failed = |source| Error::Settle {
            path: path.to_owned(),
            source,
        };
        if self.is_final {
            return Ok(());
        }
        let file = match Locked::open(path) {
            // A file that is appended to is not a rotated one.
            Err(Error::Held { .. }) => return Ok(()),
            opened => opened?,
        };
        let is_plain = Stream::detect(&file.0)
            .map(|stream| stream.plain().is_some())
            .map_err(failed)?;
        if is_plain {
            let span = Span {
                // Of an empty file, no byte tells that another one at its path is its copy.
                is_certain: self.length > 0 || path != self.path,
                ..Span::behind(self.length)
            };
            cut_plain(path, &file.0, span, classify).map_err(failed)
        } else {
            cut_compressed(path, &file.0, self.length, classify).map_err(failed)
        }
    }

    /// The file is where and which it was, but does not hold what was recorded: of what stands in it
    /// now, nothing is known to be older than the checkpoint.
    fn cut_back_truncated(
        &self,
        path: &Path,
        file: &File,
        length: u64,
        has_copy: bool,
        classify: Classify<'_>,
    ) -> io::Result<()> {
        let now = FileId::of(&file.metadata()?);
        let is_another =
            now.born.is_some() && self.file_id.born.is_some() && now.born != self.file_id.born;
        let recorded = self.length;
        let shown = path.shown();
        if is_another && has_copy {
            return Ok(());
        }
        if is_another || length >= recorded && !has_copy {
            tracing::warn!(
                path = %shown,
                recorded,
                "the output file has the inode of the previous one, but different \
                 content: it is not changed"
            );
            return Ok(());
        }
        if !has_copy {
            tracing::warn!(
                path = %shown,
                length,
                recorded,
                "the output file is shorter than before: events were lost or \
                 moved elsewhere; appending to it as it is"
            );
        }
        if self.is_final {
            return Ok(());
        }
        cut_plain(path, file, Span::behind(0), classify)
    }
}

/// An open file that no other instance appends to.
struct Locked(File);

impl Locked {
    fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Settle {
            path: path.to_owned(),
            source,
        };
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(failed)?;
        // Whoever appends to it would go on in the middle of nowhere.
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Held {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
