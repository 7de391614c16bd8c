//! An output that was rotated while it was written: what was written after it was copied, or
//! compressed, is in no file that has a name.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{OutputCheckpoint, find};
use crate::input::compression::Stream;
use crate::pipeline::event::{count_events as count, whole_events};

/// More of what was written is not kept.
const MOST_KEPT: usize = 16 << 20;
/// What was written is kept for so long, at least, if there is not more of it than this: a file may be
/// saved between its copy and its truncation.
const KEPT_FOR: Duration = Duration::from_secs(3);
const SAVED_KEPT: usize = 4 << 20;

/// So often a copy is looked for.
const TRIES: usize = 5;
/// So long it is waited for the compression of a file that was just moved away.
const SOON: Duration = Duration::from_millis(300);
/// So long it is looked after.
const LATE: Duration = Duration::from_secs(60);

/// What was written since the last save, and shortly before it.
#[derive(Debug)]
pub(super) struct Recent {
    /// The file as it was before.
    before: OutputCheckpoint,
    lines: Vec<u8>,
    /// How much of the lines was saved.
    saved: usize,
    /// The file at a save on the way, with what was written before it, and when that was.
    middle: Option<(OutputCheckpoint, usize)>,
    since: Instant,
    /// Lines that are not kept, for there are too many.
    too_many: usize,
    /// How long the file must be, at least.
    length: u64,
    /// How often it was truncated between two writes.
    truncated: u32,
}

/// What a file has lost.
#[derive(Debug, PartialEq, Eq)]
enum MissingLines {
    /// Nothing: it is where it was, or a copy has everything.
    None,
    /// These lines are in no file.
    Certain(Vec<u8>),
    /// So many lines may be in no file.
    Possible(usize),
}

impl MissingLines {
    fn possible(lines: usize) -> Self {
        if lines == 0 {
            Self::None
        } else {
            Self::Possible(lines)
        }
    }
}

impl Recent {
    pub(super) fn new(before: OutputCheckpoint) -> Self {
        Self {
            length: before.length,
            before,
            lines: Vec::new(),
            saved: 0,
            middle: None,
            since: Instant::now(),
            too_many: 0,
            truncated: 0,
        }
    }

    /// Takes note of lines that were appended, and of the length of the file then.
    pub(super) fn add(&mut self, lines: &[u8], length: u64) {
        self.truncated += u32::from(length < self.length + lines.len() as u64);
        self.length = length;
        if self.too_many == 0 && self.lines.len() + lines.len() <= MOST_KEPT {
            self.lines.extend_from_slice(lines);
        } else {
            self.too_many += count(lines);
        }
    }

    /// All of it is saved. What is older than need be is let go.
    pub(super) fn save(&mut self, now: OutputCheckpoint) {
        let is_as_written = now.length == self.length && self.truncated == 0 && self.too_many == 0;
        if !is_as_written || self.lines.len() > SAVED_KEPT {
            *self = Self::new(now);
            return;
        }
        self.saved = self.lines.len();
        if self.since.elapsed() >= KEPT_FOR || self.middle.is_none() {
            self.since = Instant::now();
            let middle = self.middle.replace((now, self.lines.len()));
            if let Some((before, written)) = middle {
                self.before = before;
                self.lines.drain(..written);
                self.saved -= written;
                if let Some((_, middle)) = &mut self.middle {
                    *middle -= written;
                }
            }
        }
    }

    /// Whether the file, as it is now, may have lost some of it.
    pub(super) fn is_in_danger(&self, metadata: &Metadata) -> bool {
        metadata.nlink() == 0 || metadata.len() < self.length || self.truncated > 0
    }

    /// What the file has lost for certain, if it [is in danger](Self::is_in_danger); tells of it.
    pub(super) fn lost(&self, file: &File, output: &str) -> io::Result<Option<Vec<u8>>> {
        let mut loss = self.loss(file, &file.metadata()?);
        for _ in 1..TRIES {
            if !matches!(loss, MissingLines::Possible(_)) {
                break;
            }
            // Copies are renamed while they are looked for, one to the place of the next.
            std::thread::sleep(Duration::from_millis(20));
            loss = self.loss(file, &file.metadata()?);
        }
        match loss {
            MissingLines::None => Ok(None),
            MissingLines::Possible(events) => {
                tracing::warn!(
                    output,
                    events,
                    "the output was rotated while it was written, and no copy of it was found: up to \
                     this many events may be lost; see docs/tail.md on rotation"
                );
                Ok(None)
            }
            MissingLines::Certain(lost) => {
                tracing::warn!(
                    output,
                    events = count(&lost),
                    "the output was rotated while it was written: events missing from the copy are \
                     written again"
                );
                Ok(Some(lost))
            }
        }
    }

    /// Takes all of it out, if any of it is not saved.
    pub(super) fn take(&mut self) -> Option<Self> {
        let rest = Self::new(self.before.clone());
        let recent = std::mem::replace(self, rest);
        (recent.lines.len() > recent.saved || recent.too_many > 0).then_some(recent)
    }

    fn loss(&self, file: &File, metadata: &Metadata) -> MissingLines {
        if self.lines.is_empty() && self.too_many == 0 {
            return MissingLines::None;
        }
        // What was saved is in no danger, unless a copy tells that it was rotated just then.
        let all = count(&self.lines[self.saved..]) + self.too_many;
        // Without a name, what stands in it is lost; if it was truncated, its end was written after.
        let mut here = Vec::new();
        if metadata.nlink() > 0 {
            let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
            if length > self.lines.len() {
                return MissingLines::possible(all);
            }
            here.resize(length, 0);
            if file.read_exact_at(&mut here, 0).is_err() {
                // Truncated once more.
                return MissingLines::possible(all);
            }
        }
        // More than once, and there are several copies with parts of it.
        let truncated = self.truncated + u32::from(metadata.len() < self.length);
        let is_certain = self.too_many == 0 && truncated <= 1;
        let (true, Some(rest)) = (is_certain, self.lines.strip_suffix(&here[..])) else {
            return MissingLines::possible(all);
        };
        let Some(copied) = self.copied() else {
            return MissingLines::possible(count(rest.get(self.saved..).unwrap_or_default()));
        };
        // Of an event that is not all in the copy, all is missing.
        let whole = whole_events(&self.lines[..copied]);
        let lost = rest.get(whole..).unwrap_or_default();
        if lost.is_empty() {
            MissingLines::None
        } else {
            MissingLines::Certain(lost.to_vec())
        }
    }

    /// How many bytes of it are in a copy of the file, if there is one and it ends with them.
    fn copied(&self) -> Option<usize> {
        find::by_content(&self.before).find_map(|path| self.copied_to(&path).ok()?)
    }

    fn copied_to(&self, path: &Path) -> io::Result<Option<usize>> {
        let file = File::open(path)?;
        let modified = file.metadata()?.modified().ok();
        let mut stream = Stream::detect(file)?;
        if !self.before.begins(&mut stream)? {
            return Ok(None);
        }
        let mut copied = Vec::new();
        let most = self.lines.len() as u64 + 1;
        stream.take(most).read_to_end(&mut copied)?;
        let is_copy = self.lines.starts_with(&copied)
            && (self.before.length > 0
                || !copied.is_empty()
                || self.before.is_copied_empty(modified));
        Ok(is_copy.then_some(copied.len()))
    }
}

/// A file that was moved away when something had just been written to it: if it is being compressed, it
/// is known only when it is deleted whether that came too late.
#[derive(Debug)]
pub(super) struct Retired {
    file: File,
    name: String,
    recent: Recent,
    since: Instant,
}

/// What there is to do about a retired file.
#[derive(Debug)]
pub(super) enum RetiredState {
    /// It still has a name.
    Waiting,
    /// These lines are in no file.
    Lost(Vec<u8>),
    /// Nothing to do: all lines are in some file.
    Safe,
}

impl Retired {
    pub(super) fn new(file: File, name: String, recent: Recent) -> Self {
        Self {
            file,
            name,
            recent,
            since: Instant::now(),
        }
    }

    /// Waits a little: small files are compressed soon.
    pub(super) fn wait(&self) {
        while self.has_name() && self.since.elapsed() < SOON {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn has_name(&self) -> bool {
        self.file
            .metadata()
            .is_ok_and(|metadata| metadata.nlink() > 0)
    }

    pub(super) fn state(&self) -> RetiredState {
        if self.has_name() {
            // A large file is read for so long that its end is not missed.
            return if self.since.elapsed() < LATE {
                RetiredState::Waiting
            } else {
                RetiredState::Safe
            };
        }
        match self.recent.lost(&self.file, &self.name) {
            Ok(Some(lost)) => RetiredState::Lost(lost),
            Ok(None) => RetiredState::Safe,
            Err(error) => {
                tracing::debug!("{}: {error}", self.name);
                RetiredState::Safe
            }
        }
    }
}
