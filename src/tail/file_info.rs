//! A file found by a scan.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::name::LogName;
use super::path::folder;
use crate::process::file_id::FileId;

/// A file as a scan saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that have nothing to do with each other"
)]
pub struct FileInfo {
    /// Path at which the file was found.
    pub path: PathBuf,
    /// What its name says; of a link, the name of the file that it leads to.
    pub name: LogName,
    /// Which file it is.
    pub file_id: FileId,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Option<SystemTime>,
    /// It is a symbolic link to the file.
    pub is_link: bool,
    /// Where it really is, if symbolic links led to it.
    pub real: Option<PathBuf>,
    /// The followed directory that it is of, if it stands in another one: beside what a link leads to.
    pub home: Option<PathBuf>,
    /// It stands in a followed directory, under a name that a pattern concerns.
    pub is_listed: bool,
    /// A pattern matches it; else it only stands beside a log that one would match, as what
    /// rotation made of that.
    pub is_followed: bool,
    /// No pattern that concerns it has been looked for before.
    pub is_first_scan: bool,
}

impl FileInfo {
    /// A file of that name, of which nothing else is known yet.
    pub(super) fn named(path: PathBuf, name: LogName) -> Self {
        Self {
            path,
            name,
            file_id: FileId {
                device: 0,
                inode: 0,
                born: None,
            },
            size: 0,
            modified: None,
            is_link: false,
            real: None,
            home: None,
            is_listed: false,
            is_followed: false,
            is_first_scan: false,
        }
    }

    /// It, with what the system says of it.
    pub(super) fn with(self, metadata: &Metadata) -> Self {
        Self {
            file_id: FileId::of(metadata),
            size: metadata.len(),
            modified: metadata.modified().ok(),
            ..self
        }
    }

    /// The path that rotation goes by.
    #[must_use]
    pub fn own_path(&self) -> &Path {
        match &self.real {
            Some(real) if self.is_link => real,
            Some(_) | None => &self.path,
        }
    }

    /// Whether it is a link to what is not there: rotation may have taken it away.
    pub(super) fn is_dangling(&self) -> bool {
        self.file_id.inode == 0
    }

    /// The directory that the file is in.
    #[must_use]
    pub fn lives_in(&self) -> &Path {
        folder(self.own_path())
    }

    /// The followed directory that it is of.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.as_deref().unwrap_or_else(|| folder(&self.path))
    }
}
