//! `confluence-ecs send`: events that this program wrote, to a cluster.

mod events;
mod progress;

use std::io::{IsTerminal as _, stdin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use self::events::EventReader;
use self::progress::SendProgress;
use super::Error;
use super::cluster::ClusterOutput;
use super::normalize::is_one_of;
use crate::cli::SendArgs;
use crate::cluster::settle::Tally;
use crate::exit::Exit;
use crate::options;
use crate::pipeline::dataset::Dataset;
use crate::process::logging::{self, seconds_since};
use crate::process::metrics::SourceMetrics;
use crate::process::shown::Shown as _;
use crate::process::stop::Stop;
use crate::sink;

/// What became of the events of a run.
struct Outcomes {
    /// All that were read.
    events: u64,
    /// Stored by this run, the plain forms and those in the failure store among them.
    stored: u64,
    already_there: u64,
    plain_form: u64,
    failure_store: u64,
    dead_letters: u64,
}

impl Outcomes {
    fn new(events: u64, tally: &Tally) -> Self {
        Self {
            events,
            stored: tally.stored.load(Ordering::Relaxed),
            already_there: tally.there.load(Ordering::Relaxed),
            plain_form: tally.plain.load(Ordering::Relaxed),
            failure_store: tally.failure_store.load(Ordering::Relaxed),
            dead_letters: tally.dead.load(Ordering::Relaxed),
        }
    }

    /// Whether the cluster refused an event.
    fn has_refused(&self) -> bool {
        self.plain_form + self.failure_store + self.dead_letters > 0
    }
}

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the configuration is wrong, or there is no cluster. Inputs that fail are reported on the way.
pub fn run(arguments: SendArgs) -> Result<Exit, Error> {
    let mut files = arguments.files;
    if files.is_empty() {
        files.push("-".into());
    }
    let cluster = options::cluster::cluster(
        &arguments.cluster,
        (Dataset::default(), &arguments.namespace),
        None,
    );
    let Some(options) = cluster.map_err(options::Error::Cluster)? else {
        // The arguments require a URL.
        return Ok(Exit::Usage);
    };
    if is_one_of(&options.dead_letter, &files) {
        // What the cluster refuses again would be read again, without end.
        let path = options.dead_letter.shown().to_string();
        return Err(Error::DeadLetterIsInput(path));
    }
    let sink = options.sink(&SourceMetrics::default());
    let mut sink = sink.map_err(options::Error::Cluster)?;
    // Whatever is sent by hand may have been sent before.
    sink.expect_stored();
    let mut output = ClusterOutput::new(sink);
    if files.iter().any(|file| file.as_os_str() == "-") && stdin().is_terminal() {
        tracing::info!("reading events from the terminal: end with Ctrl-D, or pass files");
    }
    let stop = Arc::new(Stop::on_signals()?);
    let began = Instant::now();
    let mut progress = SendProgress::new(&files);
    let mut events = EventReader::new(files, arguments.namespace, Arc::clone(&stop));
    let sent = send(&mut events, &mut output, &mut progress, &stop);
    drop(progress);
    match sent {
        Err(sink::Error::GivenUp) => {
            tracing::warn!(
                "stopped before all events were stored: the same input again adds what is missing"
            );
        }
        result => result?,
    }
    events.report_unnamed();
    let outcomes = Outcomes::new(events.events(), output.tally());
    let has_failed = events.has_failed();
    summarise(
        &outcomes,
        events.rejected(),
        has_failed,
        stop.signal(),
        began,
    );
    Ok(match stop.signal() {
        Some(signal) => Exit::Signal(signal),
        None if has_failed => Exit::Failed,
        None if arguments.strict && outcomes.has_refused() => Exit::Strict,
        None => Exit::Done,
    })
}

fn send(
    events: &mut EventReader,
    output: &mut ClusterOutput,
    progress: &mut SendProgress,
    stop: &Stop,
) -> Result<(), sink::Error> {
    let mut body = Vec::new();
    while events.next(&mut body) {
        output.write(&body, stop)?;
        progress.show(events.events(), events.bytes());
    }
    output.finish(stop)
}

fn summarise(
    outcomes: &Outcomes,
    rejected: u64,
    has_failed: bool,
    signal: Option<u8>,
    began: Instant,
) {
    let Outcomes {
        events,
        stored,
        already_there,
        plain_form,
        failure_store,
        dead_letters,
    } = *outcomes;
    let seconds = seconds_since(began);
    if let Some(signal) = signal {
        tracing::warn!(
            signal,
            "stopped by a signal: the rest of the input was not sent"
        );
    }
    // The level is part of a message's place in the code: it cannot be a value.
    macro_rules! tell {
        ($level:ident, $message:literal) => {
            tracing::$level!(
                events,
                stored,
                already_there,
                plain_form,
                failure_store,
                dead_letters,
                rejected,
                seconds,
                $message
            )
        };
    }
    if outcomes.has_refused() {
        tell!(warn, "the cluster refused some events as they are");
    } else if has_failed || logging::shows_summary() {
        tell!(info, "done");
    }
}
