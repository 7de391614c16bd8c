//! `confluence-ecs report`: what happened in the records of an audit log.

mod page;

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::{GlobError, MatchOptions, glob_with};

use self::page::PageFile;
use super::Error;
use super::inputs::{InputCounts, or_stdin};
use super::normalize::is_one_of;
use crate::cli::{ReportArgs, ReportOutputArg};
use crate::exit::Exit;
use crate::input::format::InputKind;
use crate::input::{Inputs, Piece, is_pattern};
use crate::options;
use crate::pipeline::event::DefaultTags;
use crate::pipeline::event::Origin;
use crate::pipeline::json::Value;
use crate::pipeline::normalize::{Counts, Options};
use crate::process::shown::Shown as _;
use crate::process::stop::Stop;
use crate::process::{batch, json, style, width};
use crate::report::csv::{Columns, DEFAULT_FIELDS, Destination};
use crate::report::events::EventReader;
use crate::report::facts::{Item, Window};
use crate::report::tally::Tally;
use crate::report::total::Total;
use crate::report::{html, notable, terminal};
use crate::sink::{self, Sink};

/// Columns of what is no terminal.
const WIDTH: usize = 80;

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the configuration is wrong, or the output fails. Inputs that fail are reported on the way.
pub fn run(arguments: ReportArgs) -> Result<Exit, Error> {
    options::report::check_output(&arguments)?;
    let window = options::report::window(&arguments)?;
    match arguments.format {
        ReportOutputArg::Text => summary(arguments, window),
        ReportOutputArg::Csv => table(arguments, window),
    }
}

/// Counts everything, and prints the report or writes its page.
fn summary(mut arguments: ReportArgs, window: Window) -> Result<Exit, Error> {
    let page = arguments.html.as_deref();
    let page = page.map(|path| PageFile::new(path, arguments.force));
    let page = page.transpose()?;
    let options = options::mapping(&arguments.mapping, DefaultTags::Read)?;
    let mut total = Total::default();
    let mut reading = Reading::new(&mut arguments, options, None)?;
    let admin_groups = &arguments.admin_groups;
    reading.each_part(
        notable::needs_written,
        |part: &mut Tally, item, _| part.count(item, window, admin_groups),
        |part| {
            total.add(part);
            true
        },
    );
    let report = total.finish(options::report::top(&arguments));
    if let Some(page) = &page {
        // What is there stays, instead of a page of half of the records.
        if reading.stop.signal().is_none() {
            page.write(&html::page(&report))?;
        }
    }
    let printed = if arguments.json {
        print_json(&report)
    } else if page.is_some() {
        Ok(())
    } else {
        let of_terminal = || width::of_terminal().unwrap_or(WIDTH);
        let columns = arguments.width.unwrap_or_else(of_terminal);
        let text = terminal::text(&report, columns, options::report::top(&arguments));
        let mut stdout = style::locked_stdout();
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
    };
    printed.map_err(Error::Report)?;
    Ok(reading.exit(arguments.mapping.strict))
}

fn print_json(report: &impl serde::Serialize) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(json::pretty(report)?.as_bytes())?;
    stdout.flush()
}

/// Writes each event as a row, in the order of the input.
fn table(mut arguments: ReportArgs, window: Window) -> Result<Exit, Error> {
    let options = options::mapping(&arguments.mapping, DefaultTags::Read)?;
    let destination = destination(&arguments);
    let columns = match &*arguments.fields {
        [] => Columns::new(&DEFAULT_FIELDS.map(str::to_owned), destination),
        fields => Columns::new(fields, destination),
    };
    let mut output = Sink::stdout()?;
    let mut reading = Reading::new(&mut arguments, options, output.pipe())?;
    let mut written = output.write(&columns.headings());
    let stop = Arc::clone(&reading.stop);
    if written.is_err() {
        stop.request();
    }
    reading.each_part(
        |_| true,
        |rows: &mut Vec<u8>, item, event| {
            if let Some(event) = event
                && item.is_in(window)
            {
                columns.write(rows, event);
            }
        },
        |rows| {
            if written.is_ok() {
                written = output.write(rows);
            }
            rows.clear();
            written.is_ok()
        },
    );
    match written.and_then(|()| output.finish()) {
        Err(sink::Error::Closed) => return Ok(Exit::Done),
        result => result?,
    }
    if !arguments.fields.is_empty() && reading.counts.end().records > 0 {
        for field in columns.unused() {
            tracing::warn!(
                "--fields: no event has a field {}",
                OsStr::new(field).shown()
            );
        }
    }
    Ok(reading.exit(arguments.mapping.strict))
}

fn destination(arguments: &ReportArgs) -> Destination {
    if io::stdout().is_terminal() {
        Destination::Terminal
    } else if arguments.excel {
        Destination::Excel
    } else {
        Destination::Program
    }
}

/// The inputs of a run, and what became of them.
struct Reading {
    inputs: Inputs,
    stop: Arc<Stop>,
    options: Arc<Options>,
    threads: std::num::NonZeroUsize,
    counts: InputCounts,
    /// Whether a pattern matched nothing.
    has_unmatched: bool,
}

/// What was made of a piece of input.
#[derive(Default)]
struct Part<T> {
    made: T,
    counts: Counts,
    origin: Option<Arc<Origin>>,
}

impl Reading {
    fn new(
        arguments: &mut ReportArgs,
        options: Options,
        output: Option<OwnedFd>,
    ) -> Result<Self, Error> {
        let files = or_stdin(std::mem::take(&mut arguments.files));
        let (files, has_unmatched) = expanded(files);
        if let Some(page) = &arguments.html
            && is_one_of(page, &files)
        {
            return Err(Error::PageIsInput(page.clone()));
        }
        let stop = Arc::new(Stop::on_signals()?);
        let limit = arguments.mapping.max_line_bytes;
        let inputs = Inputs::new(files, limit, Arc::clone(&stop), output);
        Ok(Self {
            inputs: inputs.of(InputKind::Reported),
            stop,
            options: Arc::new(options),
            threads: options::threads(&arguments.mapping),
            counts: InputCounts::default(),
            has_unmatched,
        })
    }

    /// Reads all inputs on all threads: `take` adds each event to what is made of its piece, and `join` gets these
    /// in the order of the input, until it says that it is enough. An event is there as JSON where that of its
    /// action `needs_written` says, or where it had to be written anyway.
    fn each_part<T: Default>(
        &mut self,
        needs_written: fn(action: Option<&str>) -> bool,
        take: impl Fn(&mut T, &Item<'_>, Option<Value<'_>>) + Sync,
        mut join: impl FnMut(&mut T) -> bool + Send,
    ) {
        let (inputs, counts, options) = (&mut self.inputs, &mut self.counts, &self.options);
        let worker = || {
            let mut reader = EventReader::new(Arc::clone(options), needs_written);
            let take = &take;
            move |piece: &mut Piece, part: &mut Part<T>| {
                part.origin.clone_from(&piece.origin);
                part.counts = Counts::default();
                reader.read(piece, |item, event| {
                    part.counts.records += 1;
                    part.counts.failed += u64::from(matches!(item, Item::Failed { .. }));
                    take(&mut part.made, item, event);
                });
            }
        };
        batch::in_order(
            self.threads,
            |piece: &mut Piece| inputs.next_piece(piece),
            worker,
            |part: &mut Part<T>| {
                counts.add(part.origin.take(), part.counts);
                join(&mut part.made)
            },
        );
    }

    fn exit(mut self, is_strict: bool) -> Exit {
        let counts = self.counts.end();
        if let Some(signal) = self.stop.signal() {
            tracing::warn!(
                signal,
                "stopped by a signal: the rest of the input was not read"
            );
            return Exit::Signal(signal);
        }
        if self.inputs.failed() || self.has_unmatched {
            Exit::Failed
        } else if is_strict && counts.failed > 0 {
            Exit::Strict
        } else {
            Exit::Done
        }
    }
}

/// The files that patterns stand for, which a shell would have expanded without quotes; and whether one stands for none,
/// or for what cannot be read, which is reported.
fn expanded(names: Vec<PathBuf>) -> (Vec<PathBuf>, bool) {
    let mut files = Vec::new();
    let mut has_unmatched = false;
    for name in names {
        // A file whose name only looks like a pattern is meant as it is.
        if !is_pattern(&name) || name.exists() {
            files.push(name);
            continue;
        }
        let (matched, unreadable) = matching(&name);
        for error in &unreadable {
            tracing::error!("{}: {}", error.path().shown(), error.error());
            has_unmatched = true;
        }
        if matched.is_empty() && unreadable.is_empty() {
            tracing::error!("{}: no file matches the pattern", name.shown());
            has_unmatched = true;
        }
        files.extend(matched);
    }
    (files, has_unmatched)
}

/// The files that match a pattern, by name, and what could not be looked into.
fn matching(pattern: &Path) -> (Vec<PathBuf>, Vec<GlobError>) {
    // As in a shell.
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = pattern
        .to_str()
        .and_then(|text| glob_with(text, options).ok());
    let (mut files, mut unreadable) = (Vec::new(), Vec::new());
    for path in found.into_iter().flatten() {
        match path {
            Ok(path) if path.is_dir() => {}
            Ok(path) => files.push(path),
            Err(error) => unreadable.push(error),
        }
    }
    (files, unreadable)
}
