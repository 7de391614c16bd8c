//! `confluence-ecs normalize`: records from files and pipes into events.

use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Error, Exit};
use crate::batch;
use crate::cli::NormalizeArgs;
use crate::config;
use crate::event::Origin;
use crate::input::{Inputs, Piece};
use crate::normalize::{Counts, Normalizer};
use crate::sink::{self, Sink};
use crate::stop::Stop;

/// The events of a piece of input.
#[derive(Default)]
struct Events {
    lines: Vec<u8>,
    counts: Counts,
}

/// Runs the command.
///
/// # Errors
/// When the configuration is wrong, or the output fails. Inputs that fail are reported on the way.
pub fn run(arguments: NormalizeArgs) -> Result<Exit, Error> {
    let options = Arc::new(config::mapping(&arguments.mapping)?);
    let mut sink = open_output(&arguments.output, &arguments.files)?;
    let stop = Arc::new(Stop::on_signals()?);
    let threads = arguments.mapping.threads.unwrap_or_else(all_cores);
    let limit = arguments.mapping.max_line_bytes;
    let mut inputs = Inputs::new(arguments.files, limit, Arc::clone(&stop), sink.pipe());

    let mut total = Counts::default();
    let mut written = Ok(());
    batch::in_order(
        threads,
        |piece: &mut Piece| inputs.next_piece(piece),
        || worker(Normalizer::new(Arc::clone(&options))),
        |events: &mut Events| {
            written = sink.write(&events.lines);
            total += events.counts;
            if written.is_err() {
                stop.request();
            }
            written.is_ok()
        },
    );
    match written.and_then(|()| sink.finish()) {
        Err(sink::Error::Closed) => return Ok(Exit::Done),
        result => result?,
    }
    if stop.is_requested() && stop.signal().is_none() {
        // Nobody reads the output any more.
        return Ok(Exit::Done);
    }
    summarise(total, stop.signal());
    Ok(match stop.signal() {
        Some(signal) => Exit::Signal(signal),
        None if inputs.failed() => Exit::Failed,
        None if arguments.mapping.strict && total.failed > 0 => Exit::Strict,
        None => Exit::Done,
    })
}

pub(super) fn all_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn worker(mut normalizer: Normalizer) -> impl FnMut(&mut Piece, &mut Events) {
    let nowhere = Arc::new(Origin::stdin());
    // What a piece of enormous records needed is given back.
    const KEPT: usize = 4 << 20;
    move |piece, events| {
        events.lines.clear();
        events.lines.shrink_to(KEPT);
        let origin = piece.origin.as_ref().unwrap_or(&nowhere);
        let frames = std::mem::take(&mut piece.frames);
        normalizer.frames(&mut events.lines, &piece.text, piece.offset, frames, origin);
        events.counts = normalizer.take_counts();
    }
}

fn open_output(output: &Path, inputs: &[PathBuf]) -> Result<Sink, Error> {
    if output.as_os_str() == "-" {
        return Ok(Sink::stdout()?);
    }
    if let Ok(existing) = output.metadata()
        && existing.is_file()
    {
        let same = |input: &PathBuf| {
            input
                .metadata()
                .is_ok_and(|input| (input.dev(), input.ino()) == (existing.dev(), existing.ino()))
        };
        if inputs.iter().any(same) {
            return Err(Error::OutputIsInput(output.display().to_string()));
        }
    }
    Ok(Sink::truncate(output)?)
}

fn summarise(counts: Counts, signal: Option<u8>) {
    let Counts { records, failed } = counts;
    if let Some(signal) = signal {
        tracing::warn!(
            signal,
            "ended by a signal: the rest of the input is left unread"
        );
    }
    if failed > 0 {
        tracing::warn!(
            records,
            failed,
            "records that could not be mapped are pipeline_error events (-v names each)"
        );
    } else {
        tracing::info!(records, failed, "done");
    }
}
