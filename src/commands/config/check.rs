//! `config check`: whether each source of a configuration can work, step by step.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::auth::credentials::{API_TOKEN, ES_PASSWORD, GivenSecrets, PAT, Setting};
use crate::auth::credstore;
use crate::check::doctor::{self, Plan};
use crate::check::{CheckFormat, CheckReport, CheckStep, StepName};
use crate::cli::{ClusterArgs, FetchArgs, TailArgs};
use crate::commands::check::{fetch_plan, has_login, out, tail_plan};
use crate::commands::{Error, options};
use crate::config::service::Configuration;
use crate::config::source::SourceArgs;
use crate::exit::Exit;
use crate::process::shown::Shown as _;
use crate::process::{setting_names, signal_guard, source_name};
use crate::tail::pattern::PathPattern;

/// Checks what a configuration says; with `connect`, also asks the sites and the clusters.
pub fn run(configuration: &Configuration, connect: bool, json: bool) -> Result<Exit, Error> {
    signal_guard::defer_signals()?;
    // Its own flags are no settings of sources.
    setting_names::use_keys(["config", "connect"].map(str::to_owned));
    let format = if json {
        CheckFormat::Json
    } else {
        CheckFormat::Text
    };
    let mut report = CheckReport::new(out(format), format);
    of_file(configuration, &mut report).map_err(Error::Report)?;
    for source in &configuration.sources {
        // What is logged about it is told as its own, as `run` does.
        let _entered = source_name::span(&source.name).entered();
        let arguments = source.arguments()?;
        report.begin_source(&source.name).map_err(Error::Report)?;
        of_source(&arguments, connect, &mut report).map_err(Error::Report)?;
    }
    let is_well = report.finish().map_err(Error::Report)?;
    Ok(if is_well { Exit::Done } else { Exit::Failed })
}

fn of_file<W: Write>(configuration: &Configuration, report: &mut CheckReport<W>) -> io::Result<()> {
    let name = StepName::Configuration;
    let count = configuration.sources.len();
    let sources = if count == 1 { "source" } else { "sources" };
    let detail = format!("{}, with {count} {sources}", configuration.path.shown());
    report.report_step(CheckStep::ok(name, detail))?;
    for warning in &configuration.warnings {
        let (what, remedy) = warning
            .split_once(": keep ")
            .map(|(what, rest)| (what, format!("keep {rest}")))
            .or_else(|| {
                let (what, meant) = warning.split_once("; did you mean ")?;
                Some((what, format!("rename it: {}", meant.trim_end_matches('?'))))
            })
            .unwrap_or((warning, String::new()));
        report.report_step(CheckStep::warn(name, what, remedy))?;
    }
    Ok(())
}

fn of_source<W: Write>(
    arguments: &SourceArgs,
    connect: bool,
    report: &mut CheckReport<W>,
) -> io::Result<()> {
    let plan = match arguments {
        SourceArgs::Tail(arguments) => {
            for step in log_files(arguments) {
                report.report_step(step)?;
            }
            if let Err(error) = options::add_fields(arguments.mapping.add_fields.as_deref()) {
                report.report_step(CheckStep::fail_by(StepName::Configuration, &error))?;
            }
            Plan {
                unseen_secrets: of_cluster(&arguments.cluster),
                ..tail_plan(arguments)
            }
        }
        SourceArgs::Fetch(arguments) => Plan {
            unseen_secrets: of_site(arguments).or_else(|| of_cluster(&arguments.cluster)),
            ..fetch_plan(arguments, true)
        },
    };
    // What is asked without its secrets gives no verdict.
    if connect && plan.unseen_secrets.is_none() {
        doctor::run(plan, report)
    } else {
        doctor::look(plan, report)
    }
}

/// Why the secret of a site may be missing here, though the service has it.
fn of_site(arguments: &FetchArgs) -> Option<String> {
    let site = &arguments.site;
    let is_missing = is_missing(&PAT, site.pat_file.as_ref(), &site.secrets)
        && is_missing(&API_TOKEN, site.api_token_file.as_ref(), &site.secrets);
    if !is_missing
        || has_login(arguments)
        || options::add_fields(arguments.mapping.add_fields.as_deref()).is_err()
    {
        return None;
    }
    let is_cloud = site.url.as_ref().is_none_or(options::fetch::is_atlassian);
    match site.email {
        Some(_) => credstore::given_to_service(&API_TOKEN),
        None if !is_cloud => credstore::given_to_service(&PAT),
        None => None,
    }
}

/// The same of the cluster's.
fn of_cluster(arguments: &ClusterArgs) -> Option<String> {
    let connection = &arguments.connection;
    let file = connection.es_password_file.as_ref();
    let is_missing =
        connection.es_user.is_some() && is_missing(&ES_PASSWORD, file, &connection.secrets);
    is_missing.then(|| credstore::given_to_service(&ES_PASSWORD))?
}

fn is_missing(setting: &Setting, file: Option<&PathBuf>, given: &GivenSecrets) -> bool {
    file.is_none() && matches!(setting.find(None, given), Ok(None))
}

/// A step for each path or glob: how many files it matches, and whether they can be read.
fn log_files(arguments: &TailArgs) -> Vec<CheckStep> {
    let name = StepName::LogFiles;
    let mut discovery = options::discovery(arguments);
    let patterns = std::mem::take(&mut discovery.patterns);
    let of_pattern = |pattern: PathPattern| {
        let shown = pattern.given.shown().to_string();
        discovery.patterns = vec![pattern];
        let scan = discovery.scan(None);
        if let Some((folder, _, problem)) = scan.failed.first() {
            let problem = format!("cannot read {}: {problem}", folder.shown());
            return CheckStep::fail(name, problem, READABLE);
        }
        let unreadable = scan.found.iter().find_map(|file| {
            let error = File::open(&file.path).err()?;
            Some(format!("cannot read {}: {error}", file.path.shown()))
        });
        if let Some(problem) = unreadable {
            return CheckStep::fail(name, problem, READABLE);
        }
        match scan.found.len() {
            0 => CheckStep::warn(
                name,
                format!("{shown} matches no file"),
                "it is followed as soon as there is one; is the path right?",
            ),
            1 => CheckStep::ok(name, format!("{shown}: 1 file")),
            count => CheckStep::ok(name, format!("{shown}: {count} files")),
        }
    };
    patterns.into_iter().map(of_pattern).collect()
}

const READABLE: &str = "make it readable for the user that the service runs as";
