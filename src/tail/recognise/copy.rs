//! What is known of a copy.

use std::time::SystemTime;

use crate::tail::file_info::FileInfo;
use crate::tail::log::LogId;

/// What shows that a file changed: its size and modification time.
pub(super) type Stamp = (u64, Option<SystemTime>);

/// A file that is a copy of a log, as far as the log's own file tells.
#[derive(Debug, Clone)]
pub(in crate::tail) struct LogCopy {
    pub(super) found: FileInfo,
    pub(super) of: LogId,
    /// There was something in it to tell it by; else it may be another log's, too.
    pub(super) is_identifiable: bool,
    /// The original's size and time when they were compared.
    pub(super) original: Stamp,
}
