//! The rights that sending events needs, each by its name.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::visit::Visit;
use super::{CheckStep, StepName};
use crate::cluster::client::Call;
use crate::schema::template::Product;

/// What decides how much a right matters.
#[derive(Debug)]
pub struct Needs<'a> {
    /// Data stream, alias or index.
    pub target: &'a str,
    /// It is there already.
    pub exists: bool,
    /// So is the index template, in our version or a newer one.
    pub has_template: bool,
}

/// The rights on the target, in this order.
const ON_TARGET: [&str; 4] = [
    "create_doc",
    "auto_configure",
    "view_index_metadata",
    "read",
];
/// The right in the cluster.
const IN_CLUSTER: &str = "manage_index_templates";

/// Answer to `POST _security/user/_has_privileges`.
#[derive(Deserialize)]
struct Privileges {
    #[serde(default)]
    cluster: BTreeMap<String, bool>,
    #[serde(default)]
    index: BTreeMap<String, BTreeMap<String, bool>>,
}

/// A step for each right; one if nothing can be known.
#[must_use]
pub fn steps(visit: &Visit<'_>, has_security: bool, needs: &Needs<'_>) -> Vec<CheckStep> {
    let name = StepName::ClusterRight;
    if !has_security {
        return vec![CheckStep::skip(name, "security is off in this cluster")];
    }
    match visit.product() {
        Product::Elasticsearch => match asked(visit, needs.target) {
            Ok(privileges) => of_elasticsearch(&privileges, needs),
            Err(problem) => vec![CheckStep::skip(name, format!("not visible: {problem}"))],
        },
        Product::OpenSearch => vec![of_opensearch(visit, needs)],
    }
}

fn asked(visit: &Visit<'_>, target: &str) -> Result<Privileges, String> {
    let question = json!({
        "cluster": [IN_CLUSTER],
        "index": [{"names": [target], "privileges": ON_TARGET}],
    });
    let call = Call::post(
        "_security/user/_has_privileges",
        question.to_string().into_bytes(),
    );
    let answer = visit.ask(&call)?;
    let read = serde_json::from_slice(&answer.body).ok();
    let read = read.filter(|_| answer.status == 200);
    read.ok_or_else(|| format!("status {}", answer.status))
}

fn of_elasticsearch(privileges: &Privileges, needs: &Needs<'_>) -> Vec<CheckStep> {
    let has = |right: &str| {
        let on_target = privileges.index.get(needs.target);
        on_target.and_then(|rights| rights.get(right)) == Some(&true)
    };
    let mut steps: Vec<_> = ON_TARGET
        .iter()
        .map(|right| on_target(right, has(right), needs))
        .collect();
    let installs = privileges.cluster.get(IN_CLUSTER) == Some(&true);
    steps.push(in_cluster(installs, needs));
    steps
}

fn on_target(right: &str, is_granted: bool, needs: &Needs<'_>) -> CheckStep {
    let name = StepName::ClusterRight;
    let target = needs.target;
    if is_granted {
        return CheckStep::ok(name, format!("{right} on {target}"));
    }
    let lacks = |harm: &str| format!("{right} on {target} is not granted: {harm}");
    let remedy = format!(
        "grant the index privilege {right} on {target} to the role of this user or API key"
    );
    match right {
        "create_doc" => CheckStep::fail(name, lacks("no event is stored"), remedy),
        "auto_configure" if needs.exists => {
            CheckStep::warn(name, lacks("events with new fields are refused"), remedy)
        }
        "auto_configure" => {
            CheckStep::fail(name, lacks("the data stream cannot be created"), remedy)
        }
        _ => CheckStep::warn(
            name,
            lacks(
                "if the data stream rolls over while an answer is lost, events may be stored twice",
            ),
            remedy,
        ),
    }
}

/// Only needed once, by whoever installs.
fn in_cluster(is_granted: bool, needs: &Needs<'_>) -> CheckStep {
    let name = StepName::ClusterRight;
    match (is_granted, needs.has_template) {
        (true, _) => CheckStep::ok(name, format!("{IN_CLUSTER} in the cluster")),
        (false, true) => CheckStep::skip(
            name,
            format!("{IN_CLUSTER} is not granted, nor needed: the template is installed"),
        ),
        (false, false) => CheckStep::warn(
            name,
            format!("{IN_CLUSTER} is not granted: the index template cannot be seen or installed"),
            "install it as another user, or grant the cluster privilege; sending events does not need it",
        ),
    }
}

/// OpenSearch answers no such question: what can be read shows some of it.
fn of_opensearch(visit: &Visit<'_>, needs: &Needs<'_>) -> CheckStep {
    let name = StepName::ClusterRight;
    let target = needs.target;
    let call = Call::get(format!("_resolve/index/{target}"));
    match visit.ask(&call).map(|answer| answer.status) {
        Ok(401 | 403) => CheckStep::warn(
            name,
            format!(
                "{target} cannot be looked up: if it rolls over while an answer is lost, events may be stored twice"
            ),
            "grant the action group read on it, and cluster_composite_ops in the cluster",
        ),
        Ok(_) => CheckStep::skip(
            name,
            format!(
                "{target} can be looked up; OpenSearch does not report whether events may be written (it takes \
                 the action groups index and create_index)"
            ),
        ),
        Err(problem) => CheckStep::skip(name, problem),
    }
}
