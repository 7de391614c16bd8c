//! The rows for people: a table, or one line for a monitoring system.

use std::time::Duration;

use super::row::{OutputState, Position, Row, State, seconds};
use crate::process::columns::{Column, columns};
use crate::process::shown::Shown as _;

/// So much of a reason fits into a table; below it, all is told.
const MOST_OF_REASON: usize = 48;

/// Records and bytes a second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rate {
    /// Records.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

/// The rows as a table; with rates where they are known.
pub fn table(rows: &[Row], rates: Option<&[Rate]>) -> String {
    const HEADER: [&str; 13] = [
        "NAME",
        "STATE",
        "PID",
        "LAST SAVE",
        "NEWEST EVENT",
        "POSITION",
        "LAG",
        "LAG TIME",
        "RECORDS",
        "FAILED",
        "LOST",
        "OUTPUT",
        "OUTPUT STATE",
    ];
    let mut layout = [Column::Left; 13];
    layout[2] = Column::Right;
    layout[6..11].fill(Column::Right);
    let cells = rows.iter().map(cells);
    let Some(rates) = rates else {
        let all = std::iter::once(HEADER.map(str::to_owned)).chain(cells);
        return columns(&all.collect::<Vec<_>>(), layout);
    };
    let with_rates = |cells: [String; 13], rates: [String; 2]| -> [String; 15] {
        let mut all = cells.into_iter().chain(rates);
        std::array::from_fn(|_| all.next().unwrap_or_default())
    };
    let heading = ["RECORDS/S", "BYTES/S"].map(str::to_owned);
    let heading = with_rates(HEADER.map(str::to_owned), heading);
    let cells = cells
        .zip(rates)
        .map(|(cells, rate)| with_rates(cells, [rate.records.to_string(), rate.bytes.to_string()]));
    let all: Vec<_> = std::iter::once(heading).chain(cells).collect();
    let mut with = [Column::Right; 15];
    with[..13].copy_from_slice(&layout);
    columns(&all, with)
}

fn cells(row: &Row) -> [String; 13] {
    let time = |time| Option::map_or(time, none(), seconds);
    let number = |number: Option<u64>| number.map_or_else(none, |number| number.to_string());
    [
        row.label(),
        state(row),
        row.pid.map_or_else(none, |pid| pid.to_string()),
        time(row.last_save),
        time(row.newest_event),
        position(&row.position),
        number(row.lag_bytes),
        row.lag_seconds.map_or_else(none, |lag| {
            let lag = Duration::from_secs(lag);
            humantime::format_duration(lag).to_string()
        }),
        row.records.to_string(),
        row.failed.to_string(),
        row.lost_bytes.to_string(),
        row.output
            .as_ref()
            .map_or_else(none, |output| output.shown().to_string()),
        output(row),
    ]
}

/// Where there is nothing to say.
fn none() -> String {
    "-".to_owned()
}

fn state(row: &Row) -> String {
    let text = row.condition.to_string();
    let is_long = row.condition.state == State::Failing && text.chars().count() > MOST_OF_REASON;
    if is_long {
        let kept: String = text.chars().take(MOST_OF_REASON).collect();
        format!("{kept}…")
    } else {
        text
    }
}

fn position(position: &Position) -> String {
    match (&position.path, position.offset, position.cursor) {
        (Some(path), Some(offset), _) => format!("{}:{offset}", path.shown()),
        (_, _, Some(cursor)) => seconds(cursor),
        _ => none(),
    }
}

fn output(row: &Row) -> String {
    match (row.output_state, row.blocked_since) {
        (OutputState::Blocked, Some(since)) => format!("blocked since {}", seconds(since)),
        (OutputState::Blocked, None) => "blocked".to_owned(),
        (OutputState::Ok, _) => "ok".to_owned(),
        (OutputState::Missing, _) => "missing".to_owned(),
        (OutputState::Unknown, _) => none(),
    }
}

/// Everything in one line, which begins with what is wrong.
pub fn line(rows: &[Row], max_lag: Option<Duration>) -> String {
    let mut problems: Vec<String> = Vec::new();
    for row in rows {
        if let Some(problem) = row.problem(max_lag) {
            problems.push(format!("{}: {problem}", row.label()));
        }
    }
    problems.dedup();
    if !problems.is_empty() {
        return format!("FAILED: {}\n", problems.join("; "));
    }
    let wanted = || rows.iter().filter(|row| row.is_wanted());
    let mut names: Vec<String> = wanted().map(Row::label).collect();
    if names.is_empty() {
        return "FAILED: every source was removed from the configuration\n".to_owned();
    }
    names.dedup();
    let bytes: u64 = wanted().filter_map(|row| row.lag_bytes).sum();
    let lag = wanted().filter_map(|row| row.lag_seconds).max();
    let lag = humantime::format_duration(Duration::from_secs(lag.unwrap_or_default()));
    format!("OK: {}; lag {bytes} bytes, {lag}\n", names.join(", "))
}
