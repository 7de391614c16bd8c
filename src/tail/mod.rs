//! Following logs: every line once, in order, through rotation, truncation, deletion and restarts
//! (docs/guarantees.md).
//!
//! [`discover`] finds files, [`recognise`] tells which of them is which log, [`follow`] reads the logs
//! in their order, [`content`] takes whole lines out of a file, and [`identity`] keeps what was read as
//! hashes. [`FollowLoop`] yields the pieces: it waits for changes from [`watch`] and for the clock.

mod again;
mod checkpoint;
pub mod checkpoints;
pub mod content;
pub mod discover;
pub mod exclusion;
pub mod file_info;
pub mod follow;
pub mod glob;
pub mod history;
pub mod identity;
pub mod log;
mod measure;
pub mod name;
pub mod output;
pub mod pace;
pub mod path;
pub mod pattern;
pub mod piece;
pub mod recognise;
pub mod run;
pub mod set;
mod start;
pub mod states;
mod unsettled;
pub mod watch;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use follow::TailReader;
use log::LogId;
use pace::Pace;
use piece::{Change, TailPiece};
use watch::Watch;

use crate::process::service::Service;
use crate::process::shown::Shown as _;
use crate::process::stop::Stop;

/// A log whose file is gone is remembered this long: the file may come back.
const FORGET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// A file that is gone may be written to this long by who has it open.
const GONE_GRACE: Duration = Duration::from_secs(5);
/// Where every change is reported, all files are looked at once in so many polls.
const POLLS_OF_A_SCAN: u32 = 10;
/// How many times as long as a scan of all files took, at least, the next one waits.
const SCAN_PAUSE: u32 = 9;
/// After so many looks in a row it is said that files change all the time.
const SCANS_BEFORE_WARNING: u32 = 500;
/// How long to wait when files change faster than they can be identified.
const RESCAN_WAIT: Duration = Duration::from_millis(10);

/// When the follow loop scans, and ends.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Read everything to its end, and stop.
    pub once: bool,
    /// How often all files are scanned, whatever the system reports.
    pub poll_interval: Duration,
    /// How often the counters are logged.
    pub report_interval: Duration,
}

/// The loop that waits for changes and yields pieces of logs.
#[derive(Debug)]
pub struct FollowLoop {
    following: TailReader,
    schedule: Schedule,
    stop: Arc<Stop>,
    service: Arc<Service>,
    watch: Option<Watch>,
    /// The output, if it is a pipe: when its reader closes it, waiting ends.
    pub output: Option<OwnedFd>,
    next_scan: Instant,
    /// Polls since all files were looked at.
    polls: u32,
    next_report: Instant,
    /// When the output is to be told of the pause behind the last piece.
    pause_at: Option<Instant>,
    pace: Arc<Pace>,
    phase: FollowPhase,
    /// Logs that may have a last line to take (`--once`).
    last_lines: Vec<LogId>,
    /// Lost bytes that were passed on to the output.
    lost_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FollowPhase {
    Following,
    /// `--once` has read everything, and looks a last time.
    LastScan,
    /// Last lines without an end.
    LastLines,
    Ended,
}

impl FollowLoop {
    /// Follows on; looks once before it returns, so that every file that is there is known.
    #[must_use]
    pub fn start(
        mut following: TailReader,
        schedule: Schedule,
        stop: Arc<Stop>,
        service: Arc<Service>,
        pace: Arc<Pace>,
    ) -> Self {
        let mut watch = (!schedule.once).then(|| Watch::new(Arc::clone(&stop)));
        following.scan();
        if let Some(watch) = &mut watch
            && watch.folders(following.folders())
        {
            // What happened between the look and the watch.
            following.needs_rescan = true;
        }
        let now = Instant::now();
        Self {
            following,
            schedule,
            stop,
            service,
            watch,
            output: None,
            next_scan: now + schedule.poll_interval,
            polls: 0,
            next_report: now + schedule.report_interval,
            pause_at: None,
            pace,
            phase: FollowPhase::Following,
            last_lines: Vec::new(),
            lost_bytes: 0,
        }
    }

    /// What there is to save besides what pieces carry: before anything is read, and at the end.
    pub fn changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        self.take_changes(&mut changes);
        changes
    }

    /// What is followed, as the last look found it.
    #[must_use]
    pub fn following(&self) -> &TailReader {
        &self.following
    }

    /// Which files and directories could not be read, and why.
    #[must_use]
    pub fn read_errors(&self) -> Vec<String> {
        let TailReader {
            logs, read_errors, ..
        } = &self.following;
        let of_logs = logs.all.values().filter_map(|log| {
            let why = &log.read_error.as_ref()?.why;
            Some(format!(
                "cannot read {}: {why}",
                log.checkpoint.path.shown()
            ))
        });
        let others = read_errors.iter().chain(&logs.unreadable).cloned();
        others.chain(of_logs).collect()
    }

    /// How many files and directories cannot be read.
    fn unreadable(&self) -> u64 {
        let logs = self.following.logs.all.values();
        let logs = logs.filter(|log| log.read_error.is_some()).count();
        (logs + self.following.read_errors.len() + self.following.logs.unreadable.len()) as u64
    }

    fn take_changes(&mut self, changes: &mut Vec<Change>) {
        let known = self.following.discovery.known.iter().cloned();
        changes.extend(known.map(Change::PathPattern));
        self.following.take_changes(FORGET_AFTER, changes);
        changes.push(Change::Lost(self.following.logs.lost_bytes));
    }

    /// Waits for the next piece; false when it is time to end.
    pub fn next_piece(&mut self, piece: &mut TailPiece) -> bool {
        piece.clear();
        let mut looks = 0;
        loop {
            self.service.beat();
            if self.stop.is_requested() {
                return self.last_piece(piece);
            }
            let is_due = self.next_scan <= Instant::now();
            let news = self.watch.as_ref().map(Watch::news).unwrap_or_default();
            if news.scan_again || self.following.needs_rescan || is_due && !self.is_quiet() {
                self.scan(piece);
                looks += 1;
            }
            for path in &news.written {
                self.following.written(path);
            }
            if self.following.next_piece(piece) {
                self.pause_at
                    .get_or_insert_with(|| Instant::now() + self.pace.wait());
                return true;
            }
            if self.following.needs_rescan {
                if looks > 3 {
                    self.wait(RESCAN_WAIT);
                }
                if looks == SCANS_BEFORE_WARNING {
                    tracing::warn!(
                        "the followed files have been changing for seconds without a pause, so they cannot \
                         be identified: reading is paused until they can"
                    );
                }
                continue;
            }
            let grace = if self.schedule.once {
                Duration::ZERO
            } else {
                GONE_GRACE
            };
            if self.following.end_gone(grace, piece) {
                self.pause_at.get_or_insert_with(Instant::now);
                return true;
            }
            if self.schedule.once {
                if self.once(piece) {
                    return true;
                }
                if self.phase == FollowPhase::Ended {
                    return !piece.changes.is_empty();
                }
                continue;
            }
            if self.pause(piece) {
                return true;
            }
            let until = [self.pause_at, Some(self.next_report), Some(self.next_scan)];
            let next = until.into_iter().flatten().min().unwrap_or(self.next_scan);
            self.wait(next.saturating_duration_since(Instant::now()));
        }
    }

    /// Whether a poll need not look at all files: every change of a file is reported, and none is due.
    fn is_quiet(&mut self) -> bool {
        self.polls += 1;
        let watch = self.watch.as_ref();
        let is_quiet = self.polls < POLLS_OF_A_SCAN
            && watch.is_some_and(|watch| watch.sees_all(self.following.folders()))
            && self.following.is_unchanged();
        if is_quiet {
            self.next_scan = Instant::now() + self.schedule.poll_interval;
        }
        is_quiet
    }

    /// Looks at all files.
    fn scan(&mut self, piece: &mut TailPiece) {
        self.polls = 0;
        let began = Instant::now();
        self.following.scan();
        if let Some(watch) = &mut self.watch
            && watch.folders(self.following.folders())
        {
            // What happened between the look and the watch, such as in a directory that was renamed.
            self.following.needs_rescan = true;
        }
        // Where there are so many files that a scan takes long, it does not take all the time.
        let pause = self
            .schedule
            .poll_interval
            .max(began.elapsed() * SCAN_PAUSE);
        self.next_scan = Instant::now() + pause;
        self.following
            .take_changes(FORGET_AFTER, &mut piece.changes);
        let lost = self.following.logs.lost_bytes;
        if lost != self.lost_bytes {
            self.lost_bytes = lost;
            piece.changes.push(Change::Lost(lost));
        }
        let unreadable = self.unreadable();
        let because = (unreadable > 0).then(|| self.read_errors().into_iter().next());
        let metrics = self.service.metrics();
        metrics.unreadable(unreadable, because.flatten());
        if !piece.changes.is_empty() {
            self.pause_at.get_or_insert_with(Instant::now);
        }
    }

    /// Tells the output that there is time to save, or to report.
    fn pause(&mut self, piece: &mut TailPiece) -> bool {
        let now = Instant::now();
        let is_report = self.next_report <= now;
        if is_report {
            self.next_report = now + self.schedule.report_interval;
        }
        let is_pause = self.pause_at.is_some_and(|at| at <= now);
        let is_hangup = self.stop.has_hangup();
        if !(is_report || is_pause || is_hangup) {
            return false;
        }
        self.pause_at = None;
        self.following
            .take_changes(FORGET_AFTER, &mut piece.changes);
        piece.is_pause = true;
        true
    }

    fn wait(&self, most: Duration) {
        // A wait of any length is no hang.
        self.service.waiting(true);
        let output = self.output.as_ref().map(AsFd::as_fd);
        let waited = self.stop.wait_for(most, output);
        self.service.waiting(false);
        if let Err(error) = waited {
            tracing::debug!("cannot wait for changes: {error}");
            std::thread::sleep(most.min(RESCAN_WAIT));
        }
    }

    /// Everything is read: what `--once` does then.
    fn once(&mut self, piece: &mut TailPiece) -> bool {
        match self.phase {
            FollowPhase::Following => {
                self.phase = FollowPhase::LastScan;
                self.following.needs_rescan = true;
                false
            }
            FollowPhase::LastScan => {
                self.phase = FollowPhase::LastLines;
                self.last_lines = self.following.with_unfinished_lines();
                false
            }
            FollowPhase::LastLines => {
                while let Some(id) = self.last_lines.pop() {
                    if self.following.unfinished(id, piece) {
                        return true;
                    }
                }
                self.phase = FollowPhase::Ended;
                false
            }
            FollowPhase::Ended => false,
        }
    }

    /// It is time to end: what is gone from the disk can be read only now.
    fn last_piece(&mut self, piece: &mut TailPiece) -> bool {
        if self.phase != FollowPhase::Ended {
            self.phase = FollowPhase::Ended;
            self.scan(piece);
        }
        self.following.drain_gone(piece) || !piece.changes.is_empty()
    }
}
