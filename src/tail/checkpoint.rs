//! What the state keeps of a log.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::identity::{Digest, ReadPosition};
use super::path::{file_name, folder};
use crate::process::file_id::FileId;

/// What the state keeps of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Where it was last.
    #[serde(with = "crate::process::shown::saved_path")]
    pub path: PathBuf,
    /// The series it is of, if its path does not tell that any more.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::process::shown::saved_name"
    )]
    pub series: Option<OsString>,
    /// The directory of its series, if its path does not tell that.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::process::shown::saved_name"
    )]
    pub series_folder: Option<PathBuf>,
    /// The followed directory that it is of, if it stands in another one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::process::shown::saved_name"
    )]
    pub home: Option<PathBuf>,
    /// Where its file really is, if symbolic links lead to it: rotation happens there.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::process::shown::saved_name"
    )]
    pub real: Option<PathBuf>,
    /// Which file that is.
    #[serde(rename = "node")]
    pub file_id: FileId,
    /// What tells it from every other log in the ids of its events, wherever its file goes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub identity: String,
    /// How long that was when it was last looked at.
    pub size: u64,
    /// What was read of it.
    pub progress: ReadPosition,
    /// The beginning of its file when it was first seen, while nothing is read of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Digest>,
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
    /// Text of the line so far.
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

impl Checkpoint {
    /// Whether its path is a symbolic link to its file, rather than in a directory that one leads to.
    fn is_link(&self) -> bool {
        let real = self.real.as_deref().map(folder);
        real.is_some() && self.series_folder.as_deref() == real
    }

    /// The path that rotation goes by.
    #[must_use]
    pub fn own_path(&self) -> &Path {
        match &self.real {
            Some(real) if self.is_link() => real,
            Some(_) | None => &self.path,
        }
    }

    /// The name that rotation goes by.
    #[must_use]
    pub fn own_name(&self) -> &OsStr {
        file_name(self.own_path())
    }

    /// The directory that its file is in.
    #[must_use]
    pub fn lives_in(&self) -> &Path {
        folder(self.own_path())
    }
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
