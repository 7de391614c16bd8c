//! What events go to: the index template, the data stream, the pipelines that run on events.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::visit::Visit;
use super::{CheckStep, StepName};
use crate::cluster::client::{Call, ClusterClient};
use crate::cluster::inspect::cause;
use crate::cluster::lookup;
use crate::cluster::template::{Installed, install_command};
use crate::http::Answer;
use crate::pipeline::dataset::Dataset;
use crate::schema::template::{TemplateTarget, VERSION};

/// Settings of an index, as far as they are about pipelines.
#[derive(Default, Deserialize)]
struct Pipelines {
    #[serde(default)]
    default_pipeline: Option<String>,
    #[serde(default)]
    final_pipeline: Option<String>,
}

#[derive(Default, Deserialize)]
struct Settings {
    #[serde(default)]
    index: Pipelines,
}

#[derive(Default, Deserialize)]
struct IndexSettings {
    #[serde(default)]
    settings: Settings,
}

#[derive(Default, Deserialize)]
struct Simulated {
    #[serde(default)]
    template: IndexSettings,
}

/// What the target is.
pub enum Found {
    /// A data stream, or none but an alias or index, with the indices behind it.
    There {
        /// Whether it is a data stream.
        is_stream: bool,
        /// In order; of a data stream the last takes the writes.
        indices: Vec<String>,
    },
    /// Nothing yet.
    Missing,
    /// The answer has this status.
    Hidden(u16),
}

impl Found {
    /// By the answer to `GET _resolve/index/NAME`.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        match answer.status {
            200 => {
                let indices = lookup::indices_in(&answer.body);
                let is_stream = !lookup::names(&answer.body).is_empty();
                if indices.is_empty() {
                    Self::Missing
                } else {
                    Self::There { is_stream, indices }
                }
            }
            404 => Self::Missing,
            status => Self::Hidden(status),
        }
    }
}

/// Whether the index template is there, in our version.
#[must_use]
pub fn template(
    client: &ClusterClient,
    target: &TemplateTarget,
    installed: Result<&Installed, &String>,
) -> CheckStep {
    let name = StepName::IndexTemplate;
    let TemplateTarget {
        name: template,
        pattern,
        ..
    } = target;
    let remedy = || format!("install it: {}", install_command(client, target));
    match installed {
        Ok(Installed::Version(VERSION)) => {
            CheckStep::ok(name, format!("{template}, version {VERSION}"))
        }
        Ok(Installed::Version(newer)) if *newer > VERSION => CheckStep::ok(
            name,
            format!("{template}, version {newer}, newer than this program's {VERSION}"),
        ),
        Ok(Installed::Version(older)) => CheckStep::warn(
            name,
            format!("{template} has version {older}, older than this program's {VERSION}"),
            remedy(),
        ),
        Ok(Installed::Unversioned) => CheckStep::warn(
            name,
            format!(
                "{template} has no version: it is not this program's, or was made by an early one"
            ),
            remedy(),
        ),
        Ok(Installed::Missing) if target.is_default() => CheckStep::warn(
            name,
            format!(
                "{template} is not installed: fields of {pattern} get whatever type the cluster guesses, and events may \
                 be refused"
            ),
            remedy(),
        ),
        Ok(Installed::Missing) => CheckStep::skip(
            name,
            format!("none is named {template}; another may be for {pattern}"),
        ),
        Ok(Installed::Hidden(status)) => CheckStep::skip(
            name,
            format!("{template} is not visible to these credentials (status {status})"),
        ),
        Err(problem) => CheckStep::skip(name, problem),
    }
}

/// What events go to.
#[must_use]
pub fn stream(target: &str, found: Result<&Found, &String>) -> CheckStep {
    let name = StepName::DataStream;
    match found {
        Ok(Found::There {
            is_stream: true,
            indices,
        }) => {
            let written = indices.last().map_or("", String::as_str);
            let count = match indices.len() {
                1 => "1 backing index".to_owned(),
                count => format!("{count} backing indices"),
            };
            CheckStep::ok(
                name,
                format!("{target} has {count}; {written} takes the writes"),
            )
        }
        Ok(Found::There { indices, .. })
            if *indices == [target] && Dataset::of_stream(target).is_some() =>
        {
            CheckStep::warn(
                name,
                format!("{target} is an index, not a data stream: it was made before the template"),
                format!(
                    "install the template, copy the documents elsewhere (_reindex), and delete it (DELETE {target}): the \
                     first event creates the data stream"
                ),
            )
        }
        Ok(Found::There { indices, .. }) if *indices == [target] => {
            CheckStep::ok(name, format!("{target} is an index, not a data stream"))
        }
        Ok(Found::There { indices, .. }) => CheckStep::ok(
            name,
            format!("{target} is an alias of {}", indices.join(", ")),
        ),
        Ok(Found::Missing) => CheckStep::ok(
            name,
            format!("{target} will be created with the first event"),
        ),
        Ok(Found::Hidden(status)) => CheckStep::skip(
            name,
            format!("{target} is not visible to these credentials (status {status})"),
        ),
        Err(problem) => CheckStep::skip(name, problem),
    }
}

/// Which pipelines run on events.
#[must_use]
pub fn pipelines(visit: &Visit<'_>, found: Option<&Found>) -> CheckStep {
    let name = StepName::IngestPipeline;
    if let Some(pipeline) = &visit.plan.pipeline {
        return given_pipeline(visit, pipeline);
    }
    let settings = match found {
        Some(Found::There { indices, .. }) => index_settings(visit, indices),
        Some(Found::Missing) => template_settings(visit),
        Some(Found::Hidden(_)) | None => Err("nor is the data stream".to_owned()),
    };
    let settings = match settings {
        Ok(settings) => settings,
        Err(problem) => return CheckStep::skip(name, format!("not visible: {problem}")),
    };
    let is_one = |name: &String| name != "_none";
    let Pipelines {
        default_pipeline,
        final_pipeline,
    } = settings.index;
    match (
        default_pipeline.filter(is_one),
        final_pipeline.filter(is_one),
    ) {
        (None, None) => CheckStep::ok(name, "none"),
        (_, Some(last)) => CheckStep::warn(
            name,
            format!("the final pipeline {last} runs on every event: no request can leave it out"),
            "see that it changes nothing that is mapped already, or unset index.final_pipeline",
        ),
        (Some(default), None) => CheckStep::warn(
            name,
            format!(
                "the default pipeline {default} is not run: requests say pipeline=_none, since events are mapped \
                 already"
            ),
            format!(
                "if it is not one that maps Confluence's records, --pipeline {default} runs it"
            ),
        ),
    }
}

fn given_pipeline(visit: &Visit<'_>, pipeline: &str) -> CheckStep {
    let name = StepName::IngestPipeline;
    let call = Call::get(format!("_ingest/pipeline/{pipeline}")).query("filter_path=*.version");
    match visit.ask(&call).map(|answer| answer.status) {
        Ok(200) => CheckStep::ok(name, format!("{pipeline} (--pipeline)")),
        Ok(404) => CheckStep::fail(
            name,
            format!("there is no ingest pipeline {pipeline} (--pipeline)"),
            format!("create it with PUT _ingest/pipeline/{pipeline}, or leave --pipeline out"),
        ),
        Ok(status) => CheckStep::skip(name, format!("{pipeline} is not visible (status {status})")),
        Err(problem) => CheckStep::skip(name, problem),
    }
}

/// The settings of the index that takes the writes.
fn index_settings(visit: &Visit<'_>, indices: &[String]) -> Result<Settings, String> {
    let target = indices.last().unwrap_or(&visit.plan.target);
    let call = Call::get(format!("{target}/_settings"));
    let answer = visit.ask(&call)?;
    if answer.status != 200 {
        return Err(cause(&answer));
    }
    let all = serde_json::from_slice::<BTreeMap<String, IndexSettings>>(&answer.body);
    let first = all.unwrap_or_default().into_values().next();
    Ok(first.unwrap_or_default().settings)
}

/// The settings that the first backing index will have.
fn template_settings(visit: &Visit<'_>) -> Result<Settings, String> {
    let path = format!("_index_template/_simulate_index/{}", visit.plan.target);
    let call = Call::post(path, Vec::new()).query("filter_path=template.settings");
    let answer = visit.ask(&call)?;
    if answer.status != 200 {
        return Err(cause(&answer));
    }
    let simulated = serde_json::from_slice::<Simulated>(&answer.body);
    Ok(simulated.unwrap_or_default().template.settings)
}
