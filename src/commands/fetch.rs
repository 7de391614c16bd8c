//! `confluence-ecs fetch`: records of the REST APIs into events, with their state.

use std::io;
use std::sync::Arc;

use super::{Error, destination, note_end};
use crate::cli::FetchArgs;
use crate::exit::Exit;
use crate::fetch::connect::connect;
use crate::fetch::run;
use crate::options::{self, MappingSources};
use crate::pipeline::event::DefaultTags;
use crate::process::metrics::{Metrics, SourceMetrics};
use crate::process::service::Service;
use crate::process::stop::Stop;
use crate::ship::Mapping;
use crate::sink::OutputLines;

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the configuration is wrong, or the site, the output or the state fails.
pub fn run(arguments: &FetchArgs) -> Result<Exit, Error> {
    let all = Metrics::start(&options::metrics(&arguments.metrics))?;
    let metrics = all.source(&options::fetch::source_name(&arguments.site));
    let ended = fetch(arguments, &metrics, || {
        let stop = if arguments.interval.is_some() {
            Stop::on_signals_and_hangup()?
        } else {
            Stop::on_signals()?
        };
        let service = Service::start().measured(metrics.clone());
        Ok((Arc::new(stop), Arc::new(service)))
    });
    note_end(&metrics, &ended, arguments.interval.is_some());
    ended
}

/// Fetches until everything is there, or it is time to end. Until the site is found, there is nothing that would
/// have to be finished: only then `begin` is called, for whoever ends it and watches over it.
///
/// # Errors
/// As [`run()`].
pub fn fetch(
    arguments: &FetchArgs,
    metrics: &SourceMetrics,
    begin: impl FnOnce() -> io::Result<(Arc<Stop>, Arc<Service>)>,
) -> Result<Exit, Error> {
    options::fetch::range(&arguments.query).map_err(options::Error::Fetch)?;
    let sources = MappingSources::new(&arguments.mapping, DefaultTags::Fetched);
    let mapping = Mapping::new(sources.databases(), move || sources.read())?.measured(metrics);
    let mut target = options::fetch::target(arguments).map_err(options::Error::Fetch)?;
    target.http.metrics.source = metrics.clone();
    let (asker, cloud_ids) = connect(target)?;
    let (stop, service) = begin()?;
    if stop.is_requested() {
        // While the site was looked for: nothing was opened yet.
        return Ok(Exit::Done);
    }
    let options = options::fetch::fetch(arguments);
    let lines = if arguments.raw {
        OutputLines::Raw
    } else if arguments.format.is_bulk() {
        OutputLines::Bulk
    } else {
        OutputLines::Events
    };
    let destination = destination(
        &arguments.cluster,
        (&arguments.output, lines),
        &arguments.mapping,
        &arguments.state,
        metrics,
    )?;
    let asked = (asker, &cloud_ids);
    let Some(outcome) = run::run(&options, destination, &mapping, asked, &stop, &service)? else {
        return Ok(Exit::Done);
    };
    Ok(match stop.signal() {
        Some(signal) if outcome.is_stopped && arguments.interval.is_none() => Exit::Signal(signal),
        _ if arguments.mapping.strict && outcome.counts.failed > 0 => Exit::Strict,
        _ => Exit::Done,
    })
}
