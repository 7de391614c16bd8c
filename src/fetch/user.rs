//! Under which names we ask a Data Center.

use serde::Deserialize;

use super::asker::Asker;
use super::site::Deployment;
use crate::auth::authorization::Authorization;
use crate::http::Answer;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Current {
    username: Option<String>,
    user_key: Option<String>,
}

/// The names of who asks: the site tells them, else they are those of the credentials. None for a
/// personal access token of a site that does not tell.
#[must_use]
pub fn names(asker: &Asker) -> Vec<String> {
    if asker.site.deployment != Deployment::DataCenter {
        return Vec::new();
    }
    let read = |answer: Answer| {
        let current: Result<Current, _> = serde_json::from_slice(&answer.body);
        current.map_err(|_| "the response names no user".to_owned())
    };
    let answer = asker.ask(asker.site.path("rest/api/user/current"), &|| {}, read);
    let answer = match answer {
        Ok(current) => [current.username, current.user_key],
        Err(error) => {
            tracing::debug!("cannot determine the current user: {error}");
            [None, None]
        }
    };
    let mut names: Vec<String> = answer.into_iter().flatten().collect();
    if let Authorization::Basic { user, .. } = &*asker.authorization {
        names.push(user.clone());
    }
    names
}
