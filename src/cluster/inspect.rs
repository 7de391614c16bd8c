//! A cluster that is asked for someone who waits: what does not answer is an error at once.

use serde::Deserialize;
use url::Url;

use super::client::{Call, ClusterClient};
use super::product::{Finding, Recognized, recognize};
use crate::http::address::shown;
use crate::http::{self, Answer};

/// The longest part of an error that is shown, in characters.
const LONGEST_CAUSE: usize = 1000;

/// Why an address is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Nothing answers there.
    #[error("{0}")]
    Silent(#[from] http::Error),
    /// It is no cluster that is supported.
    #[error("{url} is not a supported cluster (Elasticsearch 8 or 9, OpenSearch 2 or 3): {what}")]
    Another {
        /// The address.
        url: String,
        /// What answers instead.
        what: String,
    },
    /// The credentials are refused.
    #[error("{url} refuses the credentials (status {status}): {advice}")]
    Unauthorized {
        /// The address.
        url: String,
        /// Status of the answer.
        status: u16,
        /// What to do.
        advice: &'static str,
    },
    /// It answers, but is not up.
    #[error("{url} is not ready (status {status}): {quote}")]
    NotReady {
        /// The address.
        url: String,
        /// Status of the answer.
        status: u16,
        /// What it says.
        quote: String,
    },
}

/// An address, and what answers there.
#[derive(Debug, Clone)]
pub struct Identified {
    /// The address.
    pub url: Url,
    /// The product.
    pub recognized: Recognized,
    /// How far our clock is ahead of the one there, in seconds, if it sends its time.
    pub ahead: Option<i64>,
}

/// Finds out what answers at an address.
///
/// # Errors
/// When that is no cluster that takes requests with these credentials.
pub fn identify(client: &ClusterClient, url: &Url) -> Result<Identified, Unusable> {
    let answer = client.ask_at(url, &Call::get(""))?;
    let name = || shown(url);
    let status = answer.status;
    let unauthorized = || Unusable::Unauthorized {
        url: name(),
        status,
        advice: client.credentials_advice(),
    };
    match recognize(&answer) {
        // A 403 is about what may be asked, not about who asks.
        Finding::Cluster(_) if status == 401 => Err(unauthorized()),
        Finding::Cluster(recognized) => Ok(Identified {
            url: url.clone(),
            recognized: with_version(client, url, recognized),
            ahead: answer.ahead,
        }),
        Finding::Unclear if matches!(status, 401 | 403) => Err(unauthorized()),
        Finding::Unclear => Err(Unusable::NotReady {
            url: name(),
            status,
            quote: cause(&answer),
        }),
        Finding::Another(what) => Err(Unusable::Another { url: name(), what }),
    }
}

/// The first address at which a cluster answers.
///
/// # Errors
/// Why the last one is of no use, if none is.
pub fn first(client: &ClusterClient) -> Result<Identified, Unusable> {
    let mut urls = client.urls().into_iter().peekable();
    loop {
        // There is one at least.
        let Some(url) = urls.next() else {
            return Err(Unusable::Another {
                url: client.name().to_owned(),
                what: "nothing".to_owned(),
            });
        };
        match identify(client, &url) {
            Err(unusable) if urls.peek().is_some() => tracing::warn!("{unusable}"),
            result => return result,
        }
    }
}

#[derive(Deserialize)]
struct Nodes {
    nodes: std::collections::BTreeMap<String, NodeVersion>,
}

#[derive(Deserialize)]
struct NodeVersion {
    version: String,
}

/// Asks the node itself where `GET /` did not say which version it has.
fn with_version(client: &ClusterClient, url: &Url, recognized: Recognized) -> Recognized {
    if recognized.version.is_some() {
        return recognized;
    }
    let call = Call::get("_nodes/_local").query("filter_path=nodes.*.version");
    let answer = client.ask_at(url, &call).ok();
    let nodes = answer.and_then(|answer| serde_json::from_slice::<Nodes>(&answer.body).ok());
    let version = nodes.and_then(|nodes| nodes.nodes.into_values().next());
    Recognized {
        version: version.map(|node| node.version),
        ..recognized
    }
}

/// An error as the cluster words it: the innermost cause says most.
#[derive(Debug, Deserialize)]
struct Cause {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    caused_by: Option<Box<Cause>>,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: Cause,
}

/// The innermost cause of an error that a cluster answers with, as `type: reason`; else the answer's
/// beginning.
#[must_use]
pub fn cause(answer: &Answer) -> String {
    let Ok(ErrorAnswer { error: mut cause }) = serde_json::from_slice(&answer.body) else {
        return answer.quote();
    };
    while let Some(inner) = cause.caused_by.take() {
        cause = *inner;
    }
    let text = format!("{}: {}", cause.kind, cause.reason.unwrap_or_default());
    answer.shown(&text, LONGEST_CAUSE)
}
