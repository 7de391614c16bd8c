//! The order in which logs are read: series take turns, and in a series the oldest comes first.
//!
//! A round of a series fixes, from the newest log to the oldest, how far each is read, and then reads
//! from the oldest to the newest. Whatever was written to an older log before a line of a newer one is
//! then read before that line.

mod endings;
mod handles;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use endings::finish;

use super::content::{Lines, looks_binary};
use super::discover::{Discovery, FileInfo, Listing};
use super::log::{Log, LogId, Series};
use super::piece::{Change, TailPiece};
use super::recognise::{FirstMeeting, Logs};
use crate::input::compression::Compression;
use crate::pipeline::frame::{BYTE_ORDER_MARK, Frame, Problem};
use crate::process::shown::Shown as _;

/// How much of one series is read before the others get their turn.
const TURN: usize = 4 << 20;

/// Options of a reader.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// How files are first met.
    pub meeting: FirstMeeting,
    /// The longest line in bytes.
    pub max_line_bytes: usize,
    /// How many files may be open.
    pub most_open: usize,
}

/// Reads every line of the logs.
#[derive(Debug)]
pub struct TailReader {
    /// Finds the files that the patterns match.
    pub discovery: Discovery,
    /// All known logs, in whatever state.
    pub logs: Logs,
    reading: ReadOptions,
    /// The last look, while nothing is known to have changed since.
    folders: BTreeMap<PathBuf, Listing>,
    /// The files that it found.
    found: Vec<FileInfo>,
    rounds: HashMap<Series, VecDeque<(LogId, u64)>>,
    /// Series in the order of their turns.
    turns: VecDeque<Series>,
    /// The series in `turns`, for lookup.
    waiting: HashSet<Series>,
    /// Bytes of the present turn.
    turned: usize,
    /// The logs of each series, the oldest first.
    series: BTreeMap<Series, Vec<LogId>>,
    by_path: HashMap<PathBuf, LogId>,
    /// Files open, in the order they were opened.
    open: VecDeque<LogId>,
    /// Whether the content of a log may come back at another place.
    is_any_gone: bool,
    /// The next scan is due at once.
    pub needs_rescan: bool,
    warned: HashMap<PathBuf, String>,
    /// Files and directories that cannot be read at present.
    pub read_errors: Vec<String>,
}

impl TailReader {
    /// Follows from where the logs stand.
    #[must_use]
    pub fn new(discovery: Discovery, logs: Logs, reading: ReadOptions) -> Self {
        Self {
            discovery,
            logs,
            reading,
            folders: BTreeMap::new(),
            found: Vec::new(),
            rounds: HashMap::new(),
            turns: VecDeque::new(),
            waiting: HashSet::new(),
            turned: 0,
            series: BTreeMap::new(),
            by_path: HashMap::new(),
            open: VecDeque::new(),
            is_any_gone: false,
            needs_rescan: true,
            warned: HashMap::new(),
            read_errors: Vec::new(),
        }
    }

    /// The directories that were found by the last look.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.keys().map(PathBuf::as_path)
    }

    /// Looks at all files, and plans the rounds anew.
    pub fn scan(&mut self) {
        self.discovery.left = self.logs.beside_links();
        let mut scanned = self.discovery.scan(Some(&self.folders));
        self.warn_of_unreadable(&scanned.failed);
        if !self.needs_rescan && !self.needs_attention() && scanned.found == self.found {
            self.folders = scanned.folders;
            return;
        }
        self.rounds.clear();
        self.turns.clear();
        self.needs_rescan = true;
        for _ in 0..20 {
            if self.logs.recognise(&scanned, self.reading.meeting).is_ok() {
                self.needs_rescan = false;
                break;
            }
            scanned = self.discovery.scan(None);
        }
        self.folders = scanned.folders;
        self.found = scanned.found;
        let patterns = self.discovery.patterns.iter();
        let known: Vec<_> = patterns.map(|pattern| pattern.text.clone()).collect();
        self.discovery.known.extend(known);
        self.plan();
    }

    /// Whether the directories are as they were at the last look, and there is no reason to look at
    /// files but a change of one.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        let as_scanned = |(folder, listing): (&PathBuf, &Listing)| {
            let modified = std::fs::metadata(folder).and_then(|metadata| metadata.modified());
            modified.is_ok_and(|modified| listing.is_of(modified))
        };
        self.warned.is_empty()
            && !self.needs_attention()
            && self.discovery.has_folders(&self.folders)
            && self.folders.iter().all(as_scanned)
    }

    /// Whether there is a log to come back to, even if no file changes.
    fn needs_attention(&self) -> bool {
        let mut logs = self.logs.all.values();
        logs.any(|log| log.read_error.is_some() || log.gone.is_some() && log.content.is_some())
    }

    /// Says once of each directory why it cannot be read.
    fn warn_of_unreadable(&mut self, failed: &[(PathBuf, io::ErrorKind, String)]) {
        self.warned
            .retain(|path, _| failed.iter().any(|(failed, _, _)| failed == path));
        for (path, kind, why) in failed {
            if self.warned.insert(path.clone(), why.clone()).as_ref() == Some(why) {
                continue;
            }
            let path = path.shown();
            if *kind == io::ErrorKind::NotFound {
                tracing::info!("directory {path} does not exist");
            } else {
                tracing::warn!("cannot read directory {path}: {why}; retrying");
            }
        }
        let failures = failed.iter();
        self.read_errors = failures
            .filter(|(_, kind, _)| *kind != io::ErrorKind::NotFound)
            .map(|(path, _, why)| format!("cannot read directory {}: {why}", path.shown()))
            .collect();
    }

    /// Orders the logs, and gives a turn to each series that has more to read, the oldest first.
    fn plan(&mut self) {
        self.series.clear();
        self.by_path.clear();
        let mut logs = self.logs.all.values();
        self.is_any_gone = logs.any(|log| log.gone.is_some() && log.offset() > 0);
        for (id, log) in &self.logs.all {
            if log.is_unfollowed || log.gone.is_some() && log.content.is_none() {
                continue;
            }
            let paths = [Some(&log.checkpoint.path), log.checkpoint.real.as_ref()];
            let paths = paths.into_iter().flatten().cloned();
            self.by_path.extend(paths.map(|path| (path, *id)));
            self.series.entry(log.series.clone()).or_default().push(*id);
        }
        let mut waiting = Vec::new();
        for (series, logs) in &mut self.series {
            let all = &self.logs.all;
            // What is gone was there before what is there, and earlier logs before later ones.
            logs.sort_by_key(|id| {
                all.get(id)
                    .map(|log| (log.gone.is_none(), log.name.age.clone()))
            });
            let unread = logs.iter().filter_map(|id| all.get(id));
            // What is gone may still be written to by who has it open.
            let may_have = |log: &&Log| log.has_more() || log.gone.is_some();
            let oldest = unread.filter(may_have).map(|log| log.modified).min();
            if let Some(oldest) = oldest {
                waiting.push((series.0.clone(), oldest, series.clone()));
            }
        }
        waiting.sort();
        self.turns = waiting.into_iter().map(|(_, _, series)| series).collect();
        self.waiting = self.turns.iter().cloned().collect();
        self.keep_open();
    }

    /// A file was written to: its series gets a turn.
    pub fn written(&mut self, path: &Path) {
        let Some(log) = self.by_path.get(path).and_then(|id| self.logs.all.get(id)) else {
            // A symbolic link's target, or nothing of ours; or what was the beginning of a backup.
            self.needs_rescan |= self.logs.is_beginning_of_backup_at(path);
            return;
        };
        if self.waiting.insert(log.series.clone()) {
            self.turns.push_back(log.series.clone());
        }
    }

    /// Reads the next piece; false if there is none at present.
    pub fn next_piece(&mut self, piece: &mut TailPiece) -> bool {
        while !self.needs_rescan {
            let Some(series) = self.turns.front().cloned() else {
                return false;
            };
            if !self.rounds.contains_key(&series) && !self.begin_round(&series) {
                continue;
            }
            if self.read_series(&series, piece) {
                self.turned += piece.read.text.len();
                if self.turned >= TURN {
                    self.turned = 0;
                    self.turns.rotate_left(1);
                }
                return true;
            }
        }
        false
    }

    /// Fixes how far each log of a series is read in this round; false if there is nothing to read.
    fn begin_round(&mut self, series: &Series) -> bool {
        let mut round = VecDeque::new();
        for id in self.series.get(series).into_iter().flatten().rev() {
            let Some(log) = self.logs.all.get_mut(id) else {
                continue;
            };
            match log.scan_again() {
                Ok(true) => {}
                Ok(false) => {
                    self.needs_rescan = true;
                    return false;
                }
                Err(error) => {
                    log.blocked(&error);
                    continue;
                }
            }
            if log.has_more() {
                round.push_front((*id, log.checkpoint.size));
            }
        }
        if round.is_empty() {
            self.end_turn(series);
            return false;
        }
        // Of new logs, that is looked at when their first lines are read.
        let reads_on = |(id, _): &(LogId, u64)| {
            let log = self.logs.all.get(id);
            log.is_some_and(|log| log.offset() > 0)
        };
        if round.iter().any(reads_on)
            && !is_unchanged(&self.discovery, &mut self.folders, &series.0)
        {
            // A rotated copy that was there before the last of these lines is to be read before them.
            self.needs_rescan = true;
            return false;
        }
        self.rounds.insert(series.clone(), round);
        true
    }

    fn end_turn(&mut self, series: &Series) {
        self.rounds.remove(series);
        // Only the first in the queue has its turn.
        self.turns.pop_front();
        self.waiting.remove(series);
        self.turned = 0;
    }

    /// Reads the next piece of a round; false if there is no more of it.
    fn read_series(&mut self, series: &Series, piece: &mut TailPiece) -> bool {
        while let Some((id, limit)) = self
            .rounds
            .get(series)
            .and_then(|round| round.front().copied())
        {
            let lines = self.read_log(id, limit, piece);
            let Some(log) = self.logs.all.get_mut(&id) else {
                break;
            };
            match lines {
                Ok(Lines::Whole | Lines::TooLong(_)) => return true,
                Ok(Lines::None) => {
                    let is_old_file = log.is_on_old_file();
                    finish(log, limit);
                    if is_old_file {
                        // Its new file is next, before any line of a later log.
                        break;
                    }
                    if log.is_changed {
                        // Known to be read to its end: worth saving.
                        self.needs_rescan |= log.has_more();
                    }
                }
                Ok(Lines::Changed) => {
                    if log.name.rotated_from.is_some() && log.offset() >= log.held {
                        // What the file of a rotated log that was read grows to is not of that log.
                        log.checkpoint.size = log.offset();
                    }
                    log.content = None;
                    log.compared = None;
                    self.needs_rescan = true;
                    return false;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.needs_rescan = true;
                    return false;
                }
                Err(error) => {
                    log.content = None;
                    log.blocked(&error);
                }
            }
            if let Some(round) = self.rounds.get_mut(series) {
                round.pop_front();
            }
        }
        // Another round finds what was written meanwhile.
        self.rounds.remove(series);
        false
    }

    /// Reads lines of one log, up to `limit`, into a piece.
    fn read_log(&mut self, id: LogId, limit: u64, piece: &mut TailPiece) -> io::Result<Lines> {
        self.open(id)?;
        let Some(log) = self.logs.all.get_mut(&id) else {
            return Ok(Lines::None);
        };
        let Some(content) = &mut log.content else {
            return Ok(Lines::Changed);
        };
        if log.checkpoint.progress.offset() == 0
            && let Some(format) = content.foreign_format()?
        {
            log.ignore();
            let path = log.checkpoint.path.clone();
            self.logs.refuse(&path, format, Compression::Plain);
            return Ok(Lines::None);
        }
        let limit = match content.size()? {
            // All of what is gone, or going, is read.
            Some(size) if log.gone.is_some() || content.file_id != log.checkpoint.file_id => size,
            _ => limit,
        };
        let progress = &mut log.checkpoint.progress;
        let before = (progress.offset() == 0).then(|| progress.clone());
        let text = &mut piece.read.text;
        let lines = content.read_lines(progress, limit, self.reading.max_line_bytes, text)?;
        // NUL bytes before the lines are passed over.
        let start = match lines {
            Lines::None | Lines::Changed => return Ok(lines),
            Lines::Whole => progress.offset() - text.len() as u64,
            Lines::TooLong(length) => progress.offset() - length - 1,
        };
        if let Some(before) = before {
            let seen = log.checkpoint.seen.as_ref();
            if let Some(seen) = seen.filter(|_| log.gone.is_none())
                && !content.begins_as(seen)?
            {
                // It was truncated since it was found, and what stood in it is to be read first.
                log.checkpoint.progress = before;
                return Ok(Lines::Changed);
            }
            // These may be the first lines behind a truncation, and the copy that was made before it
            // holds what is to be read first.
            let folder = log.checkpoint.lives_in().to_owned();
            let is_here = log.gone.is_none();
            let is_known = self.is_any_gone && self.logs.is_known_content(id)
                || self.logs.is_beginning_known(id);
            let is_first = !is_here
                || !is_known
                    && self.logs.copies_agree(id)
                    && is_unchanged(&self.discovery, &mut self.folders, &folder);
            let Some(log) = self.logs.all.get_mut(&id) else {
                return Ok(Lines::None);
            };
            if !is_first {
                log.checkpoint.progress = before;
                return Ok(Lines::Changed);
            }
            if looks_binary(&piece.read.text) {
                // Not refused: whether records follow cannot be known.
                tracing::warn!(
                    "{} does not look like text: each of its lines becomes an event all the same, a pipeline_error \
                     event if it is no record; if it is no log, leave it out with --exclude",
                    log.checkpoint.path.shown()
                );
            }
        }
        let Some(log) = self.logs.all.get_mut(&id) else {
            return Ok(Lines::None);
        };
        fill(piece, start, &lines, self.reading.max_line_bytes);
        log.read_error = None;
        log.checkpoint.unfinished = None;
        log.checkpoint.seen = None;
        log.searched = log.offset();
        log.history.add(SystemTime::now(), log.offset());
        piece.read.origin = Some(Arc::clone(&log.origin));
        piece.log = Some(id);
        piece
            .changes
            .push(Change::Log(id, Box::new(log.checkpoint.clone())));
        log.is_changed = false;
        Ok(lines)
    }

    /// The logs, in the order they are read.
    #[must_use]
    pub fn in_order(&self) -> Vec<LogId> {
        self.series.values().flatten().copied().collect()
    }

    /// What is to be saved of logs besides what pieces say; `forget_after` is how long a log whose file
    /// is gone is remembered.
    pub fn take_changes(&mut self, forget_after: Duration, changes: &mut Vec<Change>) {
        let now = super::recognise::now();
        self.logs.all.retain(|id, log| {
            let is_gone = log.gone.is_some() && log.content.is_none();
            let since = log.checkpoint.gone_since.unwrap_or(now);
            // Of nothing read there is nothing to remember.
            let is_forgotten = is_gone
                && (log.offset() == 0 && log.checkpoint.unfinished.is_none()
                    || now.saturating_sub(since) > forget_after.as_secs());
            if is_forgotten {
                changes.push(Change::Forget(*id));
            } else if std::mem::take(&mut log.is_changed) {
                changes.push(Change::Log(*id, Box::new(log.checkpoint.clone())));
            }
            !is_forgotten
        });
    }
}

/// What stands in the text of a piece.
fn fill(piece: &mut TailPiece, start: u64, lines: &Lines, limit: usize) {
    let text = &mut piece.read.text;
    piece.read.offset = start;
    piece.read.frames = vec![if let Lines::TooLong(length) = *lines {
        Frame::Unreadable {
            text: std::mem::take(text),
            line_offset: start,
            problem: Problem::too_long("line", length, start, limit),
        }
    } else {
        let bom = start == 0 && text.starts_with(BYTE_ORDER_MARK);
        let begin = if bom { BYTE_ORDER_MARK.len() } else { 0 };
        Frame::Lines {
            range: begin..text.len(),
            line_offset: start + begin as u64,
        }
    }];
}

/// Whether a directory is as it was at the last look.
fn is_unchanged(
    discovery: &Discovery,
    folders: &mut BTreeMap<PathBuf, Listing>,
    folder: &Path,
) -> bool {
    let Some(listing) = folders.get_mut(folder) else {
        // Left behind by a link that leads elsewhere now: nothing is looked for there.
        return true;
    };
    let modified = std::fs::metadata(folder).and_then(|metadata| metadata.modified());
    if modified.is_ok_and(|modified| listing.is_of(modified)) {
        return true;
    }
    match discovery.read_again(folder) {
        Ok(again) if again.inodes == listing.inodes => {
            *listing = again;
            true
        }
        Ok(_) | Err(_) => false,
    }
}
