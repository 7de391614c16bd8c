//! `confluence-ecs check`: what keeps fetch from getting records, or a cluster events, step by step.

use std::io::{self, Write};

use super::Error;
use crate::auth::store;
use crate::check::databases::Given;
use crate::check::doctor::{self, Plan, Target};
use crate::check::visit::ClusterPlan;
use crate::check::{CheckFormat, CheckReport};
use crate::cli::{CheckArgs, ClusterArgs, FetchArgs, MappingArgs, TailArgs};
use crate::exit::Exit;
use crate::fetch::time_spec::TimeSpec;
use crate::options;
use crate::pipeline::dataset::Dataset;
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
    let mut report = CheckReport::new(out(format), format);
    let arguments = &arguments.fetch;
    doctor::run(fetch_plan(arguments, has_site(arguments)), &mut report).map_err(Error::Report)?;
    let is_well = report.finish().map_err(Error::Report)?;
    Ok(if is_well { Exit::Done } else { Exit::Failed })
}

/// Where a report goes.
pub(super) fn out(format: CheckFormat) -> Box<dyn Write> {
    match format {
        CheckFormat::Text => Box::new(style::locked_stdout()),
        CheckFormat::Json => Box::new(io::stdout().lock()),
    }
}

/// What is checked of a fetch, with its site or without.
pub(super) fn fetch_plan(arguments: &FetchArgs, has_site: bool) -> Plan {
    let query = &arguments.query;
    Plan {
        target: has_site.then(|| target(arguments).map_err(Into::into)),
        cluster: cluster(
            &arguments.cluster,
            options::fetch::dataset(arguments),
            &arguments.mapping,
        )
        .map_err(Into::into)
        .transpose(),
        url: arguments.site.url.clone(),
        search: query.search.clone(),
        since: query.since.unwrap_or(TimeSpec::DEFAULT_SINCE),
        state_dir: arguments.state.state_dir.clone(),
        databases: given(&arguments.mapping),
        output: arguments.output.clone(),
        unseen_secrets: None,
    }
}

/// What is checked of a tail.
pub(super) fn tail_plan(arguments: &TailArgs) -> Plan {
    Plan {
        target: None,
        cluster: cluster(
            &arguments.cluster,
            arguments.mapping.dialect.dataset(),
            &arguments.mapping,
        )
        .map_err(Into::into)
        .transpose(),
        url: None,
        search: None,
        since: TimeSpec::DEFAULT_SINCE,
        state_dir: arguments.state.state_dir.clone(),
        databases: given(&arguments.mapping),
        output: arguments.output.clone(),
        unseen_secrets: None,
    }
}

/// What fetch asks and its credentials, if its other arguments are valid, too.
fn target(arguments: &FetchArgs) -> Result<Target, options::Error> {
    options::add_fields(arguments.mapping.add_fields.as_deref())?;
    options::fetch::range(&arguments.query)?;
    Ok(match &arguments.organization.org_id {
        Some(id) => {
            let target = options::fetch::organization(arguments, id)?;
            Target::Organization(Box::new(target))
        }
        None => Target::Site(Box::new(options::fetch::target(arguments)?)),
    })
}

/// Whether there is a site to check: a cluster may be all.
fn has_site(arguments: &FetchArgs) -> bool {
    let site = &arguments.site;
    let is_named = site.url.is_some()
        || site.cloud_id.is_some()
        || site.email.is_some()
        || arguments.organization.org_id.is_some();
    arguments.cluster.connection.elasticsearch_url.is_empty() || is_named || has_login(arguments)
}

/// Whether a login was stored: its site needs no arguments.
pub(super) fn has_login(arguments: &FetchArgs) -> bool {
    let directory = state::directory(arguments.state.state_dir.as_deref());
    directory.is_ok_and(|directory| store::path(&directory).exists())
}

fn cluster(
    cluster: &ClusterArgs,
    dataset: Dataset,
    mapping: &MappingArgs,
) -> Result<Option<ClusterPlan>, options::Error> {
    let client = options::cluster::client(&cluster.connection)?;
    Ok(client.map(|client| ClusterPlan {
        client,
        dataset,
        target: options::cluster::target(cluster, dataset, &mapping.namespace),
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
