//! `confluence-ecs normalize`: records from files and pipes into events.

use std::io::{stdin, stdout};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::{FileType, Stat, fstat, stat};

use super::Error;
use super::cluster::ClusterOutput;
use super::inputs::{InputCounts, or_stdin};
use crate::cli::NormalizeArgs;
use crate::exit::Exit;
use crate::input::{Inputs, Piece};
use crate::options;
use crate::pipeline::event::{DefaultTags, Origin};
use crate::pipeline::normalize::{Counts, Normalizer};
use crate::process::batch;
use crate::process::logging::{self, seconds_since};
use crate::process::metrics::SourceMetrics;
use crate::process::shown::Shown as _;
use crate::process::stop::Stop;
use crate::ship::LINES_KEPT;
use crate::sink::{self, Sink};

/// The events of a piece of input.
#[derive(Default)]
struct NormalizedBatch {
    lines: Vec<u8>,
    counts: Counts,
    origin: Option<Arc<Origin>>,
}

/// Where the events go.
enum EventOutput {
    /// A file or stdout.
    Stream(Sink),
    /// Elasticsearch or OpenSearch.
    Cluster(ClusterOutput),
}

impl EventOutput {
    fn pipe(&self) -> Option<OwnedFd> {
        match self {
            Self::Stream(sink) => sink.pipe(),
            Self::Cluster(_) => None,
        }
    }

    fn write(&mut self, lines: &[u8], stop: &Stop) -> Result<(), sink::Error> {
        match self {
            Self::Stream(sink) => sink.write(lines),
            Self::Cluster(cluster) => cluster.write(lines, stop),
        }
    }

    fn finish(self, stop: &Stop) -> Result<(), sink::Error> {
        match self {
            Self::Stream(sink) => sink.finish(),
            Self::Cluster(mut cluster) => cluster.finish(stop),
        }
    }
}

/// What was written, and the counts of the inputs.
struct Tally {
    began: Instant,
    /// Bytes of events.
    bytes: u64,
    inputs: InputCounts,
}

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the configuration is wrong, or the output fails. Inputs that fail are reported on the way.
pub fn run(arguments: NormalizeArgs) -> Result<Exit, Error> {
    let options = Arc::new(options::mapping(&arguments.mapping, DefaultTags::Read)?);
    let files = or_stdin(arguments.files);
    let cluster = &arguments.cluster;
    let mapping = &arguments.mapping;
    let most = (mapping.dialect.dataset(), mapping.namespace.as_str());
    let cluster = options::cluster::cluster(cluster, most, None);
    let mut output = match cluster.map_err(options::Error::Cluster)? {
        Some(options) => {
            if is_one_of(&options.dead_letter, &files) {
                let path = options.dead_letter.shown().to_string();
                return Err(Error::DeadLetterIsRead(path));
            }
            let sink = options.sink(&SourceMetrics::default());
            let mut sink = sink.map_err(options::Error::Cluster)?;
            sink.expect_earlier_runs();
            EventOutput::Cluster(ClusterOutput::new(sink))
        }
        None => EventOutput::Stream(open_output(&arguments.output, arguments.force, &files)?),
    };
    let stop = Arc::new(Stop::on_signals()?);
    let threads = options::threads(&arguments.mapping);
    let limit = arguments.mapping.max_line_bytes;
    let mut inputs = Inputs::new(files, limit, Arc::clone(&stop), output.pipe());

    let has_ids = arguments.format.is_bulk() || matches!(output, EventOutput::Cluster(_));
    let mut tally = Tally {
        began: Instant::now(),
        bytes: 0,
        inputs: InputCounts::default(),
    };
    let mut written = Ok(());
    batch::in_order(
        threads,
        |piece: &mut Piece| inputs.next_piece(piece),
        || worker(Normalizer::new(Arc::clone(&options)).with_ids(has_ids)),
        |events: &mut NormalizedBatch| {
            written = output.write(&events.lines, &stop);
            tally.bytes += events.lines.len() as u64;
            tally.inputs.add(events.origin.take(), events.counts);
            if written.is_err() {
                stop.request();
            }
            written.is_ok()
        },
    );
    match written.and_then(|()| output.finish(&stop)) {
        Err(sink::Error::Closed) => return Ok(Exit::Done),
        Err(sink::Error::GivenUp) => {
            tracing::warn!(
                "stopped before all events were stored: the same input again adds what is missing"
            );
        }
        result => result?,
    }
    if stop.is_requested() && stop.signal().is_none() {
        // Nobody reads the output any more.
        return Ok(Exit::Done);
    }
    let total = tally.inputs.end();
    summarise(&tally, total, inputs.failed(), stop.signal());
    Ok(match stop.signal() {
        Some(signal) => Exit::Signal(signal),
        None if inputs.failed() => Exit::Failed,
        None if arguments.mapping.strict && total.failed > 0 => Exit::Strict,
        None => Exit::Done,
    })
}

fn worker(mut normalizer: Normalizer) -> impl FnMut(&mut Piece, &mut NormalizedBatch) {
    let nowhere = Origin::stdin();
    move |piece, events| {
        events.lines.clear();
        events.lines.shrink_to(LINES_KEPT);
        events.origin.clone_from(&piece.origin);
        let origin = piece.origin.as_deref().unwrap_or(&nowhere);
        normalizer.number_lines(piece.line, piece.open_line);
        let frames = std::mem::take(&mut piece.frames);
        normalizer.frames(&mut events.lines, &piece.text, piece.offset, frames, origin);
        events.counts = normalizer.take_counts();
    }
}

fn open_output(output: &Path, force: bool, inputs: &[PathBuf]) -> Result<Sink, Error> {
    if let Some(existing) = output_file(output)
        && inputs.iter().any(|input| is_same(input, &existing))
    {
        return Err(Error::output_is_input(output));
    }
    Ok(if output.as_os_str() == "-" {
        Sink::stdout()?
    } else {
        Sink::truncate(output, force)?
    })
}

/// The file that an output is already, if it is one.
pub(super) fn output_file(output: &Path) -> Option<Stat> {
    let output = if output.as_os_str() == "-" {
        fstat(stdout())
    } else {
        stat(output)
    };
    let is_file = |stat: &Stat| FileType::from_raw_mode(stat.st_mode).is_file();
    output.ok().filter(is_file)
}

/// Whether a file that is there is one of the inputs, under any name.
pub(super) fn is_one_of(path: &Path, inputs: &[PathBuf]) -> bool {
    stat(path).is_ok_and(|file| inputs.iter().any(|input| is_same(input, &file)))
}

/// Whether an input is that file: its events would be read as records, without end.
fn is_same(input: &Path, file: &Stat) -> bool {
    let input = if input.as_os_str() == "-" {
        fstat(stdin())
    } else {
        stat(input)
    };
    input.is_ok_and(|input| (input.st_dev, input.st_ino) == (file.st_dev, file.st_ino))
}

fn summarise(tally: &Tally, total: Counts, has_failed: bool, signal: Option<u8>) {
    let Counts {
        records, failed, ..
    } = total;
    let (bytes, seconds) = (tally.bytes, seconds_since(tally.began));
    if let Some(signal) = signal {
        tracing::warn!(
            signal,
            "stopped by a signal: the rest of the input was not read"
        );
    }
    if failed > 0 {
        tracing::warn!(
            records,
            failed,
            bytes,
            seconds,
            "some records could not be mapped and became pipeline_error events (-v shows each)"
        );
    } else if has_failed || logging::shows_summary() {
        tracing::info!(records, failed, bytes, seconds, "done");
    }
}
