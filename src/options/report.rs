//! What a report is made of.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use super::Error;
use crate::cli::{ReportArgs, ReportOutputArg};
use crate::pipeline::timestamp::Timestamp;
use crate::report::facts::Window;

/// Rows of a ranking on a screen.
const TOP: usize = 5;
/// The same where there is room: a page has what JSON has.
const TOP_WITH_ROOM: usize = 10;

/// The times of events that are counted.
///
/// # Errors
/// When it ends before it begins.
pub fn window(arguments: &ReportArgs) -> Result<Window, Error> {
    let now = Timestamp::now();
    let window = Window {
        since: arguments.since.map(|since| since.at(now)),
        until: arguments.until.map(|until| until.at(now)),
    };
    match (window.since, window.until) {
        (Some(since), Some(until)) if until < since => Err(Error::ReportRange(since)),
        _ => Ok(window),
    }
}

/// How many rows each ranking has.
#[must_use]
pub fn top(arguments: &ReportArgs) -> usize {
    let has_room = arguments.json || arguments.html.is_some();
    let default = if has_room { TOP_WITH_ROOM } else { TOP };
    arguments.top.map_or(default, std::num::NonZero::get)
}

/// That no flag of another output was given.
///
/// # Errors
/// When one was.
pub fn check_output(arguments: &ReportArgs) -> Result<(), Error> {
    let is_table = arguments.format == ReportOutputArg::Csv;
    let misplaced = match is_table {
        true if arguments.top.is_some() => {
            Some("--top: --format csv has no rankings: leave it out")
        }
        true if arguments.width.is_some() => {
            Some("--width: --format csv has no width: leave it out")
        }
        true if arguments.html.is_some() => {
            Some("--html: --format csv is no report: leave one of them out")
        }
        false if arguments.json && arguments.html.as_deref().is_some_and(is_stdout) => {
            Some("--html: --json is printed to stdout: name a file for the page")
        }
        false if !arguments.fields.is_empty() => Some("--fields: expected --format csv with it"),
        true if arguments.excel && io::stdout().is_terminal() => {
            Some("--excel: stdout is a terminal: redirect it to a file, as with > events.csv")
        }
        false if arguments.excel => Some("--excel: expected --format csv with it"),
        _ => None,
    };
    misplaced.map_or(Ok(()), |problem| Err(Error::ReportOutput(problem)))
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}
