//! Whether a cluster takes events: what answers there, who asks, the index template, the data stream.

use std::io;

use super::rights::{self, Needs};
use super::target::{self, Found};
use super::visit::{ClusterPlan, Visit};
use super::{CheckStep, Status, StepName, times};
use crate::cluster::client::Call;
use crate::cluster::inspect::{Identified, Unusable, identify};
use crate::cluster::template::{Installed, question};
use crate::http;
use crate::http::address::{is_loopback, shown};
use crate::schema::template::{TemplateTarget, VERSION};

/// Takes a step.
pub type Reporter<'a> = &'a mut dyn FnMut(CheckStep) -> io::Result<()>;

/// Looks at everything, reporting each step. It ends with a step that failed if the rest needs that one.
///
/// # Errors
/// When a step cannot be reported.
pub fn steps(plan: &ClusterPlan, report: Reporter<'_>) -> io::Result<()> {
    let Some(at) = addresses(plan, report)? else {
        return Ok(());
    };
    let harm = "searches relative to now miss events";
    report(times::clock(StepName::ClusterClock, at.ahead, harm))?;
    let visit = Visit { plan, at };
    let (step, has_security) = visit.login();
    let is_failed = step.status == Status::Fail;
    report(step)?;
    if is_failed {
        return Ok(());
    }
    let named = TemplateTarget::of(&plan.target, plan.dataset);
    let installed = visit
        .ask(&question(&named))
        .map(|answer| Installed::of(&answer));
    report(target::template(&plan.client, &named, installed.as_ref()))?;
    let resolved = visit.ask(&Call::get(format!("_resolve/index/{}", plan.target)));
    let found = resolved.map(|answer| Found::of(&answer));
    report(target::stream(&plan.target, found.as_ref()))?;
    let needs = Needs {
        target: &plan.target,
        exists: found
            .as_ref()
            .is_ok_and(|found| matches!(found, Found::There { .. })),
        has_template: matches!(installed, Ok(Installed::Version(VERSION..))),
    };
    for step in rights::steps(&visit, has_security, &needs) {
        report(step)?;
    }
    report(target::pipelines(&visit, found.ok().as_ref()))
}

/// Whether the addresses answer, a step for each; the first that does.
fn addresses(plan: &ClusterPlan, report: Reporter<'_>) -> io::Result<Option<Identified>> {
    let urls = plan.client.urls();
    let found: Vec<_> = urls
        .iter()
        .map(|url| (url, identify(&plan.client, url)))
        .collect();
    let first = found
        .iter()
        .find_map(|(_, result)| result.as_ref().ok().cloned());
    for (url, result) in found {
        let step = match result {
            Ok(at) if url.scheme() == "http" && !is_loopback(url) => CheckStep::warn(
                StepName::Cluster,
                format!("{} is {}, over plain http", shown(url), at.recognized),
                "use https: credentials and events are sent unencrypted",
            ),
            Ok(at) => {
                let detail = format!("{} is {}", shown(url), at.recognized);
                CheckStep::ok(StepName::Cluster, detail)
            }
            Err(Unusable::Unauthorized {
                url,
                status,
                advice,
            }) => {
                let detail = format!("{url} answers");
                report(CheckStep::ok(StepName::Cluster, detail))?;
                CheckStep::fail(
                    StepName::ClusterLogin,
                    format!("the credentials are refused (status {status})"),
                    advice,
                )
            }
            Err(unusable) => {
                let step = unusable_step(&unusable);
                match first {
                    // Events go to the others.
                    Some(_) => CheckStep {
                        status: Status::Warn,
                        ..step
                    },
                    None => step,
                }
            }
        };
        report(step)?;
    }
    Ok(first)
}

fn unusable_step(unusable: &Unusable) -> CheckStep {
    let name = StepName::Cluster;
    let detail = unusable.to_string();
    let remedy = match unusable {
        Unusable::Silent(http::Error::Tls {
            host,
            problem,
            remedy,
            ..
        }) => {
            let detail = format!("TLS handshake with {host} failed: {problem}");
            return CheckStep::fail(name, detail, remedy);
        }
        Unusable::Silent(_) => {
            "are the address and port right, is the cluster running, and does a firewall block the connection?"
        }
        // It says itself what is wrong with the address.
        Unusable::Another { .. } => return CheckStep::fail_by(name, unusable),
        Unusable::NotReady { .. } => "wait until it is up, or see its log",
        Unusable::Unauthorized { advice, .. } => advice,
    };
    CheckStep::fail(name, detail, remedy)
}
