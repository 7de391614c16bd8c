//! What a refusal of the organization's API means, and what to do about it (docs/organization.md, "Refusals").

use serde::Deserialize;

use crate::fetch::refusal::{About, Refusal};
use crate::http::Answer;

/// The longest part of an answer that is quoted.
const QUOTED: usize = 300;

#[derive(Default, Deserialize)]
struct Envelope {
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

/// The refusal of an organization, which asking again would not change.
#[must_use]
pub fn of(organization: &str, answer: &Answer) -> Refusal {
    let problem = problem(answer);
    let quote = match &problem {
        Some(Problem {
            code,
            title,
            detail,
        }) => {
            let parts = [code, title, detail].into_iter().map(String::as_str);
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            answer.shown(&parts.join(": "), QUOTED)
        }
        None => answer.quote(),
    };
    let code = problem.map(|problem| problem.code).unwrap_or_default();
    let remedy = remedy(organization, answer.status, &code, &quote.to_lowercase());
    let site = format!("organization {organization}");
    Refusal::doubted(site, answer, quote, remedy)
}

/// The refusal of a cursor, if that is what a request with it was refused for: whatever the status and its words, as
/// nothing else is in the request but the key. If the organization is gone, the request by time is refused, too.
#[must_use]
pub fn of_cursor(organization: &str, answer: &Answer) -> Option<Refusal> {
    match answer.status {
        // About the key, or a proxy's password, or the rate.
        401 | 403 | 407 | 408 | 429 => None,
        400..=499 => Some(Refusal {
            about: About::Other,
            remedy: "the API does not take the cursor that it gave".to_owned() + &answer.doubt(),
            ..of(organization, answer)
        }),
        _ => None,
    }
}

/// What the API says of a time that it does not take.
const TIME: &str = "ADMIN-400-3";

fn problem(answer: &Answer) -> Option<Problem> {
    let envelope: Envelope = serde_json::from_slice(&answer.body).ok()?;
    envelope.errors.into_iter().next()
}

fn remedy(organization: &str, status: u16, code: &str, quote: &str) -> (About, String) {
    match status {
        400 if code == TIME => (
            About::Other,
            "the API does not take that start: choose a later --since, as it keeps events for 180 days".to_owned(),
        ),
        400 => (
            About::Other,
            "the API does not take the request; a proxy in between may have changed it".to_owned(),
        ),
        401 => (
            About::Credentials,
            "the key is unknown, was revoked or has expired (after a year at most), or is no organization API key: \
             make a new one at https://admin.atlassian.com, Settings → API keys; a user's API token or \
             an OAuth login is not taken here"
                .to_owned(),
        ),
        403 if quote.contains("entitlement") => (
            About::Permission,
            "the organization's plan has no audit log: it takes Atlassian Guard Standard or more".to_owned(),
        ),
        403 if quote.contains("scope") => (About::Scope, SCOPE.to_owned()),
        403 => (
            About::Permission,
            format!(
                "{SCOPE}; is {organization} the organization that the key was made in, and is who made it still an \
                 organization admin?"
            ),
        ),
        404 | 410 => (
            About::Place,
            format!(
                "there is no organization {organization}: the id is in the address of its administration, \
                 https://admin.atlassian.com/o/ID/"
            ),
        ),
        _ => (
            About::Other,
            "see https://status.atlassian.com, and any proxy in between".to_owned(),
        ),
    }
}

const SCOPE: &str = "a key with scopes needs read:events:admin: make a new one with it at \
    https://admin.atlassian.com, Settings → API keys";
