//! Whether an organization gives its events: one page of one event, and what its answer means.

use std::path::Path;
use std::time::Duration;

use super::records::UNANSWERED;
use super::{CheckStep, StepName, span};
use crate::fetch::asker::Error as AskError;
use crate::fetch::org::asker::{OrgAsker, OrgResponse, OrgTarget, Refused};
use crate::fetch::org::{PageStart, pause, states};
use crate::fetch::refusal::{About, Refusal};
use crate::pipeline::timestamp::Timestamp;
use crate::state;

/// How long an organization's events are kept.
const RETENTION: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// What is asked, and with what.
#[must_use]
pub fn describe(target: &OrgTarget) -> String {
    format!("organization {}, with its API key", target.organization.id)
}

/// The only step while the organization is not to be asked, as it told an earlier run.
#[must_use]
pub fn paused(state_dir: Option<&Path>, id: &str) -> Option<CheckStep> {
    let directory = state::directory(state_dir).ok()?;
    let wait = pause::left(&directory, &states::file_name(id))?;
    let wait = span(wait.as_secs() + 1);
    Some(CheckStep::warn(
        StepName::Api,
        format!("not asked: the organization told an earlier run to wait; {wait} left"),
        "run check again after that",
    ))
}

/// Asks for the newest event; how far our clock is ahead of the server's, and the steps that it tells of.
/// `since` is where a first run would begin.
#[must_use]
pub fn steps(asker: &OrgAsker, now: Timestamp, since: Timestamp) -> (Option<i64>, Vec<CheckStep>) {
    let from = now.minus(RETENTION);
    match asker.page(&PageStart::Newest { from, to: None }, 1, &|_| {}) {
        Ok(response) => (response.ahead, answered(&response, now, since)),
        Err(Refused::Cursor(refusal) | Refused::Other(AskError::Refused(refusal))) => {
            (None, refused(&refusal))
        }
        Err(Refused::Other(AskError::Unanswered { problem, .. })) => (
            None,
            vec![CheckStep::fail(StepName::Api, problem, UNANSWERED)],
        ),
        Err(Refused::Other(error @ AskError::Auth(_))) => {
            (None, vec![CheckStep::fail_by(StepName::Api, &error)])
        }
    }
}

fn answered(response: &OrgResponse, now: Timestamp, since: Timestamp) -> Vec<CheckStep> {
    let newest = match response.page.latest() {
        Some(at) => {
            let age = u64::try_from(now.millis() - at.millis()).unwrap_or_default() / 1000;
            let detail = format!("{at}, {} ago", span(age));
            CheckStep::ok(StepName::NewestRecord, detail)
        }
        None => CheckStep::warn(
            StepName::NewestRecord,
            "no events in the past 180 days",
            "is this the organization in use, and does its plan have an audit log (Atlassian Guard Standard or \
             more)?",
        ),
    };
    let retention = if since < now.minus(RETENTION) {
        CheckStep::warn(
            StepName::Retention,
            format!("events are kept for 180 days, but --since is {since}"),
            "what is older cannot be fetched",
        )
    } else {
        CheckStep::ok(StepName::Retention, "180 days, as Atlassian documents it")
    };
    vec![
        CheckStep::ok(StepName::Api, "events-stream of the organization"),
        CheckStep::ok(StepName::Credentials, "accepted: the organization API key"),
        CheckStep::ok(StepName::Scope, "the key may read events"),
        CheckStep::ok(StepName::Permission, "events can be read"),
        newest,
        retention,
    ]
}

/// The step that a refusal is about fails, and is the last.
fn refused(refusal: &Refusal) -> Vec<CheckStep> {
    let api = CheckStep::ok(StepName::Api, format!("returned status {}", refusal.status));
    let key = CheckStep::ok(StepName::Credentials, "accepted: the organization API key");
    let (mut steps, name) = match refusal.about {
        About::Place | About::Other => (vec![], StepName::Api),
        About::Credentials => (vec![api], StepName::Credentials),
        About::Scope => (vec![api, key], StepName::Scope),
        About::Permission => {
            let scope = CheckStep::skip(StepName::Scope, "unknown: the request was rejected");
            (vec![api, key, scope], StepName::Permission)
        }
    };
    let detail = match refusal.quote.as_str() {
        "" => format!("returned status {}", refusal.status),
        quote => format!("returned status {} ({quote})", refusal.status),
    };
    steps.push(CheckStep::fail(name, detail, &refusal.remedy));
    steps
}
