//! Events that the cluster takes in no form, one a line, with the reason (docs/elasticsearch.md, "Dead letters").

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::verdict::Refusal;
use crate::pipeline::timestamp::Timestamp;
use crate::state::open_or_create;

/// The file in the state directory, where no other is given.
pub const FILE_NAME: &str = "dead-letter.ndjson";

/// How far back letters of a run that was killed may stand: it sends no more without recording it.
const MOST_LOOKED_AT: u64 = 256 << 20;

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

/// An event to be put there.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// Its `_id`.
    pub id: &'a str,
    /// Why.
    pub refusal: &'a Refusal,
    /// The event.
    pub event: &'a [u8],
}

/// The file; there is none before the first dead letter.
#[derive(Debug)]
pub struct DeadLetters {
    path: PathBuf,
    known: Mutex<Option<Known>>,
}

/// What an earlier run left in the file. It may have been killed before it recorded that.
#[derive(Debug)]
struct Known {
    device: u64,
    inode: u64,
    length: u64,
    letters: HashSet<u128>,
}

impl DeadLetters {
    /// Those of that file.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            known: Mutex::default(),
        }
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds events, durably: nothing may count as settled before. What is there already is not added.
    ///
    /// # Errors
    /// When the file cannot be written. What is half written is cut away again.
    pub fn add(&self, index: &str, letters: &[Letter<'_>]) -> io::Result<()> {
        // One at a time: who fails cuts the file back to where it was.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Each time anew: the file may be moved away, to be sent again.
        let mut file = open(&self.path)?;
        file.lock()?;
        let known = known_in(&mut known, &mut file)?;
        let mut lines = Vec::new();
        for letter in letters {
            if !known.contains(&hash(index, letter.id)) {
                serde_json::to_writer(&mut lines, &letter.line(index)?)?;
                lines.push(b'\n');
            }
        }
        append(&mut file, &lines)
    }
}

impl<'a> Letter<'a> {
    fn line(&self, index: &'a str) -> io::Result<DeadLetter<'a>> {
        let event = std::str::from_utf8(self.event).map_err(io::Error::other)?;
        Ok(DeadLetter {
            time: Timestamp::now().to_string(),
            index,
            id: self.id,
            status: self.refusal.status,
            error: DeadLetterError {
                kind: &self.refusal.kind,
                reason: &self.refusal.reason,
            },
            source: source(event),
            event: serde_json::from_str(event)?,
        })
    }
}

fn hash(index: &str, id: &str) -> u128 {
    twox_hash::XxHash3_128::oneshot(format!("{index}\n{id}").as_bytes())
}

/// The letters that were in the file at the first look; none if it is another one since.
fn known_in<'a>(known: &'a mut Option<Known>, file: &mut File) -> io::Result<&'a HashSet<u128>> {
    let metadata = file.metadata()?;
    let place = (metadata.dev(), metadata.ino());
    let next = match known.take() {
        Some(known) if (known.device, known.inode) == place && known.length <= metadata.len() => {
            known
        }
        other => Known {
            device: place.0,
            inode: place.1,
            length: metadata.len(),
            letters: match other {
                Some(_) => HashSet::new(),
                None => letters_in(file, metadata.len())?,
            },
        },
    };
    Ok(&known.insert(next).letters)
}

/// The letters at the end of the file, as many as a run that was killed may have left there.
fn letters_in(file: &mut File, length: u64) -> io::Result<HashSet<u128>> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        index: Cow<'a, str>,
        #[serde(borrow, rename = "_id")]
        id: Cow<'a, str>,
    }
    let start = length.saturating_sub(MOST_LOOKED_AT);
    file.seek(SeekFrom::Start(start))?;
    // A device has no length, and may be read without end.
    let mut reader = BufReader::new(file.take(length - start));
    let mut letters = HashSet::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        // Neither the rest of a line at the start nor what a crash left at the end is a letter.
        if line.ends_with(b"\n")
            && let Ok(Line { index, id }) = serde_json::from_slice(&line)
        {
            letters.insert(hash(&index, &id));
        }
        line.clear();
    }
    Ok(letters)
}

fn append(file: &mut File, lines: &[u8]) -> io::Result<()> {
    let length = file.metadata()?.len();
    let mut text = Vec::new();
    if is_torn(file, length)? {
        // Half a line, from a crash: the next one is to be whole.
        text.push(b'\n');
    }
    text.extend_from_slice(lines);
    // What is known from before may not be on the disk yet.
    let written = file.write_all(&text).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = file.set_len(length);
    }
    written
}

fn is_torn(file: &mut File, length: u64) -> io::Result<bool> {
    let Some(last) = length.checked_sub(1) else {
        return Ok(false);
    };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    Ok(file.read(&mut byte)? == 1 && byte != *b"\n")
}

fn open(path: &Path) -> io::Result<File> {
    let directory = path.parent();
    let directory = directory.filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let mut options = OpenOptions::new();
    options.append(true).read(true).create(true).mode(0o600);
    // Unless another file was named, it stands in the state directory.
    let file = open_or_create(&options, path)?;
    if file.metadata()?.len() == 0 {
        sync_directory(directory)?;
    }
    Ok(file)
}

/// Makes the name of a new file durable, where the file system knows such a thing.
fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory)?.sync_all() {
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
        _ => Ok(()),
    }
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
