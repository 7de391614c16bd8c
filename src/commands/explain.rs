//! `confluence-ecs explain`: why the events of records are what they are.

use std::io::{Write, stdout};
use std::sync::Arc;

use super::Error;
use super::inputs::or_stdin;
use crate::cli::ExplainArgs;
use crate::exit::Exit;
use crate::explain::{self, Explainer, Explanation, Given};
use crate::input::{Inputs, Piece};
use crate::options;
use crate::pipeline::event::{DefaultTags, Origin};
use crate::pipeline::normalize::Counts;
use crate::process::stop::Stop;
use crate::process::{batch, json, style, width};

/// Columns where stdout is no terminal.
const COLUMNS: usize = 120;

/// How explanations are written.
struct Report {
    out: Box<dyn Write + Send>,
    is_json: bool,
    columns: usize,
    counts: Counts,
    /// The line of the last record: its file and number, and how many records of it there were.
    last: (String, Option<u64>, u64),
}

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the configuration is wrong, or the output fails. Inputs that fail are reported on the way.
pub fn run(arguments: ExplainArgs) -> Result<Exit, Error> {
    let mapping = &arguments.mapping;
    let options = Arc::new(options::mapping(mapping, DefaultTags::Read)?);
    let given = Given {
        add_fields: mapping.add_fields.is_some(),
        host_metadata: mapping.host_metadata,
    };
    let files = or_stdin(arguments.files);
    let stop = Arc::new(Stop::on_signals()?);
    let inputs = Inputs::new(files, mapping.max_line_bytes, Arc::clone(&stop), None);
    let mut inputs = inputs.with_line_numbers();
    let columns = arguments.width.or_else(width::of_terminal);
    let mut report = Report {
        out: if arguments.json {
            Box::new(stdout())
        } else {
            Box::new(style::stdout())
        },
        is_json: arguments.json,
        columns: columns.unwrap_or(COLUMNS),
        counts: Counts::default(),
        last: (String::new(), None, 0),
    };
    let mut written = Ok(());
    batch::in_order(
        options::threads(mapping),
        |piece: &mut Piece| inputs.next_piece(piece),
        || worker(Explainer::new(Arc::clone(&options), given)),
        |explanations: &mut Vec<Explanation>| {
            written = report.write(explanations);
            if written.is_err() {
                stop.request();
            }
            written.is_ok()
        },
    );
    written.map_err(Error::Report)?;
    let Counts {
        records, failed, ..
    } = report.counts;
    if records == 0 && !inputs.failed() {
        tracing::info!("the input holds no record");
    }
    if failed > 0 {
        tracing::warn!(records, failed, "some records cannot be mapped");
    }
    Ok(match stop.signal() {
        Some(signal) => Exit::Signal(signal),
        None if inputs.failed() => Exit::Failed,
        None if mapping.strict && failed > 0 => Exit::Strict,
        None => Exit::Done,
    })
}

fn worker(mut explainer: Explainer) -> impl FnMut(&mut Piece, &mut Vec<Explanation>) {
    let nowhere = Origin::stdin();
    move |piece, explanations| {
        let origin = piece.origin.as_deref().unwrap_or(&nowhere);
        explainer.number_lines(piece.line, piece.open_line);
        let frames = std::mem::take(&mut piece.frames);
        explanations.clear();
        explainer.frames(explanations, &piece.text, piece.offset, frames, origin);
    }
}

impl Report {
    fn write(&mut self, explanations: &mut [Explanation]) -> std::io::Result<()> {
        for explanation in explanations {
            self.counts.records += 1;
            self.counts.failed += u64::from(explanation.is_error());
            self.number(explanation);
            if self.is_json {
                writeln!(self.out, "{}", json::line(explanation)?)?;
            } else {
                if self.counts.records > 1 {
                    writeln!(self.out)?;
                }
                write!(self.out, "{}", explain::text(explanation, self.columns))?;
            }
        }
        self.out.flush()
    }

    /// Numbers the records of a line.
    fn number(&mut self, explanation: &mut Explanation) {
        let (file, line, count) = &mut self.last;
        if *file == explanation.file && *line == explanation.line {
            *count += 1;
        } else {
            self.last = (explanation.file.clone(), explanation.line, 1);
        }
        explanation.record = self.last.2;
    }
}
