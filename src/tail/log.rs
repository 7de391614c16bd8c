//! One log: a content that grows, wherever rotation puts it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::content::Content;
use super::discover::Found;
use super::identity::Progress;
use super::name::Name;
use crate::event::Origin;
use crate::node::Node;
use crate::shown::Shown as _;

/// A log's number in the state; never used again.
pub type LogId = u64;

/// What the state keeps of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Where it was last.
    #[serde(with = "crate::shown::saved_path")]
    pub path: PathBuf,
    /// The series it is of, if its path does not tell that any more.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::shown::saved_name"
    )]
    pub series: Option<OsString>,
    /// Which file that is.
    pub node: Node,
    /// How long that was when it was last looked at.
    pub size: u64,
    /// What was read of it.
    pub progress: Progress,
    /// What else is known of the file.
    #[serde(default, skip_serializing_if = "Condition::is_ordinary")]
    pub condition: Condition,
    /// What stood behind the last whole line, if it was short: its file may go away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
    /// Since when there is no such file, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<u64>,
}

/// The beginning of a line that was not whole yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// Its length in bytes.
    pub length: u64,
    /// Its text.
    pub text: String,
}

/// What there is to know of a log's file besides what was read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// A plain file to be read.
    #[default]
    Plain,
    /// A compressed file that is not read to its end.
    Compressed,
    /// A compressed file read to its end, when it was as long as is recorded.
    CompressedRead,
    /// A copy that ends before what was read of the original does: nothing is to be read of it.
    ShorterCopy,
    /// A rotated file from before its log was followed: not to be read.
    Ignored,
}

impl Condition {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_ordinary(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// Whether the file is compressed and is, or was, read.
    #[must_use]
    pub fn is_compressed(self) -> bool {
        matches!(self, Self::Compressed | Self::CompressedRead)
    }
}

/// A log on its way.
#[derive(Debug)]
pub struct Log {
    /// What is saved of it.
    pub checkpoint: Checkpoint,
    /// Its directory and series: what is read in one order.
    pub series: Series,
    /// What its name says.
    pub name: Name,
    /// When its file was last written.
    pub modified: Option<SystemTime>,
    /// Its open file: while its old one is read to the end, not the one at its path.
    pub content: Option<Content>,
    /// The size and time of the file when it was last compared with what was read.
    pub compared: Option<(u64, Option<SystemTime>)>,
    /// There is no whole line before this, whatever stands behind the offset.
    pub searched: u64,
    /// Since when there is no such file.
    pub gone: Option<Instant>,
    /// Why it cannot be read; said once.
    pub trouble: Option<Trouble>,
    /// No pattern names it, or its directory cannot be read: it is left alone.
    pub is_unfollowed: bool,
    /// Something else stands in its file than what was read.
    pub is_displaced: bool,
    /// Its events' origin.
    pub origin: Arc<Origin>,
    /// It is to be saved anew.
    pub is_changed: bool,
}

/// Why a log cannot be read.
#[derive(Debug)]
pub struct Trouble {
    /// In words.
    pub why: String,
    /// Damaged data stays damaged until the file changes.
    kind: io::ErrorKind,
    /// It is not to be tried again yet.
    is_blocking: bool,
}

/// The directory and the name that the files of a series have in common.
pub type Series = (PathBuf, OsString);

impl Log {
    /// A log that is first seen as `found`, of which `progress` counts as read.
    #[must_use]
    pub fn begin(found: &Found, progress: Progress, condition: Condition) -> Self {
        let mut log = Self::restore(Checkpoint {
            path: found.path.clone(),
            series: None,
            node: found.node,
            size: found.size,
            progress,
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
    pub fn restore(checkpoint: Checkpoint) -> Self {
        let mut name = Name::of(file_name(&checkpoint.path));
        if let Some(series) = &checkpoint.series {
            name.series.clone_from(series);
            name.age = name.age.renamed();
        }
        Self {
            series: (folder(&checkpoint.path).to_owned(), name.series.clone()),
            name,
            modified: None,
            content: None,
            compared: None,
            searched: checkpoint.progress.offset(),
            // Whether it is still there, the first look tells.
            gone: checkpoint.gone_since.map(|_| Instant::now()),
            trouble: None,
            is_unfollowed: false,
            is_displaced: false,
            origin: Arc::new(Origin::file(&checkpoint.path)),
            is_changed: false,
            checkpoint,
        }
    }

    /// How far it was read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.checkpoint.progress.offset()
    }

    /// It is now at that place; the content is the same.
    pub fn is_at(&mut self, found: &Found) {
        let checkpoint = &mut self.checkpoint;
        if checkpoint.path != found.path {
            tracing::debug!("{} is now {}", checkpoint.path.shown(), found.path.shown());
            checkpoint.path.clone_from(&found.path);
            checkpoint.series = None;
            let age = self.name.age.renamed();
            let series = std::mem::take(&mut self.series.1);
            self.name = found.name.clone();
            if found.name.series != series {
                // A name that tells nothing: the lines are of the same series still.
                self.name.age = age;
                self.name.series.clone_from(&series);
                checkpoint.series = Some(series);
            }
            self.series = (folder(&found.path).to_owned(), self.name.series.clone());
            self.origin = Arc::new(Origin::file(&found.path));
            self.is_changed = true;
        }
        if checkpoint.node != found.node {
            checkpoint.node = found.node;
            self.is_changed = true;
        }
        if self.gone.take().is_some() || checkpoint.gone_since.take().is_some() {
            self.is_changed = true;
        }
        let may_be_mended = |trouble: &Trouble| {
            !matches!(
                trouble.kind,
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
            )
        };
        if self.trouble.as_ref().is_some_and(may_be_mended) {
            self.retry();
        }
        let checkpoint = &mut self.checkpoint;
        if checkpoint.size != found.size || self.modified != found.modified {
            checkpoint.size = found.size;
            self.modified = found.modified;
            // What could not be read may be readable now.
            if checkpoint.condition == Condition::CompressedRead {
                checkpoint.condition = Condition::Compressed;
            }
            self.retry();
        }
    }

    /// What could not be read may be readable now.
    fn retry(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.is_blocking = false;
        }
    }

    /// Says once why it cannot be read; it is passed over until there is a reason to try again.
    pub fn blocked(&mut self, error: &io::Error) {
        let why = error.to_string();
        if self
            .trouble
            .as_ref()
            .is_none_or(|trouble| trouble.why != why)
        {
            let path = self.checkpoint.path.shown();
            tracing::warn!("cannot read {path}: {why}; trying again");
        }
        self.trouble = Some(Trouble {
            why,
            kind: error.kind(),
            is_blocking: true,
        });
    }

    /// Its content is that of another file now: a copy, or what became of it when it was compressed.
    pub fn moves_to(&mut self, found: &Found, condition: Condition) {
        self.is_at(found);
        self.checkpoint.condition = condition;
        self.searched = self.offset();
        self.compared = None;
        self.is_changed = true;
    }

    /// Whether there may be more to read.
    #[must_use]
    pub fn has_more(&self) -> bool {
        let checkpoint = &self.checkpoint;
        if self
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble.is_blocking)
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
                .is_some_and(|content| content.node != self.checkpoint.node)
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
    pub fn look_again(&mut self) -> io::Result<bool> {
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
            Ok(metadata) => {
                self.checkpoint.size = metadata.len();
                Ok(Node::of(&metadata) == self.checkpoint.node)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

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
