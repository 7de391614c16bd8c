//! Which lines went to the output file since the state was saved last.
//!
//! Fetched events do not tell which site and query they are of. So each line is noted by its hash
//! before it is written, in `NAME.lines` beside the state: what stands in the output behind the
//! checkpoint after a crash is ours if it is noted, and somebody else's if not. The notes are not
//! synced: they outlive a process that is killed, but not a system that is, as they say themselves.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use twox_hash::XxHash3_128;

use crate::pipeline::event::is_action;
use crate::process::shown::Shown as _;
use crate::sink::Whose;
use crate::state::open_or_create;

const HASH: usize = 16;

/// The notes of one state.
pub struct WrittenLines {
    file: Option<File>,
}

impl WrittenLines {
    /// Opens the notes of the state `name`, which are to be held; what was noted before.
    pub fn open(directory: &Path, name: &str) -> (Self, Noted) {
        let path = directory.join(format!("{name}.lines"));
        let mut options = File::options();
        options.read(true).append(true).create(true);
        let opened = open_or_create(&options, &path);
        let read = opened.and_then(|mut file| {
            let noted = Noted::read(&mut file)?;
            Ok((file, noted))
        });
        match read {
            Ok((file, noted)) => (Self { file: Some(file) }, noted),
            Err(error) => {
                tracing::debug!("{}: {error}", path.shown());
                (Self { file: None }, Noted::default())
            }
        }
    }

    /// Notes lines that are about to be written.
    pub fn note(&mut self, lines: &[u8]) {
        let mut hashes = Vec::new();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            // An action line goes or stays with its event.
            if is_action(line) {
                continue;
            }
            hashes.extend(XxHash3_128::oneshot(line).to_le_bytes());
        }
        self.add(&hashes);
    }

    /// All that was noted is in the state.
    pub fn clear(&mut self) {
        if let Some(file) = &self.file
            && let Err(error) = file.set_len(0)
        {
            tracing::debug!("cannot clear the record of written lines: {error}");
            self.file = None;
            return;
        }
        self.add(&boot());
    }

    fn add(&mut self, bytes: &[u8]) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(bytes) {
            tracing::debug!("cannot record written lines: {error}");
            // Notes with gaps would be worse than none.
            let _ = file.set_len(0);
            self.file = None;
        }
    }
}

/// Lines that a previous run wrote after its last save.
#[derive(Default)]
pub struct Noted {
    /// How often each line was.
    lines: HashMap<u128, u32>,
    /// Whether nothing can be missing: the system has not gone down since.
    is_whole: bool,
}

impl Noted {
    fn read(file: &mut File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        let (hashes, _) = bytes.as_chunks::<HASH>();
        let Some((first, hashes)) = hashes.split_first() else {
            return Ok(Self::default());
        };
        let mut lines = HashMap::new();
        for hash in hashes {
            *lines.entry(u128::from_le_bytes(*hash)).or_default() += 1;
        }
        Ok(Self {
            lines,
            is_whole: *first == boot(),
        })
    }

    /// How many lines there are behind the checkpoint, at most, if that is known.
    pub fn count(&self) -> Option<u64> {
        let counts = self.lines.values().map(|count| u64::from(*count));
        self.is_whole.then(|| counts.sum())
    }

    /// Whose a line behind the checkpoint is; whether other states are known to have written there.
    pub fn classify(&mut self, line: &[u8], is_known: bool) -> Whose {
        if let Some(count) = self.lines.get_mut(&XxHash3_128::oneshot(line))
            && *count > 0
        {
            *count -= 1;
            return Whose::Ours;
        }
        if self.is_whole || is_known {
            Whose::Foreign
        } else {
            Whose::Doubtful
        }
    }
}

/// Removes the notes of a state.
///
/// # Errors
/// When they are there, and cannot be removed.
pub fn remove(directory: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(directory.join(format!("{name}.lines"))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Which run of the system this is.
fn boot() -> [u8; HASH] {
    let id = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    XxHash3_128::oneshot(&id).to_le_bytes()
}
