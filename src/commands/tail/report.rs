//! `tail --list` and `tail --status`: what is followed, and how far.

use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::cli::TailArgs;
use crate::commands::Error;
use crate::exit::Exit;
use crate::process::advice;
use crate::process::columns::{Column, columns};
use crate::process::file_id::FileId;
use crate::process::json;
use crate::process::shown::Shown as _;
use crate::process::style;
use crate::state;
use crate::tail::checkpoints::{Checkpoints, LogEntry};
use crate::tail::discover::Discovery;
use crate::tail::log::{Checkpoint, Condition};
use crate::tail::run::{TailOptions, following};
use crate::tail::states;

/// One file of a report.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(serialize_with = "as_text")]
    path: PathBuf,
    /// How the file is known.
    state: &'static str,
    /// Device, inode and the beginning's hash.
    identity: String,
    offset: u64,
    size: u64,
    lag_bytes: u64,
    lag_seconds: u64,
    events: u64,
    errors: u64,
}

/// A path as in `log.file.path`.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Prints what the arguments ask for.
///
/// # Errors
/// When the state cannot be read, or the report cannot be written.
pub fn run(
    arguments: &TailArgs,
    options: &TailOptions,
    discovery: Discovery,
) -> Result<Exit, Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let saved = state::read::<Checkpoints>(&directory, &options.state)?;
    if saved.is_none() && arguments.status && !states::all(&directory).is_empty() {
        tracing::info!(
            "no state of the `tail` command in {}, but of sources of `run`: `{}` shows them",
            directory.shown(),
            advice::command(&["status"])
        );
    }
    let saved_at = saved.as_ref().map(|saved| saved.saved_at);
    let checkpoints = saved.map(|saved| saved.state).unwrap_or_default();
    let lines = if arguments.list {
        planned(options, discovery, &checkpoints)
    } else {
        known(&checkpoints, saved_at)
    };
    let written = if arguments.json {
        let text = json::pretty(&lines).map_err(Error::Report)?;
        stdout().write_all(text.as_bytes())
    } else {
        style::stdout().write_all(table(&lines).as_bytes())
    };
    written.map_err(Error::Report)?;
    Ok(Exit::Done)
}

/// What would be followed, in the order it would be read.
fn planned(options: &TailOptions, discovery: Discovery, checkpoints: &Checkpoints) -> Vec<Line> {
    let mut following = following(options, discovery, checkpoints);
    following.discovery.known.clone_from(&checkpoints.patterns);
    following.scan();
    let logs = &following.logs.all;
    let in_order = following.in_order().into_iter();
    let lines = in_order.filter_map(|id| {
        let log = logs.get(&id)?;
        let row = checkpoints.logs.get(&id);
        let state = match (row, log.checkpoint.condition) {
            (_, Condition::Ignored) => return None,
            (None, _) => "new",
            (Some(row), _) if row.checkpoint.path != log.checkpoint.path => "rotated",
            (Some(_), _) => "known",
        };
        Some(Line {
            state,
            lag_seconds: 0,
            lag_bytes: log.unread(),
            ..line(
                &log.checkpoint,
                row.map_or((0, 0), |row| (row.events, row.errors)),
            )
        })
    });
    lines.collect()
}

/// What the state knows, with the files as they are now.
fn known(checkpoints: &Checkpoints, saved_at: Option<OffsetDateTime>) -> Vec<Line> {
    let rows = checkpoints.logs.values();
    let read = rows.filter(|row| row.checkpoint.condition != Condition::Ignored);
    read.map(|row| status(row, saved_at)).collect()
}

fn status(row: &LogEntry, saved_at: Option<OffsetDateTime>) -> Line {
    let mut line = line(&row.checkpoint, (row.events, row.errors));
    if row.checkpoint.condition == Condition::Plain && row.checkpoint.gone_since.is_none() {
        match std::fs::metadata(&row.checkpoint.path) {
            Ok(metadata) if FileId::of(&metadata).may_be(&row.checkpoint.file_id, true) => {
                line.size = metadata.len();
                line.lag_bytes = line.size.saturating_sub(line.offset);
                if line.lag_bytes > 0 {
                    line.lag_seconds = lag(metadata.modified().ok(), saved_at);
                }
            }
            Ok(_) | Err(_) => line.state = "moved",
        }
    }
    line
}

/// How long something has been waiting to be read: since it was written, and no longer than since the
/// state was saved, when it was not there yet or was being read.
pub(in crate::commands) fn lag(
    modified: Option<SystemTime>,
    saved_at: Option<OffsetDateTime>,
) -> u64 {
    let age = modified.and_then(|time| SystemTime::now().duration_since(time).ok());
    let since_saved = saved_at.map_or(Duration::ZERO, |saved_at| {
        Duration::try_from(OffsetDateTime::now_utc() - saved_at).unwrap_or_default()
    });
    age.unwrap_or_default().max(since_saved).as_secs()
}

fn line(checkpoint: &Checkpoint, (events, errors): (u64, u64)) -> Line {
    let FileId { device, inode, .. } = checkpoint.file_id;
    Line {
        path: checkpoint.path.clone(),
        state: condition(checkpoint),
        identity: format!("{device:x}:{inode}:{}", checkpoint.progress.head),
        offset: checkpoint.progress.offset(),
        size: checkpoint.size,
        lag_bytes: 0,
        lag_seconds: 0,
        events,
        errors,
    }
}

/// How a file is known, in a word.
pub(in crate::commands) fn condition(checkpoint: &Checkpoint) -> &'static str {
    match checkpoint.condition {
        _ if checkpoint.gone_since.is_some() => "gone",
        Condition::Plain => "followed",
        Condition::Compressed => "compressed",
        Condition::CompressedRead | Condition::ShorterCopy => "done",
        Condition::Ignored => "ignored",
    }
}

fn table(lines: &[Line]) -> String {
    const HEADER: [&str; 9] = [
        "PATH", "STATE", "IDENTITY", "OFFSET", "SIZE", "LAG", "LAG TIME", "EVENTS", "ERRORS",
    ];
    let rows = lines.iter().map(|line| {
        let lag = humantime::format_duration(Duration::from_secs(line.lag_seconds));
        [
            line.path.shown().to_string(),
            line.state.to_owned(),
            line.identity.clone(),
            line.offset.to_string(),
            line.size.to_string(),
            line.lag_bytes.to_string(),
            lag.to_string(),
            line.events.to_string(),
            line.errors.to_string(),
        ]
    });
    let rows: Vec<[String; 9]> = std::iter::once(HEADER.map(str::to_owned))
        .chain(rows)
        .collect();
    let mut layout = [Column::Right; 9];
    layout[..3].fill(Column::Left);
    columns(&rows, layout)
}
