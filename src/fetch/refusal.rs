//! What an error response means, and what to do about it (docs/guarantees.md, "REST sources").

use super::site::{Api, Deployment, Site};
use crate::auth::error::login;
use crate::auth::oauth::SCOPE;
use crate::http::Answer;
use crate::process::advice;

/// How the request was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// User and API token, or password.
    Basic,
    /// A personal access token.
    Pat,
    /// An access token of OAuth.
    OAuth,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The credentials are not accepted.
    Credentials,
    /// The token lacks a scope.
    Scope,
    /// The user lacks a permission.
    Permission,
    /// There is no audit API at the URL.
    Place,
    /// Any other reason.
    Other,
}

/// A refusal, and its remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{site} {}: {remedy}", refusal(*.status, .quote))]
pub struct Refusal {
    /// Name of the site, as `state list` prints it.
    pub site: String,
    /// The status of the answer.
    pub status: u16,
    /// What the server says.
    pub quote: String,
    /// What it is about.
    pub about: About,
    /// What the user can do about it.
    pub remedy: String,
}

fn refusal(status: u16, quote: &str) -> String {
    match (status, quote) {
        // Kindly, but not what was asked for.
        (200..=299, quote) => format!("returned {quote}"),
        (status, "") => format!("returned status {status}"),
        (status, quote) => format!("returned status {status} ({quote})"),
    }
}

impl Refusal {
    /// Explains an error response that a retry would not change; `client_id` is that of the login, if there is
    /// one.
    #[must_use]
    pub fn of(site: &Site, method: AuthMethod, client_id: &str, answer: &Answer) -> Self {
        let quote = match answer.quote() {
            empty if empty.is_empty() && (200..300).contains(&answer.status) => {
                "a page instead of records".to_owned()
            }
            quote => quote,
        };
        let lower = quote.to_lowercase();
        let is_scope = is_about_scope(answer);
        let (about, remedy) = match answer.status {
            // With any status: pages for people come with 200, or with a redirect.
            _ if answer.wants_captcha => (About::Credentials, captcha(site, method)),
            401 | 403 if method == AuthMethod::Basic && answer.denies_basic_authentication() => (
                About::Credentials,
                basic_authentication(site.deployment).to_owned(),
            ),
            401 | 403 if is_scope => (About::Scope, scope(method, client_id)),
            401 => (About::Credentials, credentials(site.deployment, method, client_id)),
            403 if is_about_addresses(&lower) => (About::Other, ADDRESSES.to_owned()),
            403 if lower.contains("licen") => (About::Permission, LICENCE.to_owned()),
            403 => (About::Permission, permission(site.deployment, method)),
            404 | 410 => (About::Place, place(site, method)),
            300..=399 => (
                About::Place,
                "a redirect without a target; check --url".to_owned(),
            ),
            400 if is_about_paging(&lower) => (About::Other, PAGING.to_owned()),
            400 => (
                About::Other,
                "the server rejected the request as malformed; a proxy in between may have changed it"
                    .to_owned(),
            ),
            407 if answer.doubt().is_empty() => (About::Other, PROXY_LOGIN.to_owned()),
            _ => (
                About::Other,
                "ask the server's administrator, or check its log".to_owned(),
            ),
        };
        Self::doubted(site.name(), answer, quote, (about, remedy))
    }

    /// A refusal, and what it would be about if it is the site's own answer.
    #[must_use]
    pub fn doubted(
        site: String,
        answer: &Answer,
        quote: String,
        (about, remedy): (About, String),
    ) -> Self {
        let doubt = answer.doubt();
        let about = match about {
            // Who answered is not known, so neither is what the site thinks of the credentials.
            About::Permission if !doubt.is_empty() => About::Other,
            about => about,
        };
        Self {
            site,
            status: answer.status,
            quote,
            about,
            remedy: remedy + &doubt,
        }
    }

    /// An HTML page instead of JSON, mostly a login page.
    #[must_use]
    pub fn login_page(site: &Site, status: u16) -> Self {
        Self {
            site: site.name(),
            status,
            quote: "an HTML login page".to_owned(),
            about: About::Credentials,
            remedy: format!(
                "the credentials were not accepted, or a single sign-on or a proxy is in between; {}",
                match site.deployment {
                    Deployment::DataCenter =>
                        "a Data Center with single sign-on requires a personal access token (CONFLUENCE_PAT)",
                    Deployment::CloudSite | Deployment::CloudGateway =>
                        "check --url and the API token",
                }
            ),
        }
    }
}

/// Whether the token is known, but not good for this: another one of the same grant would not be.
#[must_use]
pub fn is_about_scope(answer: &Answer) -> bool {
    answer.quote().to_lowercase().contains("scope")
}

/// Whether it is about the address that the request came from.
fn is_about_addresses(lower: &str) -> bool {
    ["ip address", "allowlist", "allow list", "whitelist"]
        .iter()
        .any(|words| lower.contains(words))
}

/// Whether it is about which page was asked for, or how long a one.
fn is_about_paging(lower: &str) -> bool {
    // As whole words: `startDate` is about the range.
    let mut words = lower.split(|character: char| !character.is_ascii_alphanumeric());
    words.any(|word| matches!(word, "start" | "limit" | "offset"))
}

const ADDRESSES: &str = "the site admits certain IP addresses only: add that of this machine to the allowlist \
    (admin.atlassian.com, Security → IP allowlists; or the server's administrator), or run this where it is admitted";

const PAGING: &str = "the server does not give so much at once, or not so far into a list: try a shorter --window, \
    so that a slice has fewer records, or a smaller --page-size";

const PROXY_LOGIN: &str = "a proxy on the way wants a login, but none is configured here: pass \
    --proxy http://USER@HOST:PORT and --proxy-password-file FILE, or ask who runs the network";

const LICENCE: &str = "the audit API requires a valid Data Center licence: see Administration → \
    License Details in Confluence";

/// More attempts make it no better: Confluence denies the right password, too.
fn captcha(site: &Site, method: AuthMethod) -> String {
    let token = match (site.deployment, method) {
        (Deployment::DataCenter, AuthMethod::Basic) => {
            "; a personal access token (CONFLUENCE_PAT) is not affected by wrong passwords"
        }
        _ => "",
    };
    format!(
        "Confluence wants a CAPTCHA solved after too many failed logins of this user: log in once in a browser at \
         {} as this user, correct the password, and stop everything that still tries the old one{token}",
        site.name()
    )
}

fn basic_authentication(deployment: Deployment) -> &'static str {
    match deployment {
        Deployment::DataCenter => {
            "basic authentication is disabled on this server: use a personal access token (CONFLUENCE_PAT or \
             --pat-file; Profile → Settings → Personal Access Tokens in Confluence)"
        }
        Deployment::CloudSite | Deployment::CloudGateway => {
            "Confluence Cloud does not accept passwords: use an API token, from \
             https://id.atlassian.com/manage-profile/security/api-tokens"
        }
    }
}

fn credentials(deployment: Deployment, method: AuthMethod, client_id: &str) -> String {
    match (deployment, method) {
        (Deployment::CloudSite, AuthMethod::Basic) => {
            "the e-mail address or the API token is wrong, or the token has expired (after a year at \
             most): create a new one at https://id.atlassian.com/manage-profile/security/api-tokens. A token \
             with scopes works only through the gateway: add --cloud-id auto"
                .to_owned()
        }
        (Deployment::CloudGateway, AuthMethod::Basic) => format!(
            "the e-mail address, the API token or the cloud id is wrong, or the token has expired (after \
             a year at most): create a new one with the scope {SCOPE} at \
             https://id.atlassian.com/manage-profile/security/api-tokens. A token without scopes works only \
             with the site's own address: --url without --cloud-id"
        ),
        (Deployment::CloudSite, AuthMethod::OAuth) => {
            "an OAuth token works only through the gateway, not with the site's own address".to_owned()
        }
        (Deployment::CloudGateway, AuthMethod::OAuth) => format!(
            "the login does not cover this site, or was revoked: see `{}`, or log in again with `{}`",
            advice::command(&["auth", "sites"]),
            login(client_id)
        ),
        (Deployment::CloudSite | Deployment::CloudGateway, AuthMethod::Pat) => {
            "Confluence Cloud does not support personal access tokens: use --email and CONFLUENCE_API_TOKEN".to_owned()
        }
        (Deployment::DataCenter, AuthMethod::Pat) => {
            "the personal access token is wrong, has expired or was revoked: create a new one in Confluence, \
             Profile → Settings → Personal Access Tokens"
                .to_owned()
        }
        (Deployment::DataCenter, AuthMethod::Basic | AuthMethod::OAuth) => {
            "user or password is wrong, or basic authentication is disabled: use a personal access token \
             (CONFLUENCE_PAT). If this is Confluence Cloud, add --deployment cloud"
                .to_owned()
        }
    }
}

fn scope(method: AuthMethod, client_id: &str) -> String {
    match method {
        AuthMethod::OAuth => format!(
            "the login lacks the scope {SCOPE}: add it to the app (developer.atlassian.com, Permissions → \
             Confluence API), then log in again with `{}`",
            login(client_id)
        ),
        AuthMethod::Basic | AuthMethod::Pat => format!(
            "the token lacks the scope {SCOPE}: create a new one with it at \
             https://id.atlassian.com/manage-profile/security/api-tokens, \"Create API token with scopes\""
        ),
    }
}

fn permission(deployment: Deployment, method: AuthMethod) -> String {
    match deployment {
        Deployment::CloudSite | Deployment::CloudGateway => {
            let scope = match method {
                AuthMethod::OAuth => "or the login",
                AuthMethod::Basic | AuthMethod::Pat => "or the token",
            };
            format!(
                "the account lacks the permission Confluence Administrator (grant it in Confluence, Settings → \
                 Global permissions), {scope} lacks the scope {SCOPE}, or the site is on the Free plan, which \
                 has no audit log"
            )
        }
        Deployment::DataCenter => {
            "the user lacks the global permission Confluence Administrator (Administration → Global \
             permissions); or the Data Center licence is missing or has expired"
                .to_owned()
        }
    }
}

fn place(site: &Site, method: AuthMethod) -> String {
    match site.deployment {
        Deployment::CloudGateway if method == AuthMethod::OAuth => format!(
            "no audit API at {}: is --cloud-id one of those that `{}` lists, and does the site have \
             Confluence?",
            site.base,
            advice::command(&["auth", "sites"])
        ),
        Deployment::CloudSite => format!(
            "no audit API at {}: --url must be the site's own address, such as https://acme.atlassian.net; \
             is its name right, and does it have Confluence?",
            site.base
        ),
        Deployment::CloudGateway => format!(
            "no audit API at {}: is the cloud id right? https://SITE.atlassian.net/_edge/tenant_info shows it, \
             and --cloud-id auto with --url looks it up",
            site.base
        ),
        Deployment::DataCenter => format!(
            "no audit API at {}: --url must be Confluence's base URL with its context path, such as \
             https://wiki.example.com/confluence (Administration → General configuration shows it). If this \
             is Confluence Cloud, add --deployment cloud",
            site.base
        ),
    }
}

/// The other API that may be there, if the first is not.
#[must_use]
pub fn fallback(api: Api, refusal: &Refusal) -> Option<Api> {
    let is_missing = refusal.status == 404 && refusal.about == About::Place;
    (api == Api::DataCenter && is_missing).then_some(Api::Server)
}
