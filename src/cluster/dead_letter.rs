//! Events that the cluster takes in no form, one a line, with the reason (docs/elasticsearch.md, "Dead letters").

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::verdict::Refusal;
use crate::pipeline::timestamp::Timestamp;

/// The file in the state directory, where no other is given.
pub const FILE_NAME: &str = "dead-letter.ndjson";

/// A line of the file.
#[derive(Debug, Serialize)]
struct DeadLetter<'a> {
    /// When it was refused.
    time: String,
    index: &'a str,
    #[serde(rename = "_id")]
    id: &'a str,
    status: u16,
    error: DeadLetterError<'a>,
    source: Value,
    event: &'a RawValue,
}

#[derive(Debug, Serialize)]
struct DeadLetterError<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    reason: &'a str,
}

/// The file; there is none before the first dead letter.
#[derive(Debug)]
pub struct DeadLetters {
    path: PathBuf,
}

impl DeadLetters {
    /// Those of that file.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an event, durably: nothing may count as settled before.
    ///
    /// # Errors
    /// When the file cannot be written. What is half written is cut away again.
    pub fn add(&self, index: &str, id: &str, refusal: &Refusal, event: &[u8]) -> io::Result<()> {
        let text = std::str::from_utf8(event).map_err(io::Error::other)?;
        let line = serde_json::to_vec(&DeadLetter {
            time: Timestamp::now().to_string(),
            index,
            id,
            status: refusal.status,
            error: DeadLetterError {
                kind: &refusal.kind,
                reason: &refusal.reason,
            },
            source: source(text),
            event: serde_json::from_str(text)?,
        })?;
        append(&self.path, &[line.as_slice(), b"\n"].concat())
    }
}

/// Opens the file each time: it may be moved away, to be sent again.
fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = open(path)?;
    let length = file.metadata()?.len();
    let written = file.write_all(line).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = file.set_len(length);
    }
    written
}

fn open(path: &Path) -> io::Result<File> {
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    if let Some(directory) = directory {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let mut options = OpenOptions::new();
    let file = options.append(true).create(true).mode(0o600).open(path)?;
    if let Some(directory) = directory {
        File::open(directory)?.sync_all()?;
    }
    Ok(file)
}

/// Where an event came from: its file and offset, else its time.
fn source(event: &str) -> Value {
    let whole: Value = serde_json::from_str(event).unwrap_or_default();
    let at = |pointer: &str| whole.pointer(pointer).cloned();
    match at("/log/file/path") {
        Some(file) => serde_json::json!({"file": file, "offset": at("/log/offset")}),
        None => serde_json::json!({
            "input": at("/input/type"),
            "instant": at("/@timestamp"),
        }),
    }
}
