//! `confluence-ecs check`: what keeps fetch from getting records, or a cluster events, step by step.

use std::io::{self, Write};

use super::Error;
use crate::auth::store;
use crate::check::databases::Given;
use crate::check::doctor::{self, Plan};
use crate::check::visit::ClusterPlan;
use crate::check::{CheckFormat, CheckReport};
use crate::cli::{CheckArgs, FetchArgs, MappingArgs};
use crate::exit::Exit;
use crate::fetch::connect::FetchTarget;
use crate::fetch::time_spec::TimeSpec;
use crate::options;
use crate::pipeline::enrich::geoip::DatabaseKind;
use crate::process::{signal_guard, style};
use crate::state;

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the report cannot be written.
pub fn run(arguments: &CheckArgs) -> Result<Exit, Error> {
    signal_guard::defer_signals()?;
    let format = if arguments.json {
        CheckFormat::Json
    } else {
        CheckFormat::Text
    };
    let out: Box<dyn Write> = match format {
        CheckFormat::Text => Box::new(style::locked_stdout()),
        CheckFormat::Json => Box::new(io::stdout().lock()),
    };
    let report = CheckReport::new(out, format);
    let arguments = &arguments.fetch;
    let query = &arguments.query;
    let plan = Plan {
        target: has_site(arguments).then(|| target(arguments).map_err(Into::into)),
        cluster: cluster(arguments).map_err(Into::into).transpose(),
        url: arguments.site.url.clone(),
        search: query.search.clone(),
        since: query.since.unwrap_or(TimeSpec::DEFAULT_SINCE),
        state_dir: arguments.state.state_dir.clone(),
        databases: given(&arguments.mapping),
        output: arguments.output.clone(),
    };
    let is_well = doctor::run(plan, report).map_err(Error::Report)?;
    Ok(if is_well { Exit::Done } else { Exit::Failed })
}

/// The site and the credentials of fetch, if its other arguments are valid, too.
fn target(arguments: &FetchArgs) -> Result<FetchTarget, options::Error> {
    options::add_fields(arguments.mapping.add_fields.as_deref())?;
    options::fetch::range(&arguments.query)?;
    Ok(options::fetch::target(arguments)?)
}

/// Whether there is a site to check: a cluster may be all.
fn has_site(arguments: &FetchArgs) -> bool {
    let site = &arguments.site;
    let is_named = site.url.is_some() || site.cloud_id.is_some() || site.email.is_some();
    arguments.cluster.connection.elasticsearch_url.is_empty() || is_named || has_login(arguments)
}

/// Whether a login was stored: its site needs no arguments.
fn has_login(arguments: &FetchArgs) -> bool {
    let directory = state::directory(arguments.state.state_dir.as_deref());
    directory.is_ok_and(|directory| store::path(&directory).exists())
}

fn cluster(arguments: &FetchArgs) -> Result<Option<ClusterPlan>, options::Error> {
    let cluster = &arguments.cluster;
    let client = options::cluster::client(&cluster.connection)?;
    Ok(client.map(|client| ClusterPlan {
        client,
        target: options::cluster::target(cluster, &arguments.mapping.namespace),
        pipeline: cluster.pipeline.clone(),
        dead_letter: cluster.dead_letter.clone(),
    }))
}

fn given(arguments: &MappingArgs) -> Vec<Given> {
    let (city, asn) = options::given_databases(arguments);
    let both = [(DatabaseKind::City, city), (DatabaseKind::Asn, asn)];
    let given = both.into_iter().filter_map(|(kind, given)| {
        let (setting, path) = given?;
        Some(Given {
            kind,
            setting,
            path,
        })
    });
    given.collect()
}
