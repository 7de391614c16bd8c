//! The report again and again, with rates.

use std::collections::VecDeque;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use super::row::Row;
use super::show::Rate;
use super::{report, rows};
use crate::cli::StatusArgs;
use crate::commands::Error;
use crate::exit::Exit;
use crate::pipeline::timestamp::Timestamp;
use crate::process::stop::Stop;
use crate::process::style;

/// How often it is drawn.
const INTERVAL: Duration = Duration::from_secs(2);
/// Rates are over so many reports: positions are saved from time to time only.
const REPORTS: usize = 6;
/// Clears a terminal, and goes to its beginning.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Draws the report until a signal ends it, or nobody reads it any more.
///
/// # Errors
/// As [`super::run`].
pub fn watch(arguments: &StatusArgs, directory: &Path) -> Result<Exit, Error> {
    let stop = Stop::on_signals()?;
    let mut past: VecDeque<(Instant, Vec<Row>)> = VecDeque::new();
    while !stop.is_requested() {
        let now = rows(arguments, directory)?;
        let rates: Vec<Rate> = now.iter().map(|row| rate(row, past.front())).collect();
        let text = format!(
            "{}\n{}",
            super::row::seconds(Timestamp::now()),
            report(&now, arguments, Some(&rates))
        );
        draw(&text, past.is_empty()).map_err(Error::Report)?;
        past.push_back((Instant::now(), now));
        if past.len() > REPORTS {
            past.pop_front();
        }
        stop.wait_for(INTERVAL, None)?;
    }
    Ok(Exit::Done)
}

fn draw(text: &str, is_first: bool) -> std::io::Result<()> {
    if stdout().is_terminal() {
        let mut plain = stdout().lock();
        plain.write_all(CLEAR.as_bytes())?;
    } else if !is_first {
        stdout().write_all(b"\n")?;
    }
    let mut out = style::locked_stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// How fast a row went on since an earlier report.
fn rate(row: &Row, earlier: Option<&(Instant, Vec<Row>)>) -> Rate {
    let Some((at, rows)) = earlier else {
        return Rate::default();
    };
    let is_same = |other: &&Row| other.name == row.name && other.series == row.series;
    let Some(before) = rows.iter().find(is_same) else {
        return Rate::default();
    };
    let seconds = at.elapsed().as_millis().max(1);
    let rate = |now: u64, before: u64| {
        let more = u128::from(now.saturating_sub(before));
        u64::try_from(more * 1000 / seconds).unwrap_or(u64::MAX)
    };
    Rate {
        records: rate(row.records, before.records),
        bytes: rate(row.bytes, before.bytes),
    }
}
