//! The identity of a file in the file system: device, inode and birth time.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// Identity of a file, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileId {
    /// The device; may change at a reboot.
    pub device: u64,
    /// The inode; may be used again when the file is gone.
    pub inode: u64,
    /// Birth time in nanoseconds since 1970, where the file system keeps it: an inode that is
    /// reused has another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<u64>,
}

impl FileId {
    /// The identity of the file that the metadata is of.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let born = metadata.created().ok();
        let since = born.and_then(|born| born.duration_since(SystemTime::UNIX_EPOCH).ok());
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            born: since.and_then(|since| u64::try_from(since.as_nanos()).ok()),
        }
    }

    /// Whether it can be the same file, if `same_path` or the device says so too.
    #[must_use]
    pub fn may_be(&self, other: &Self, same_path: bool) -> bool {
        self.inode == other.inode
            && (self.device == other.device || same_path)
            && (self.born == other.born || self.born.is_none() || other.born.is_none())
    }
}
