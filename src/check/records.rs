//! Whether there are records to be had: one page of one record, and what its answer means.
//!
//! Credentials can be accepted by a site that then answers 200 with no records at all, which looks
//! healthy. A probe over the whole time that a site keeps tells the difference.

use std::time::Duration;

use super::{CheckStep, StepName};
use crate::auth::error::login;
use crate::auth::oauth::SCOPE;
use crate::fetch::asker::{Asker, Error};
use crate::fetch::page::Page;
use crate::fetch::refusal::{About, Refusal};
use crate::fetch::site::{Api, Ask, Deployment, PageStart};
use crate::fetch::window::Window;
use crate::pipeline::timestamp::Timestamp;

/// Cloud keeps records for a year; a log with an administrator who looks at it is never empty for so
/// long, as logins and permissions are in it.
const PROBED: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Both clocks may be wrong by as much before a record is missed.
const MARGIN: Duration = Duration::from_secs(60 * 60);

/// What came when the newest record was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The API that is there.
    pub api: Api,
    /// The newest record of the past year.
    pub newest: Newest,
    /// How far our clock is ahead of the server's, in seconds.
    pub ahead: Option<i64>,
}

/// Time of the newest record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newest {
    /// There is no record.
    None,
    /// It does not say when it happened.
    Timeless,
    /// The record has this time.
    At(Timestamp),
}

/// Asks for the newest record of a year, whatever `--search` says. One request, since a Data Center
/// records each; two if the API is an old Server's.
///
/// # Errors
/// When the site refuses, or gives no usable answer.
pub fn probe(asker: &Asker, now: Timestamp, ahead: Option<i64>) -> Result<Probe, Error> {
    let window = window(now, server_time(now, ahead));
    let ask = Ask {
        limit: 1,
        from: PageStart::Offset(0),
    };
    let page = |api| asker.page(api, window, &ask, &|| {});
    let api = asker.site.api();
    let (api, asked) = match page(api) {
        Ok(asked) => (api, asked),
        Err(refused) => match Asker::fallback(api, &refused) {
            // If neither is there, what the first one said stands.
            Some(other) => (other, page(other).map_err(|_| refused)?),
            None => return Err(refused),
        },
    };
    Ok(Probe {
        api,
        newest: newest(&asked.page),
        ahead: asked.ahead,
    })
}

/// What the server's clock says.
#[must_use]
pub fn server_time(now: Timestamp, ahead: Option<i64>) -> Timestamp {
    let ahead = ahead.unwrap_or_default();
    let difference = Duration::from_secs(ahead.unsigned_abs());
    if ahead > 0 {
        now.minus(difference)
    } else {
        now.plus(difference)
    }
}

/// A year by either clock: one of them may be wrong.
fn window(ours: Timestamp, theirs: Timestamp) -> Window {
    Window {
        from: ours.min(theirs).minus(PROBED),
        to: ours.max(theirs).plus(MARGIN),
    }
}

fn newest(page: &Page) -> Newest {
    if page.entries.is_empty() {
        return Newest::None;
    }
    let times = page.entries.iter().filter_map(|entry| entry.time);
    times.max().map_or(Newest::Timeless, Newest::At)
}

/// Who asks, and where: what remedies depend on.
#[derive(Debug, Clone)]
pub struct SiteContext {
    /// Kind of deployment.
    pub deployment: Deployment,
    /// Who asks, for people: `admin@example.com with an API token`.
    pub who: String,
    /// The scopes of an OAuth grant.
    pub scopes: Option<Vec<String>>,
    /// The client id of its app.
    pub client_id: String,
}

/// What to do where a server gives no usable answer.
pub const UNANSWERED: &str = "check the server and anything in between (a proxy, a load balancer), or try again later; \
    -v shows more";

/// What the probe means: the API, the credentials, the scope, the permission, as far as they are
/// known; the one that failed is the last.
#[must_use]
pub fn verdict(case: &SiteContext, probed: &Result<Probe, Error>) -> Vec<CheckStep> {
    let error = match probed {
        Ok(probe) => {
            let scope = scope(case, true);
            return vec![
                api(probe.api),
                accepted(case),
                scope,
                permission(case, probe),
            ];
        }
        Err(error) => error,
    };
    let refusal = match error {
        Error::Refused(refusal) => refusal,
        Error::Auth(error) => {
            let api = CheckStep::skip(StepName::Api, "no access token, so no request was made");
            return vec![api, CheckStep::fail_by(StepName::Credentials, error)];
        }
        Error::Unanswered { problem, .. } => {
            return vec![CheckStep::fail(StepName::Api, problem, UNANSWERED)];
        }
    };
    let there = CheckStep::ok(StepName::Api, format!("returned status {}", refusal.status));
    match refusal.about {
        About::Place | About::Other => vec![refused(StepName::Api, refusal)],
        About::Credentials => vec![
            CheckStep::skip(StepName::Api, "unknown until the credentials are accepted"),
            refused(StepName::Credentials, refusal),
        ],
        About::Scope => vec![there, accepted(case), refused(StepName::Scope, refusal)],
        About::Permission => {
            let permission = refused(StepName::Permission, refusal);
            vec![there, accepted(case), scope(case, false), permission]
        }
    }
}

fn refused(name: StepName, refusal: &Refusal) -> CheckStep {
    let detail = match refusal.quote.as_str() {
        "" => format!("returned status {}", refusal.status),
        quote => format!("returned status {} ({quote})", refusal.status),
    };
    CheckStep::fail(name, detail, &refusal.remedy)
}

fn accepted(case: &SiteContext) -> CheckStep {
    CheckStep::ok(StepName::Credentials, format!("accepted: {}", case.who))
}

fn api(api: Api) -> CheckStep {
    let detail = match api {
        Api::Cloud => "rest/api/audit of Confluence Cloud",
        Api::DataCenter => "rest/auditing/1.0/events of a Data Center",
        Api::Server => "rest/api/audit of an old Server, without rest/auditing/1.0/events",
    };
    CheckStep::ok(StepName::Api, detail)
}

fn scope(case: &SiteContext, is_answered: bool) -> CheckStep {
    let name = StepName::Scope;
    match (&case.scopes, case.deployment) {
        (Some(scopes), _) if is_answered || scopes.iter().any(|scope| scope == SCOPE) => {
            CheckStep::ok(name, format!("granted: {}", scopes.join(" ")))
        }
        (Some(scopes), _) => CheckStep::fail(
            name,
            format!("{SCOPE} is not granted, only: {}", scopes.join(" ")),
            format!(
                "add the scope {SCOPE} to the app (developer.atlassian.com, Permissions), then log in again \
                 with `{}`",
                login(&case.client_id)
            ),
        ),
        (None, Deployment::CloudGateway) if is_answered => {
            CheckStep::ok(name, format!("the token has {SCOPE}"))
        }
        (None, Deployment::CloudGateway) => {
            CheckStep::skip(name, "unknown: the site rejected the request first")
        }
        (None, Deployment::CloudSite) => CheckStep::skip(
            name,
            "a token without scopes has all permissions of its user",
        ),
        (None, Deployment::DataCenter) => CheckStep::skip(name, "a Data Center has no scopes"),
    }
}

fn permission(case: &SiteContext, probe: &Probe) -> CheckStep {
    let name = StepName::Permission;
    if probe.newest == Newest::None {
        let detail = format!(
            "accepted, but no data: {} sees no records from the past year, so probably lacks the permission: \
             an audit log is never empty for that long, as it contains logins and permission changes",
            case.who
        );
        return CheckStep::fail(name, detail, missing(case.deployment));
    }
    match probe.api {
        Api::Cloud | Api::Server => CheckStep::ok(name, "records can be read"),
        Api::DataCenter => CheckStep::ok(
            name,
            "records can be read (this Data Center may have recorded the request itself)",
        ),
    }
}

/// The permission that is missing where nothing is refused, but nothing comes.
fn missing(deployment: Deployment) -> String {
    let cloud = "make the user a Confluence administrator: at admin.atlassian.com, grant the roles App admin and \
                 User access admin for Confluence, or add the user to the site's group confluence-admins-SITE, \
                 and check that the user is active there; in Confluence, Settings → Global permissions must show \
                 the permission Confluence Administrator";
    match deployment {
        Deployment::CloudSite => cloud.to_owned(),
        Deployment::CloudGateway => format!("{cloud}; and the token needs the scope {SCOPE}"),
        Deployment::DataCenter => {
            "grant the user the global permission System Administrator or Confluence Administrator \
             (Administration → Global permissions; the group confluence-administrators has it); if the user \
             has it, check that auditing is on (Administration → Audit log → Settings → Coverage)"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_text(text).unwrap()
    }

    fn case(deployment: Deployment, scopes: Option<&[&str]>) -> SiteContext {
        SiteContext {
            deployment,
            who: "somebody".to_owned(),
            scopes: scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect()),
            client_id: "ID".to_owned(),
        }
    }

    fn statuses(case: &SiteContext, probed: &Result<Probe, Error>) -> Vec<(StepName, Status)> {
        let steps = verdict(case, probed);
        steps.iter().map(|step| (step.name, step.status)).collect()
    }

    fn refusal(about: About) -> Result<Probe, Error> {
        Err(Error::Refused(Box::new(Refusal {
            site: "s".to_owned(),
            status: 403,
            quote: String::new(),
            about,
            remedy: "r".to_owned(),
        })))
    }

    #[test]
    fn a_refusal_fails_the_step_that_it_is_about() {
        let case = case(Deployment::CloudGateway, None);
        for (about, name) in [
            (About::Place, StepName::Api),
            (About::Other, StepName::Api),
            (About::Credentials, StepName::Credentials),
            (About::Scope, StepName::Scope),
            (About::Permission, StepName::Permission),
        ] {
            let statuses = statuses(&case, &refusal(about));
            assert_eq!(statuses.last(), Some(&(name, Status::Fail)), "{about:?}");
            let failed = statuses.iter().filter(|step| step.1 == Status::Fail);
            assert_eq!(failed.count(), 1);
        }
    }

    #[test]
    fn a_scope_that_was_not_granted_explains_a_refusal() {
        let lacking = case(Deployment::CloudGateway, Some(&["read:me"]));
        let steps = statuses(&lacking, &refusal(About::Permission));
        assert!(steps.contains(&(StepName::Scope, Status::Fail)));
        let granted = case(Deployment::CloudGateway, Some(&[SCOPE]));
        let steps = statuses(&granted, &refusal(About::Permission));
        assert!(steps.contains(&(StepName::Scope, Status::Ok)));
    }

    #[test]
    fn nothing_at_all_is_not_healthy() {
        let probe = |newest| {
            Ok(Probe {
                api: Api::Cloud,
                newest,
                ahead: None,
            })
        };
        let case = case(Deployment::CloudSite, None);
        let last = |newest| statuses(&case, &probe(newest)).pop().unwrap();
        assert_eq!(last(Newest::None), (StepName::Permission, Status::Fail));
        assert_eq!(last(Newest::Timeless), (StepName::Permission, Status::Ok));
    }

    #[test]
    fn the_probe_covers_a_year_by_either_clock() {
        let ours = at("2020-01-01T00:00:00Z");
        let theirs = server_time(ours, Some(-6 * 365 * 86_400));
        let window = window(ours, theirs);
        assert!(window.contains(theirs) && window.contains(ours));
        assert!(window.contains(ours.minus(Duration::from_secs(365 * 86_400))));
        assert_eq!(server_time(ours, Some(60)), at("2019-12-31T23:59:00Z"));
    }
}
