//! One log: a content that grows, wherever rotation puts it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::content::Content;
use super::file_info::FileInfo;
use super::history::ReadHistory;
use super::identity::{Digest, ReadPosition};
use super::name::LogName;
use crate::pipeline::event::{IdSource, Origin};
use crate::process::file_id::FileId;
use crate::process::shown::Shown as _;

pub use super::checkpoint::{Checkpoint, Condition, Unfinished};
pub use super::path::{file_name, folder};

/// A log's number in the state; never used again.
pub type LogId = u64;

/// A log on its way.
#[derive(Debug)]
pub struct Log {
    /// What is saved of it.
    pub checkpoint: Checkpoint,
    /// Its directory and series: what is read in one order. A symbolic link to a file is of the
    /// directory that it leads to, where that is rotated.
    pub series: Series,
    /// The followed directory that it is of.
    pub home: PathBuf,
    /// What its name says.
    pub name: LogName,
    /// When its file was last written.
    pub modified: Option<SystemTime>,
    /// Its open file: while its old one is read to the end, not the one at its path.
    pub content: Option<Content>,
    /// The size and time of the file when it was last compared with what was read.
    pub compared: Option<(u64, Option<SystemTime>)>,
    /// How long its file was when it was last known to hold what was read.
    pub held: u64,
    /// How much there was of it, and when.
    pub history: ReadHistory,
    /// There is no whole line before this, whatever stands behind the offset.
    pub searched: u64,
    /// Since when there is no such file.
    pub gone: Option<Instant>,
    /// Why it cannot be read; said once.
    pub read_error: Option<ReadError>,
    /// No pattern names it, or its directory cannot be read: it is left alone.
    pub is_unfollowed: bool,
    /// Something else stands in its file than what was read.
    pub is_displaced: bool,
    /// Origin of its events, for `log.file.path`.
    pub origin: Arc<Origin>,
    /// It is to be saved anew.
    pub is_changed: bool,
}

/// Why a log cannot be read.
#[derive(Debug)]
pub struct ReadError {
    /// The error as text.
    pub why: String,
    /// Damaged data stays damaged until the file changes.
    kind: io::ErrorKind,
    /// It is not to be tried again yet.
    is_blocking: bool,
}

/// The identity of the first log of a file: its inode, and its birth where the file system keeps that.
/// The device is no part of it, since its number may change at a reboot.
#[must_use]
pub fn identity_of(file_id: &FileId) -> String {
    let born = file_id.born.unwrap_or_default();
    format!("{}.{born}", file_id.inode)
}

fn origin(checkpoint: &Checkpoint) -> Arc<Origin> {
    let source = IdSource::Log(checkpoint.identity.clone());
    Arc::new(Origin::file(&checkpoint.path).identified(source))
}

/// The directory and the name that the files of a series have in common.
pub type Series = (PathBuf, OsString);

impl Log {
    /// A log that is first seen as `found`, of which `progress` counts as read.
    #[must_use]
    pub fn begin(
        found: &FileInfo,
        progress: ReadPosition,
        seen: Option<Digest>,
        condition: Condition,
    ) -> Self {
        let mut log = Self::restore(Checkpoint {
            path: found.path.clone(),
            series: None,
            series_folder: found.is_link.then(|| found.lives_in().to_owned()),
            home: found.home.clone(),
            real: found.real.clone(),
            file_id: found.file_id,
            identity: String::new(),
            size: found.size,
            progress,
            seen,
            condition,
            unfinished: None,
            gone_since: None,
        });
        log.modified = found.modified;
        log.is_changed = true;
        log
    }

    /// A log that the state knows.
    #[must_use]
    pub fn restore(mut checkpoint: Checkpoint) -> Self {
        if checkpoint.identity.is_empty() {
            checkpoint.identity = identity_of(&checkpoint.file_id);
        }
        let series_folder = checkpoint.series_folder.as_deref();
        let series_folder = series_folder.unwrap_or_else(|| folder(&checkpoint.path));
        let mut name = LogName::of(checkpoint.own_name());
        if let Some(series) = &checkpoint.series {
            name.series.clone_from(series);
        }
        if checkpoint.series.is_some() || checkpoint.lives_in() != series_folder {
            name.age = name.age.renamed();
        }
        let home = checkpoint.home.as_deref();
        let home = home.unwrap_or_else(|| folder(&checkpoint.path));
        let mut history = ReadHistory::default();
        let offset = checkpoint.progress.offset();
        history.add(
            SystemTime::now(),
            if offset > 0 { offset } else { checkpoint.size },
        );
        Self {
            series: (series_folder.to_owned(), name.series.clone()),
            home: home.to_owned(),
            name,
            modified: None,
            content: None,
            compared: None,
            held: checkpoint.size,
            history,
            searched: offset,
            // Whether it is still there, the first look tells.
            gone: checkpoint.gone_since.map(|_| Instant::now()),
            read_error: None,
            is_unfollowed: false,
            is_displaced: false,
            origin: origin(&checkpoint),
            is_changed: false,
            checkpoint,
        }
    }

    /// Gives it another identity, before anything of it is read.
    pub fn identify(&mut self, identity: String) {
        self.checkpoint.identity = identity;
        self.origin = origin(&self.checkpoint);
    }

    /// Its directory is followed by another path; nothing is open yet.
    pub fn is_reached_by(&mut self, folder: &Path) {
        let mut checkpoint = self.checkpoint.clone();
        let real = checkpoint.real.take();
        let real = real.unwrap_or_else(|| checkpoint.path.clone());
        checkpoint.path = folder.join(file_name(&real));
        checkpoint.real = (checkpoint.path != real).then_some(real);
        checkpoint.series_folder = None;
        checkpoint.home = None;
        *self = Self::restore(checkpoint);
        self.is_changed = true;
    }

    /// The directory and the name of its series, whatever links lead there.
    #[must_use]
    pub fn real_series(&self) -> Series {
        let path = self.checkpoint.real.as_ref();
        let path = path.unwrap_or(&self.checkpoint.path);
        (folder(path).to_owned(), self.series.1.clone())
    }

    /// How far it was read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.checkpoint.progress.offset()
    }

    /// It is now at that place; the content is the same.
    pub fn is_at(&mut self, found: &FileInfo) {
        let is_elsewhere = self.checkpoint.path != found.path
            || found.is_listed && self.checkpoint.real != found.real;
        if is_elsewhere {
            let path = self.checkpoint.path.shown();
            tracing::debug!("{path} was renamed to {}", found.path.shown());
            self.is_called(found);
        }
        let checkpoint = &mut self.checkpoint;
        if checkpoint.file_id != found.file_id {
            checkpoint.file_id = found.file_id;
            self.is_changed = true;
        }
        if self.gone.take().is_some() || checkpoint.gone_since.take().is_some() {
            self.is_changed = true;
        }
        let may_be_mended = |read_error: &ReadError| {
            !matches!(
                read_error.kind,
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
            )
        };
        if self.read_error.as_ref().is_some_and(may_be_mended) {
            self.retry();
        }
        let checkpoint = &mut self.checkpoint;
        // After a restart only the size is known: a time that is new to us is no change.
        let is_touched = self.modified.is_some() && self.modified != found.modified;
        self.modified = found.modified;
        if checkpoint.size != found.size || is_touched {
            checkpoint.size = found.size;
            // What could not be read may be readable now.
            if checkpoint.condition == Condition::CompressedRead {
                checkpoint.condition = Condition::Compressed;
            }
            self.retry();
        }
    }

    /// Takes the path of its file, and what that says of its place among others.
    pub fn is_called(&mut self, found: &FileInfo) {
        let checkpoint = &mut self.checkpoint;
        let age = self.name.age.renamed();
        let (series_folder, series) = std::mem::take(&mut self.series);
        let here = found.lives_in();
        self.name = found.name.clone();
        checkpoint.series = None;
        self.series = if here == series_folder {
            if self.name.series != series {
                // A name that tells nothing: the lines are of the same series still.
                self.name.age = age;
                self.name.series.clone_from(&series);
                checkpoint.series = Some(series.clone());
            }
            (series_folder, series)
        } else if found.is_listed {
            (here.to_owned(), self.name.series.clone())
        } else {
            // Out of its directory: the old file of a symbolic link that leads elsewhere now.
            self.name.age = self.name.age.renamed().min(age);
            if self.name.series != series {
                self.name.series.clone_from(&series);
                checkpoint.series = Some(series.clone());
            }
            (series_folder, series)
        };
        if found.is_listed {
            found.home().clone_into(&mut self.home);
        }
        let folder = folder(&found.path);
        checkpoint.series_folder = (self.series.0 != folder).then(|| self.series.0.clone());
        checkpoint.home = (self.home != folder).then(|| self.home.clone());
        // A file that was renamed is where it was, through the same links.
        let real_folder = checkpoint.real.as_deref().and_then(Path::parent);
        checkpoint.real = match (found.is_listed, real_folder, found.path.file_name()) {
            (false, Some(real), Some(name)) if checkpoint.path.parent() == found.path.parent() => {
                Some(real.join(name))
            }
            (..) => found.real.clone(),
        };
        checkpoint.path.clone_from(&found.path);
        self.origin = origin(checkpoint);
        self.is_changed = true;
    }

    /// What could not be read may be readable now.
    fn retry(&mut self) {
        if let Some(read_error) = &mut self.read_error {
            read_error.is_blocking = false;
        }
    }

    /// Says once why it cannot be read; it is passed over until there is a reason to try again.
    pub fn blocked(&mut self, error: &io::Error) {
        let why = error.to_string();
        if self
            .read_error
            .as_ref()
            .is_none_or(|read_error| read_error.why != why)
        {
            let path = self.checkpoint.path.shown();
            tracing::warn!("cannot read {path}: {why}; retrying");
        }
        self.read_error = Some(ReadError {
            why,
            kind: error.kind(),
            is_blocking: true,
        });
    }

    /// Its content is that of another file now: a copy, or what became of it when it was compressed.
    pub fn moves_to(&mut self, found: &FileInfo, condition: Condition) {
        self.is_at(found);
        if condition == Condition::ShorterCopy {
            // What stood behind the last whole line was cut away with it.
            self.checkpoint.unfinished = None;
        }
        self.checkpoint.condition = condition;
        self.searched = self.offset();
        self.compared = None;
        self.held = found.size;
        self.is_changed = true;
    }

    /// From here on, nothing is read of it.
    pub fn ignore(&mut self) {
        self.checkpoint.condition = Condition::Ignored;
        self.content = None;
        self.is_changed = true;
    }

    /// Whether there may be more to read.
    #[must_use]
    pub fn has_more(&self) -> bool {
        let checkpoint = &self.checkpoint;
        if self
            .read_error
            .as_ref()
            .is_some_and(|read_error| read_error.is_blocking)
        {
            return false;
        }
        if self.is_on_old_file() {
            return true;
        }
        match checkpoint.condition {
            Condition::Ignored | Condition::ShorterCopy | Condition::CompressedRead => false,
            Condition::Compressed => self.gone.is_none(),
            Condition::Plain => {
                checkpoint.size > self.searched && (self.gone.is_none() || self.content.is_some())
            }
        }
    }

    /// Whether the open file is one that is no longer at the log's path.
    #[must_use]
    pub fn is_on_old_file(&self) -> bool {
        self.gone.is_none()
            && self
                .content
                .as_ref()
                .is_some_and(|content| content.file_id != self.checkpoint.file_id)
    }

    /// Bytes that were seen and not read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        match self.checkpoint.condition {
            Condition::Plain => self.checkpoint.size.saturating_sub(self.offset()),
            Condition::Compressed
            | Condition::CompressedRead
            | Condition::ShorterCopy
            | Condition::Ignored => 0,
        }
    }

    /// Looks how long its file is now, without opening it; false if it is another one by now.
    ///
    /// # Errors
    /// When the file system does not tell.
    pub fn scan_again(&mut self) -> io::Result<bool> {
        if let Some(content) = &self.content
            && !self.is_on_old_file()
        {
            if let Some(size) = content.size()? {
                self.checkpoint.size = size;
            }
            return Ok(true);
        }
        if self.gone.is_some() {
            return Ok(true);
        }
        match std::fs::metadata(&self.checkpoint.path) {
            // By its length it is known: when that changes, it is to be compared anew.
            Ok(metadata) if self.checkpoint.condition == Condition::ShorterCopy => {
                Ok(metadata.len() == self.checkpoint.size)
            }
            Ok(metadata) => {
                self.checkpoint.size = metadata.len();
                Ok(FileId::of(&metadata) == self.checkpoint.file_id)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
