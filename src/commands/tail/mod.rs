//! `confluence-ecs tail`: lines of followed logs into events, with their state.

pub(super) mod report;

use std::fs::canonicalize;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::normalize::output_file;
use super::{Error, destination, note_end};
use crate::cli::TailArgs;
use crate::exit::Exit;
use crate::options::{self, MappingSources};
use crate::pipeline::event::DefaultTags;
use crate::process::metrics::{Metrics, SourceMetrics};
use crate::process::service::Service;
use crate::process::shown::Shown as _;
use crate::process::stop::Stop;
use crate::ship::Mapping;
use crate::sink::OutputLines;
use crate::tail::discover::Discovery;
use crate::tail::run::{self, TailOutcome};

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the configuration is wrong, or the output or the state fails.
pub fn run(arguments: &TailArgs) -> Result<Exit, Error> {
    if arguments.list || arguments.status {
        let discovery = options::discovery(arguments);
        return report::run(arguments, &options::tail(arguments), discovery);
    }
    let all = Metrics::start(&options::metrics(&arguments.metrics))?;
    let metrics = all.source("tail");
    let ended = follow(arguments, &metrics, || {
        let stop = Stop::on_signals_and_hangup()?;
        let service = Service::start().measured(metrics.clone());
        Ok((Arc::new(stop), Arc::new(service)))
    });
    note_end(&metrics, &ended, !arguments.once);
    ended
}

/// Follows logs until it is time to end. Until the options are read, there is nothing that would have to be
/// finished: only then `begin` is called, for whoever ends it and watches over it.
///
/// # Errors
/// As [`run()`].
pub fn follow(
    arguments: &TailArgs,
    metrics: &SourceMetrics,
    begin: impl FnOnce() -> io::Result<(Arc<Stop>, Arc<Service>)>,
) -> Result<Exit, Error> {
    let discovery = options::discovery(arguments);
    let options = options::tail(arguments);
    let sources = MappingSources::new(&arguments.mapping, DefaultTags::Read);
    let mapping = Mapping::new(sources.databases(), move || sources.read())?.measured(metrics);
    refuse_own_output(&arguments.output, &discovery)?;
    let state_dir = arguments.state.state_dir.as_deref();
    if let Some(path) = options::cluster::dead_letter(&arguments.cluster, state_dir)
        && is_followed(&path, &discovery)
    {
        return Err(Error::DeadLetterIsRead(path.shown().to_string()));
    }
    let lines = if arguments.format.is_bulk() {
        OutputLines::Bulk
    } else {
        OutputLines::Events
    };
    let destination = destination(
        &arguments.cluster,
        (&arguments.output, lines),
        (arguments.mapping.dialect.dataset(), &arguments.mapping),
        &arguments.state,
        metrics,
    )?;
    let (stop, service) = begin()?;
    Ok(
        match run::run(&options, discovery, destination, &mapping, &stop, &service)? {
            Some(TailOutcome {
                is_missing,
                has_read_errors,
                ..
            }) if arguments.once && (is_missing || has_read_errors) => Exit::Failed,
            Some(TailOutcome { counts, .. }) if arguments.mapping.strict && counts.failed > 0 => {
                Exit::Strict
            }
            Some(_) | None => Exit::Done,
        },
    )
}

/// Whether a file is followed, or would be once it is there.
fn is_followed(path: &Path, discovery: &Discovery) -> bool {
    let would_follow = |path: &Path| discovery.would_follow(path);
    would_follow(path)
        || canonicalize(path).is_ok_and(|real| would_follow(&real))
        || output_file(path).is_some_and(|file| discovery.follows_file(file.st_dev, file.st_ino))
}

/// Events that are followed again make events without end.
fn refuse_own_output(output: &Path, discovery: &Discovery) -> Result<(), Error> {
    let is_named = output.as_os_str() != "-" && discovery.would_follow(output);
    let is_followed =
        output_file(output).is_some_and(|file| discovery.follows_file(file.st_dev, file.st_ino));
    if is_named || is_followed {
        return Err(Error::output_is_input(output));
    }
    Ok(())
}
