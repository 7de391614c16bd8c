//! `confluence-ecs status`: how everything is that keeps its position in a state directory.

mod collect;
mod presence;
mod row;
mod show;
mod sites;
mod tails;
mod watch;

use std::io::{self, Write as _, stdout};
use std::path::{Path, PathBuf};

use super::Error;
use crate::cli::StatusArgs;
use crate::exit::Exit;
use crate::process::shown::Shown as _;
use crate::process::{advice, json, logging, style};
use crate::state;
use row::Row;
use show::Rate;

/// Where the packaged service keeps its state.
const PACKAGED: &str = "/var/lib/confluence-ecs";

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum Nothing {
    /// Nothing was ever saved there.
    #[error("no state in {}: nothing has run with this state directory{}", directory.shown(), elsewhere(*is_packaged))]
    NoState {
        /// The directory.
        directory: PathBuf,
        /// Whether there is the packaged service's directory, which is another.
        is_packaged: bool,
    },
    /// It is somebody else's.
    #[error(
        "cannot read the state directory {}: {source}; {}",
        directory.shown(),
        readable(directory, source)
    )]
    Unreadable {
        /// The directory.
        directory: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// Nothing has that name.
    #[error("nothing is called {}: there is {known}", name.shown())]
    UnknownName {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
}

/// How a directory is read that cannot be.
fn readable(directory: &Path, source: &io::Error) -> String {
    if source.kind() != io::ErrorKind::PermissionDenied {
        return "choose another with --state-dir".to_owned();
    }
    let words = [
        "status".as_ref(),
        "--state-dir".as_ref(),
        directory.as_os_str(),
    ];
    let again = advice::without_state(&words);
    format!("run this as its owner or as root: `sudo {again}`")
}

fn elsewhere(is_packaged: bool) -> String {
    if is_packaged {
        format!(
            "; that of the packaged service is {PACKAGED}: `sudo confluence-ecs status --state-dir {PACKAGED}`"
        )
    } else {
        "; choose another with --state-dir".to_owned()
    }
}

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When there is nothing to report, a name is unknown, or the report cannot be written.
pub fn run(arguments: &StatusArgs) -> Result<Exit, Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    if arguments.watch {
        return watch::watch(arguments, &directory);
    }
    let rows = rows(arguments, &directory)?;
    let written = if arguments.json {
        let text = json::pretty(&rows).map_err(Error::Report)?;
        stdout().write_all(text.as_bytes())
    } else if logging::is_quiet() {
        stdout().write_all(show::line(&rows, arguments.max_lag).as_bytes())
    } else {
        style::stdout().write_all(report(&rows, arguments, None).as_bytes())
    };
    written.map_err(Error::Report)?;
    // With nothing that is to run, there is nothing to be content with.
    let is_well = rows.iter().any(Row::is_wanted)
        && rows
            .iter()
            .all(|row| row.problem(arguments.max_lag).is_none());
    Ok(if is_well { Exit::Done } else { Exit::Failed })
}

/// The table, and below it what is wrong, or should be known.
fn report(rows: &[Row], arguments: &StatusArgs, rates: Option<&[Rate]>) -> String {
    let remarks = rows.iter().filter_map(|row| {
        let remark = row.problem(arguments.max_lag).or_else(|| row.note())?;
        Some(format!("{}: {remark}\n", row.label()))
    });
    let mut text = show::table(rows, rates);
    let mut before = None;
    for remark in remarks {
        // Series of one state share them.
        if before.as_ref() != Some(&remark) {
            text += &remark;
        }
        before = Some(remark);
    }
    text
}

/// The rows that are asked for.
fn rows(arguments: &StatusArgs, directory: &Path) -> Result<Vec<Row>, Nothing> {
    let mut rows = collect::rows(directory).map_err(|source| Nothing::Unreadable {
        directory: directory.to_owned(),
        source,
    })?;
    if rows.is_empty() {
        return Err(Nothing::NoState {
            directory: directory.to_owned(),
            is_packaged: directory != Path::new(PACKAGED) && Path::new(PACKAGED).is_dir(),
        });
    }
    let unknown = arguments
        .names
        .iter()
        .find(|name| !rows.iter().any(|row| row.is_named(name)));
    if let Some(name) = unknown {
        let mut known: Vec<String> = rows.iter().map(Row::label).collect();
        known.dedup();
        return Err(Nothing::UnknownName {
            name: name.clone(),
            known: known.join(", "),
        });
    }
    if !arguments.names.is_empty() {
        rows.retain(|row| arguments.names.iter().any(|name| row.is_named(name)));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_packaged_service_has_its_state_is_told_with_the_command() {
        let nothing = Nothing::NoState {
            directory: "/home/u/.local/state/confluence-ecs".into(),
            is_packaged: true,
        };
        assert_eq!(
            nothing.to_string(),
            "no state in /home/u/.local/state/confluence-ecs: nothing has run with this state directory; that of the \
             packaged service is /var/lib/confluence-ecs: `sudo confluence-ecs status --state-dir \
             /var/lib/confluence-ecs`"
        );
    }
}
