//! The index template in a cluster: its version there, and ours in its place (docs/elasticsearch.md, "Template").

use std::sync::Arc;

use serde::Deserialize;

use super::client::{Call, ClusterClient, Setback};
use super::inspect::{Identified, cause};
use super::lookup::names;
use crate::http::address::shown;
use crate::http::{self, Answer, Upload};
use crate::process::advice;
use crate::schema::template::{Product, TemplateTarget, VERSION, index_template};

/// What a cluster has under the template's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// A template with this version.
    Version(u64),
    /// A template without one.
    Unversioned,
    /// Nothing.
    Missing,
    /// The answer has this status: the credentials do not allow to look.
    Hidden(u16),
}

#[derive(Deserialize)]
struct Templates {
    #[serde(default)]
    index_templates: Vec<NamedTemplate>,
}

#[derive(Deserialize)]
struct NamedTemplate {
    index_template: VersionedTemplate,
}

#[derive(Deserialize)]
struct VersionedTemplate {
    #[serde(default)]
    version: Option<u64>,
}

/// The request that [`Installed::of`] reads the answer of.
#[must_use]
pub fn question(target: &TemplateTarget) -> Call {
    Call::get(format!("_index_template/{}", target.name))
        .query("filter_path=index_templates.index_template.version")
}

impl Installed {
    /// What the answer to [`question`] shows.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        match answer.status {
            200 => {
                let templates = serde_json::from_slice(&answer.body).ok();
                let first = templates
                    .and_then(|templates: Templates| templates.index_templates.into_iter().next());
                let version = first.and_then(|first| first.index_template.version);
                version.map_or(Self::Unversioned, Self::Version)
            }
            404 => Self::Missing,
            status => Self::Hidden(status),
        }
    }

    /// Whether events may miss something of the template that this program has.
    #[must_use]
    pub fn is_older(self) -> bool {
        match self {
            Self::Version(version) => version < VERSION,
            Self::Unversioned => true,
            Self::Missing | Self::Hidden(_) => false,
        }
    }
}

/// The command that installs a template in a cluster; who asks is for the user to add.
#[must_use]
pub fn install_command(client: &ClusterClient, target: &TemplateTarget) -> String {
    let mut words = vec!["schema", "index-template", "--install"];
    // The usual ones say the data set, too.
    if !target.is_default() || target.dataset.is_named() {
        words.extend(["--index", &target.pattern]);
    }
    // A name of the user's own does not say it.
    if !target.is_default() && target.dataset.is_named() {
        words.extend(["--dataset", target.dataset.argument()]);
    }
    words.extend(["--elasticsearch-url", client.name()]);
    words.extend(client.flags());
    advice::without_state(&words)
}

/// Warns, at the start of a run, of a template that is missing or older. Of what is not said to be its
/// name, it may have another one.
///
/// # Errors
/// When it is time to end, or there is no cluster.
pub fn compare(client: &ClusterClient, target: &TemplateTarget) -> Result<(), Setback> {
    let name = &target.name;
    let installed = match client.ask(&question(target)) {
        Ok(reply) => Installed::of(&reply.answer),
        Err(Setback::Lost(problem)) => {
            tracing::debug!("cannot look at the index template {name}: {problem}");
            return Ok(());
        }
        Err(setback) => return Err(setback),
    };
    let command = install_command(client, target);
    match installed {
        Installed::Missing if target.is_default() => tracing::warn!(
            "the index template {name} is not installed: fields get whatever type the cluster guesses; `{command}` \
             installs it"
        ),
        installed if installed.is_older() => tracing::warn!(
            "the index template {name} is older than this program's version {VERSION}; `{command}` replaces it"
        ),
        installed => tracing::debug!("index template {name}: {installed:?}"),
    }
    Ok(())
}

/// Why a template is not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// There is no answer.
    #[error("cannot install the index template: {0}")]
    Silent(#[from] http::Error),
    /// It is for the other product.
    #[error("--for: {url} is {found}, not {}: leave --for out, or name that product", wanted.name())]
    OtherProduct {
        /// The address.
        url: String,
        /// What answers there.
        found: String,
        /// What was asked for.
        wanted: Product,
    },
    /// The cluster refuses it.
    #[error("{url} refuses the index template {name} (status {status}): {cause}; {remedy}")]
    Refused {
        /// The address.
        url: String,
        /// Name of the template.
        name: String,
        /// Status of the answer.
        status: u16,
        /// What the cluster says.
        cause: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// What an installation came to.
#[derive(Debug)]
pub struct Installation {
    /// What was there before.
    pub before: Installed,
    /// Data streams that keep what they have until they roll over.
    pub streams: Vec<String>,
}

/// The product that answers, which must be the one that is wanted.
///
/// # Errors
/// When it is the other one.
pub fn product(at: &Identified, wanted: Option<Product>) -> Result<Product, InstallError> {
    let product = at.recognized.product;
    match wanted {
        Some(wanted) if wanted != product => Err(InstallError::OtherProduct {
            url: shown(&at.url),
            found: at.recognized.to_string(),
            wanted,
        }),
        Some(_) | None => Ok(product),
    }
}

/// Puts the template into a cluster.
///
/// # Errors
/// When the cluster does not take it.
pub fn install(
    client: &ClusterClient,
    at: &Identified,
    target: &TemplateTarget,
) -> Result<Installation, InstallError> {
    let before = Installed::of(&client.ask_at(&at.url, &question(target))?);
    let answer = client.ask_at(&at.url, &put(at.recognized.product, target))?;
    if !(200..300).contains(&answer.status) {
        let cause = cause(&answer);
        return Err(InstallError::Refused {
            url: shown(&at.url),
            name: target.name.clone(),
            status: answer.status,
            remedy: remedy(client, answer.status, &cause),
            cause,
        });
    }
    let streams = client.ask_at(
        &at.url,
        &Call::get(format!("_resolve/index/{}", target.pattern)),
    );
    let streams = streams.ok().filter(|answer| answer.status == 200);
    Ok(Installation {
        before,
        streams: streams.map_or_else(Vec::new, |answer| names(&answer.body)),
    })
}

fn put(product: Product, target: &TemplateTarget) -> Call {
    Call {
        upload: Some(Upload {
            method: ureq::http::Method::PUT,
            content_type: "application/json",
            is_gzip: false,
            asks_first: false,
            body: Arc::new(index_template(product, target).to_string().into_bytes()),
        }),
        ..Call::get(format!("_index_template/{}", target.name))
    }
}

fn remedy(client: &ClusterClient, status: u16, cause: &str) -> &'static str {
    match status {
        401 => client.credentials_advice(),
        403 => {
            "grant the cluster privilege manage_index_templates (OpenSearch: the action group cluster_manage_index_templates)"
        }
        _ if cause.contains("same priority") => {
            "delete the other template (DELETE _index_template/NAME), or give it another priority"
        }
        _ if cause.contains("does not exist") || cause.contains("No handler for type") => {
            "this build of the product lacks a field type of the template: use the full distribution, or print the \
             template without --install and replace the type"
        }
        _ => "the message says what the cluster does not take",
    }
}
