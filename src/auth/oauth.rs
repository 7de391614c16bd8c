//! OAuth 2.0 (3LO) as Atlassian speaks it: the URL to send a browser to, and the requests for tokens
//! (docs/sources.md, "OAuth 2.0 (3LO)"; RFC 6749 §4.1, §6).

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::Error;
use super::authorization::bearer;
use super::servers::Servers;
use super::store::{AccessibleSite, after};
use crate::http::address::below;
use crate::http::retry::Failure;
use crate::http::{Answer, Client, Request};
use crate::pipeline::timestamp::Timestamp;
use crate::secret::Secret;

/// The scope that reading the audit log takes.
pub const SCOPE: &str = "read:audit-log:confluence";
/// How long an access token lasts if the server does not say.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// The longest lifetime that is believed.
const LONGEST_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How often a code is shown to a server that turns us away unseen.
const CODE_ATTEMPTS: u32 = 4;
/// The longest wait between those.
const LONGEST_CODE_WAIT: Duration = Duration::from_secs(30);

/// An OAuth app that asks for tokens.
#[derive(Debug)]
pub struct App<'a> {
    /// HTTP client for the requests.
    pub client: &'a Client,
    /// Base URLs of the requests.
    pub servers: &'a Servers,
    /// Client id of the OAuth app.
    pub client_id: &'a str,
    /// Client secret of the OAuth app.
    pub client_secret: &'a Secret,
}

/// What the OAuth server issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Bearer token for API requests.
    pub access_token: Secret,
    /// When it ends, counted from before it was asked for.
    pub access_ends: Timestamp,
    /// When it was asked for.
    pub issued_at: Timestamp,
    /// For the next one; none: the one before goes on.
    pub refresh_token: Option<Secret>,
    /// What it is for; empty if the server does not say.
    pub scopes: Vec<String>,
}

/// Where a browser is sent to log in; `state` is what it must bring back.
#[must_use]
pub fn authorization_url(
    servers: &Servers,
    client_id: &str,
    redirect_uri: &str,
    state: &str,
) -> Url {
    let mut url = below(&servers.auth, "authorize");
    url.query_pairs_mut()
        .append_pair("audience", "api.atlassian.com")
        .append_pair("client_id", client_id)
        .append_pair("scope", &format!("{SCOPE} offline_access"))
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", state)
        .append_pair("response_type", "code")
        .append_pair("prompt", "consent");
    // As Atlassian's documentation writes spaces; a plus sign of ours is %2B already.
    let query = url.query().unwrap_or_default().replace('+', "%20");
    url.set_query(Some(&query));
    url
}

/// An unguessable value of 256 random bits.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new_state() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl App<'_> {
    /// Tokens for the code that the browser brought back. It works once: a request whose answer got
    /// lost is not made again, only one that the server turned away unseen (429, 503).
    ///
    /// # Errors
    /// When the code or the app is refused, or there is no usable answer.
    pub fn exchange(&self, code: &Secret, redirect_uri: &str) -> Result<Tokens, Error> {
        let body = json!({
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "client_secret": self.client_secret.expose(),
            "code": code.expose(),
            "redirect_uri": redirect_uri,
        });
        let request = self.request(&body);
        let issued_at = Timestamp::now();
        let mut attempts = 1;
        let answer = loop {
            let answer = self.client.send(&request).map_err(Error::CodeUnanswered)?;
            if !matches!(answer.status, 429 | 503) || attempts == CODE_ATTEMPTS {
                break answer;
            }
            let wait = answer.retry_after.unwrap_or(Duration::from_secs(1));
            tracing::warn!("the OAuth server is busy ({}); retrying", answer.status);
            thread::sleep(wait.min(LONGEST_CODE_WAIT));
            attempts += 1;
        };
        if !(200..300).contains(&answer.status) {
            return Err(match refusal(&answer) {
                Some(TokenRefusal::InvalidGrant(said)) => Error::CodeRefused { said },
                Some(TokenRefusal::App(said)) => self.refused(said),
                Some(TokenRefusal::GrantType(said)) => self.not_allowed(said),
                None => refused(&answer),
            });
        }
        tokens(&answer, issued_at).map_err(Error::CodeUseless)
    }

    /// New tokens for a refresh token, which is dead from then on.
    ///
    /// # Errors
    /// [`Error::Ended`] when it was dead already, [`Error::Outage`] when there is no usable answer.
    pub fn refresh(&self, refresh_token: &Secret) -> Result<Tokens, Error> {
        let body = json!({
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret.expose(),
            "refresh_token": refresh_token.expose(),
        });
        let issued_at = Timestamp::now();
        let repeated = || self.client.repeated.load(Ordering::Relaxed);
        let before = repeated();
        let accept = |answer: Answer| tokens(&answer, issued_at);
        match self.client.ask(&self.request(&body), accept) {
            Ok(tokens) => Ok(tokens),
            Err(outage @ Failure::Unanswered { .. }) => Err(Error::Outage(outage)),
            Err(Failure::Refused(answer)) => Err(match refusal(&answer) {
                Some(TokenRefusal::InvalidGrant(said)) => Error::Ended {
                    client_id: self.client_id.to_owned(),
                    said,
                    is_repeated: repeated() != before,
                },
                Some(TokenRefusal::App(said)) => self.refused(said),
                Some(TokenRefusal::GrantType(said)) => self.not_allowed(said),
                None => refused(&answer),
            }),
        }
    }

    fn request(&self, body: &Value) -> Request {
        Request {
            url: below(&self.servers.auth, "oauth/token"),
            authorization: None,
            post: Some(Secret::new(body.to_string())),
            upload: None,
            timeout: None,
        }
    }

    fn refused(&self, said: String) -> Error {
        Error::ClientRefused {
            client_id: self.client_id.to_owned(),
            said,
        }
    }

    fn not_allowed(&self, said: String) -> Error {
        Error::GrantTypeRefused {
            client_id: self.client_id.to_owned(),
            said,
        }
    }
}

/// What the OAuth server refuses (RFC 6749 §5.2).
#[derive(Debug, PartialEq, Eq)]
enum TokenRefusal {
    /// The code or the refresh token.
    InvalidGrant(String),
    /// The app, by its id or secret.
    App(String),
    /// The app, by what it is configured for.
    GrantType(String),
}

/// Servers differ in the error codes of one and the same refusal: what the description says comes first.
fn refusal(answer: &Answer) -> Option<TokenRefusal> {
    if !matches!(answer.status, 400 | 401 | 403) {
        return None;
    }
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let error = body
        .get("error")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let said = answer.quote();
    let description = said.to_lowercase().replace(['_', '-'], " ");
    if description.contains("grant type") || error == "unsupported_grant_type" {
        return Some(TokenRefusal::GrantType(said));
    }
    let names_grant = names_grant(&description);
    match error {
        "invalid_grant" => Some(TokenRefusal::InvalidGrant(said)),
        // Atlassian says `unauthorized_client` of a refresh token that has ended, too.
        "unauthorized_client" | "access_denied" if names_grant => {
            Some(TokenRefusal::InvalidGrant(said))
        }
        _ if names_grant && says_invalid(&description) => Some(TokenRefusal::InvalidGrant(said)),
        // Atlassian answers `access_denied` to a wrong secret.
        "invalid_client" | "unauthorized_client" | "access_denied" => Some(TokenRefusal::App(said)),
        _ => None,
    }
}

/// Whether a description names the token or the code, and not the app.
fn names_grant(description: &str) -> bool {
    description.contains("refresh token") || description.contains("authorization code")
}

/// Whether a description says that something is no longer valid, and not that it is missing.
fn says_invalid(description: &str) -> bool {
    let mut words = description.split(|character: char| !character.is_alphanumeric());
    let is_negated = [
        "not found",
        "not valid",
        "not recognized",
        "not exist",
        "no longer",
    ];
    let is_dead = [
        "expired",
        "expires",
        "invalid",
        "unknown",
        "revoked",
        "inactive",
        "used",
        "reused",
        "reuse",
        "rejected",
        "malformed",
        "disabled",
        "consumed",
    ];
    is_negated.iter().any(|phrase| description.contains(phrase))
        || words.any(|word| is_dead.contains(&word))
}

fn refused(answer: &Answer) -> Error {
    Error::Refused {
        url: crate::http::without_query(&answer.url),
        status: answer.status,
        said: answer.quote(),
    }
}

/// The tokens in an answer; else what is wrong with it, without a word of it: it may hold a token.
fn tokens(answer: &Answer, issued_at: Timestamp) -> Result<Tokens, String> {
    #[derive(Deserialize)]
    struct Issued {
        access_token: Option<String>,
        expires_in: Option<Value>,
        refresh_token: Option<String>,
        scope: Option<String>,
    }
    let issued: Issued = serde_json::from_slice(&answer.body)
        .map_err(|_| "the response is not the expected JSON of an OAuth server".to_owned())?;
    let access_token = issued.access_token.and_then(token);
    let lifetime = issued.expires_in.as_ref().and_then(seconds);
    Ok(Tokens {
        access_token: access_token.ok_or("the response has no access token")?,
        access_ends: after(issued_at, lifetime.unwrap_or(LIFETIME)),
        issued_at,
        refresh_token: issued.refresh_token.and_then(token),
        scopes: issued
            .scope
            .iter()
            .flat_map(|scopes| scopes.split_whitespace())
            .map(str::to_owned)
            .collect(),
    })
}

/// A token that a header can hold.
fn token(text: String) -> Option<Secret> {
    let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| Secret::new(text))
}

/// A lifetime: a number, or one in a string.
fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::String(text) => text.parse().ok()?,
        other => other.as_f64()?,
    };
    let lifetime = Duration::try_from_secs_f64(number).ok()?;
    Some(lifetime.min(LONGEST_LIFETIME))
}

/// Who a token is for: the subject that it tells if it is a JWT (RFC 7519 §4.1.2). For display only:
/// nobody has verified it.
#[must_use]
pub fn account(access_token: &Secret) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let mut parts = access_token.expose().split('.');
    let (_, payload) = (parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    let is_name = !claims.sub.is_empty() && !claims.sub.contains(char::is_control);
    is_name.then_some(claims.sub)
}

/// Asks which sites an access token is for.
///
/// # Errors
/// When there is no usable answer, [`Failure::Refused`] with 401 when the token is not accepted.
pub fn sites(
    client: &Client,
    servers: &Servers,
    access_token: &Secret,
) -> Result<Vec<AccessibleSite>, Failure> {
    let url = below(&servers.api, "oauth/token/accessible-resources");
    let request = Request::get(url).authorized(bearer(access_token));
    client.ask(&request, |answer| {
        let sites: Vec<AccessibleSite> = serde_json::from_slice(&answer.body)
            .map_err(|_| "the response is not a list of sites".to_owned())?;
        Ok(merged(sites))
    })
}

/// A site is listed once for each product on it.
fn merged(sites: Vec<AccessibleSite>) -> Vec<AccessibleSite> {
    let mut merged: Vec<AccessibleSite> = Vec::new();
    for mut site in sites {
        site.name.retain(|character| !character.is_control());
        site.url.retain(|character| !character.is_control());
        site.id.retain(|character| !character.is_control());
        match merged.iter_mut().find(|other| other.id == site.id) {
            Some(other) => {
                for scope in site.scopes {
                    if !other.scopes.contains(&scope) {
                        other.scopes.push(scope);
                    }
                }
            }
            None => merged.push(site),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(id: &str, scopes: &[&str]) -> AccessibleSite {
        AccessibleSite {
            id: id.to_owned(),
            url: String::new(),
            name: "a\u{1b}[31mb".to_owned(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        }
    }

    #[test]
    fn the_authorization_url_asks_for_what_is_needed() {
        let base = |text| Url::parse(text).unwrap();
        let servers = Servers {
            auth: base("https://auth.atlassian.com"),
            api: base("https://api.atlassian.com"),
        };
        let url = authorization_url(&servers, "a&b", "http://127.0.0.1:8917/callback", "s");
        assert_eq!(
            url.as_str(),
            "https://auth.atlassian.com/authorize?audience=api.atlassian.com&client_id=a%26b\
             &scope=read%3Aaudit-log%3Aconfluence%20offline_access\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A8917%2Fcallback&state=s&response_type=code\
             &prompt=consent"
        );
    }

    #[test]
    fn states_are_long_and_never_the_same() {
        let (one, two) = (new_state().unwrap(), new_state().unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(one, two);
    }

    #[test]
    fn the_account_is_the_subject_of_a_jwt() {
        let jwt = |payload: &str| {
            Secret::new(format!("e30.{}.signature", URL_SAFE_NO_PAD.encode(payload)))
        };
        let sub = |token: &Secret| account(token);
        let expected = Some("557058:ab".to_owned());
        assert_eq!(sub(&jwt(r#"{"sub":"557058:ab","exp":1}"#)), expected);
        for payload in ["", "null", "{}", r#"{"sub":1}"#, "{\"sub\":\"a\\u001bb\"}"] {
            assert_eq!(sub(&jwt(payload)), None, "{payload}");
        }
        for opaque in ["", "opaque", "a.b", "a.?.c", "..."] {
            assert_eq!(sub(&Secret::new(opaque.to_owned())), None, "{opaque}");
        }
    }

    #[test]
    fn lifetimes_are_numbers_or_text_and_bounded() {
        let read = |json: &str| seconds(&serde_json::from_str(json).unwrap());
        let whole = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(read("3600"), whole(3600));
        assert_eq!(read("3600.0"), whole(3600));
        assert_eq!(read("\"60\""), whole(60));
        assert_eq!(read("0"), whole(0));
        assert_eq!(read("1e300"), None);
        assert_eq!(read("1e12"), Some(LONGEST_LIFETIME));
        for nonsense in ["-1", "null", "\"soon\"", "\"NaN\"", "[]"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn tokens_are_what_a_header_can_hold() {
        for text in ["", "a b", "a\nb", "ä"] {
            assert_eq!(token(text.to_owned()), None, "{text}");
        }
        assert!(token("aZ-._~+/=9".to_owned()).is_some());
    }

    #[test]
    fn a_site_of_several_products_is_one() {
        let sites = merged(vec![
            site("1", &["a"]),
            site("2", &[]),
            site("1", &["a", "b"]),
        ]);
        assert_eq!(sites.len(), 2);
        assert_eq!(sites[0].scopes, ["a", "b"]);
        assert_eq!(sites[0].name, "a[31mb");
    }
}
