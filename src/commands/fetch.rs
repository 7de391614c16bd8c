//! `confluence-ecs fetch`: records of the REST APIs into events, with their state.

use std::io;
use std::sync::Arc;

use super::{Error, destination, note_end};
use crate::cli::FetchArgs;
use crate::exit::Exit;
use crate::fetch::asker::Asker;
use crate::fetch::connect::{self, CloudIds, connect};
use crate::fetch::org::asker::OrgAsker;
use crate::fetch::{org, run};
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
    let metrics = all.source(&options::fetch::source_name(arguments));
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
    let source = source(arguments, metrics)?;
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
        (options::fetch::dataset(arguments), &arguments.mapping),
        &arguments.state,
        metrics,
    )?;
    let outcome = match source {
        Source::Site(asker, cloud_ids) => {
            let asked = (*asker, &*cloud_ids);
            run::run(&options, destination, &mapping, asked, &stop, &service)?
        }
        Source::Organization(asker) => {
            org::run::run(&options, destination, &mapping, asker, (&stop, &service))?
        }
    };
    let Some(outcome) = outcome else {
        return Ok(Exit::Done);
    };
    Ok(match stop.signal() {
        Some(signal) if outcome.is_stopped && arguments.interval.is_none() => Exit::Signal(signal),
        _ if arguments.mapping.strict && outcome.counts.failed > 0 => Exit::Strict,
        _ => Exit::Done,
    })
}

/// Who is asked.
enum Source {
    /// A site, and what asks which site an address is of.
    Site(Box<Asker>, Box<CloudIds>),
    /// An organization.
    Organization(Arc<OrgAsker>),
}

fn source(arguments: &FetchArgs, metrics: &SourceMetrics) -> Result<Source, Error> {
    if let Some(id) = &arguments.organization.org_id {
        let target = options::fetch::organization(arguments, id);
        let mut target = target.map_err(options::Error::Fetch)?;
        target.http.metrics.source = metrics.clone();
        let asker = OrgAsker::new(target).map_err(connect::Error::from)?;
        return Ok(Source::Organization(asker));
    }
    let mut target = options::fetch::target(arguments).map_err(options::Error::Fetch)?;
    target.http.metrics.source = metrics.clone();
    let (asker, cloud_ids) = connect(target)?;
    Ok(Source::Site(Box::new(asker), Box::new(cloud_ids)))
}
