//! A cluster that is looked at, and who asks it.

use std::path::PathBuf;

use serde::Deserialize;

use super::{CheckStep, StepName};
use crate::cluster::client::{Call, ClusterClient};
use crate::cluster::inspect::Identified;
use crate::http::Answer;
use crate::pipeline::dataset::Dataset;
use crate::schema::template::Product;

/// Where events would go.
#[derive(Debug)]
pub struct ClusterPlan {
    /// Asks the cluster.
    pub client: ClusterClient,
    /// Data set of the events, as far as it is known before they are read.
    pub dataset: Dataset,
    /// Data stream, alias or index.
    pub target: String,
    /// The ingest pipeline that is asked for.
    pub pipeline: Option<String>,
    /// The file for dead letters, where it is not the usual one.
    pub dead_letter: Option<PathBuf>,
}

/// A cluster that answers.
#[derive(Debug)]
pub struct Visit<'a> {
    /// What would be done.
    pub plan: &'a ClusterPlan,
    /// What answers, and where.
    pub at: Identified,
}

#[derive(Deserialize)]
struct Whoever {
    /// Elasticsearch.
    #[serde(default)]
    username: Option<String>,
    /// OpenSearch.
    #[serde(default)]
    user_name: Option<String>,
}

impl Visit<'_> {
    /// Asks the cluster.
    ///
    /// # Errors
    /// When there is no answer, as text.
    pub fn ask(&self, call: &Call) -> Result<Answer, String> {
        let answer = self.plan.client.ask_at(&self.at.url, call);
        answer.map_err(|error| error.to_string())
    }

    /// Which product it is.
    #[must_use]
    pub fn product(&self) -> Product {
        self.at.recognized.product
    }

    /// Who asks; and whether the cluster looks at that.
    #[must_use]
    pub fn login(&self) -> (CheckStep, bool) {
        let name = StepName::ClusterLogin;
        let path = match self.product() {
            Product::Elasticsearch => "_security/_authenticate",
            Product::OpenSearch => "_plugins/_security/authinfo",
        };
        let answer = match self.ask(&Call::get(path)) {
            Ok(answer) => answer,
            Err(problem) => {
                let remedy = "the cluster answered before: see its log";
                return (CheckStep::fail(name, problem, remedy), true);
            }
        };
        let step = match answer.status {
            200 => {
                let who = serde_json::from_slice::<Whoever>(&answer.body).ok();
                let who = who.and_then(|who| who.username.or(who.user_name));
                let who = who.unwrap_or_else(|| "somebody without a name".to_owned());
                CheckStep::ok(name, format!("accepted: {who}"))
            }
            401 => CheckStep::fail(
                name,
                "the credentials are refused (status 401)",
                self.plan.client.credentials_advice(),
            ),
            // It is known who asks, but not to whom.
            403 => CheckStep::ok(name, "accepted"),
            408 | 429 | 502..=504 => {
                let detail = format!(
                    "the cluster does not say who asks (status {})",
                    answer.status
                );
                CheckStep::skip(name, detail)
            }
            // Without security there is no such path.
            _ => {
                let detail = "security is off in this cluster: everyone may read and write";
                return (CheckStep::skip(name, detail), false);
            }
        };
        (step, true)
    }
}
