//! Requests to Atlassian's servers: one at a time, never to another origin, with bounded answers.
//!
//! [`Client::send`] is one request; [`Client::ask`] asks again as [`retry`] says (docs/guarantees.md, "REST
//! sources").

pub mod address;
mod answer;
mod dates;
mod redaction;
pub mod retry;
mod trust;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::{self, header};
use url::Url;

pub use address::{origin, without_query};
pub use answer::Answer;
use redaction::Redaction;
pub use trust::Error as TrustError;

use crate::secret::Secret;

/// The longest answer that is read, in bytes, unpacked: a page of 1000 records has about one million.
const LONGEST_BODY: u64 = 64 << 20;
/// Redirects that are followed, all on the same origin.
const MOST_REDIRECTS: usize = 5;
/// A whole answer may take this many times as long as the server may be silent.
const PATIENCE: u32 = 10;

/// How requests are made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Timeout for connecting and for each read.
    pub timeout: Duration,
    /// How often a request is made again.
    pub retries: u32,
    /// A proxy; else the environment tells (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    pub proxy: Option<String>,
    /// Certificates of the authorities to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Value of the `User-Agent` header.
    pub user_agent: String,
    /// How long a server may ask to be left alone; longer is as good as no answer.
    pub longest_wait: Duration,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The proxy is no URL of one.
    #[error("--proxy: expected a URL such as http://proxy.example.com:3128")]
    Proxy,
    /// The CA certificates cannot be loaded.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody was reached, or the connection broke off.
    #[error("{0}")]
    Connection(String),
    /// The host's name means nothing to the resolver.
    #[error("cannot resolve host {0}")]
    NoSuchHost(String),
    /// TLS found no trusted certificate, or no common language.
    #[error(
        "TLS handshake with {host} failed: {problem}; use --ca-file FILE to trust your own certificate authority"
    )]
    Tls {
        /// Host name of the server.
        host: String,
        /// Error message of the TLS library.
        problem: String,
    },
    /// The answer is longer than any should be.
    #[error("the response is larger than {} MiB: a smaller --page-size may help", LONGEST_BODY >> 20)]
    TooLong,
    /// Too many redirects, or one to an invalid URL.
    #[error(
        "{0} redirects too many times, or to an invalid URL: check --url, and any proxy in between"
    )]
    RedirectLoop(String),
    /// It leads elsewhere, where credentials must not go.
    #[error(
        "{from} redirects to another origin, {to}, which is not followed: use that URL if it is right"
    )]
    Redirect {
        /// URL of the request, without its query.
        from: String,
        /// Target of the redirect, without its query.
        to: String,
    },
}

impl Error {
    /// Whether it makes sense to try again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            // A resolver fails for a moment, too, when the network does.
            Self::Connection(_) | Self::NoSuchHost(_) => true,
            Self::Tls { .. } | Self::TooLong | Self::Redirect { .. } | Self::RedirectLoop(_) => {
                false
            }
        }
    }
}

/// The secrets in what is posted to OAuth servers.
const SECRET_KEYS: [&str; 3] = ["client_secret", "code", "refresh_token"];

/// A request. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where to; its query holds no secret.
    pub url: Url,
    /// The whole value of `Authorization`.
    pub authorization: Option<Secret>,
    /// JSON to post; none: GET.
    pub post: Option<Secret>,
}

impl Request {
    /// A GET without credentials.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self {
            url,
            authorization: None,
            post: None,
        }
    }

    /// All that must not be shown: the header and the token in it, and what is posted in JSON.
    fn secrets(&self) -> Vec<Secret> {
        let mut secrets: Vec<String> = Vec::new();
        if let Some(header) = &self.authorization {
            let (scheme, token) = header.expose().split_once(' ').unwrap_or_default();
            let decoded = STANDARD.decode(token).ok().filter(|_| scheme == "Basic");
            let pair = decoded.and_then(|pair| String::from_utf8(pair).ok());
            let password = pair.as_ref().and_then(|pair| pair.split_once(':'));
            secrets.extend(password.map(|(_, password)| password.to_owned()));
            secrets.push(token.to_owned());
        }
        if let Some(post) = &self.post {
            let json: Option<BTreeMap<String, String>> = serde_json::from_str(post.expose()).ok();
            let secret = |key: &str| SECRET_KEYS.contains(&key);
            let posted = json.into_iter().flatten().filter(|(key, _)| secret(key));
            secrets.extend(posted.map(|(_, value)| value));
        }
        secrets.retain(|secret| !secret.is_empty());
        secrets.into_iter().map(Secret::new).collect()
    }

    /// With the value of `Authorization`.
    #[must_use]
    pub fn authorized(self, authorization: Secret) -> Self {
        Self {
            authorization: Some(authorization),
            ..self
        }
    }
}

/// Makes requests; keeps connections for the next ones.
pub struct Client {
    agent: ureq::Agent,
    retries: u32,
    longest_wait: Duration,
    /// What was sent or received that must not be shown, should a server say it again.
    redaction: Mutex<Redaction>,
    /// Until when a server asks to be left alone, however many retries there are.
    backoff_until: Mutex<HashMap<url::Origin, Instant>>,
    /// Requests that were made.
    pub requests: AtomicU64,
    /// Those of them that were made because one before failed.
    pub repeated: AtomicU64,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The agent shows its proxy, which may have a password.
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client with those settings.
    ///
    /// # Errors
    /// When the proxy or the file of certificates cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let proxy = match &settings.proxy {
            Some(proxy) => Some(ureq::Proxy::new(proxy).map_err(|_| SettingsError::Proxy)?),
            None => ureq::Proxy::try_from_env(),
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .tls_config(trust::tls(settings.ca_file.as_deref())?)
            .user_agent(settings.user_agent.as_str())
            .accept("application/json")
            .timeout_connect(Some(settings.timeout))
            .timeout_recv_response(Some(settings.timeout))
            .timeout_per_read(Some(settings.timeout))
            .timeout_per_write(Some(settings.timeout))
            .timeout_global(Some(settings.timeout.saturating_mul(PATIENCE)))
            .build();
        Ok(Self {
            agent: config.new_agent(),
            retries: settings.retries,
            longest_wait: settings.longest_wait,
            redaction: Mutex::default(),
            backoff_until: Mutex::default(),
            requests: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
        })
    }

    /// Whether requests there go through a proxy, which then resolves the name.
    #[must_use]
    pub fn is_proxied(&self, url: &Url) -> bool {
        let uri = http::Uri::try_from(url.as_str());
        let proxy = self.agent.config().proxy();
        proxy.is_some_and(|proxy| !uri.is_ok_and(|uri| proxy.is_no_proxy(&uri)))
    }

    /// From here on leaves a secret out of whatever a server says.
    pub fn hide(&self, secret: &Secret) {
        let mut redaction = self
            .redaction
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        redaction.add(secret);
    }

    fn redaction(&self) -> Redaction {
        let redaction = self
            .redaction
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        redaction.clone()
    }

    /// Makes a request, once; redirects on the same origin are followed.
    ///
    /// # Errors
    /// When there is no whole answer; any status is an answer.
    pub fn send(&self, request: &Request) -> Result<Answer, Error> {
        let mut url = request.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.send_to(&url, request)?;
            let Some(target) = answer.redirect() else {
                return Ok(answer);
            };
            let to = url.join(target);
            let to = to.map_err(|_| Error::RedirectLoop(without_query(&url)))?;
            if to.origin() != url.origin() || request.post.is_some() {
                return Err(Error::Redirect {
                    from: without_query(&url),
                    // Its path may say what was sent.
                    to: self.redaction().redact(&origin(&to)),
                });
            }
            url = to;
        }
        Err(Error::RedirectLoop(without_query(&request.url)))
    }

    fn send_to(&self, url: &Url, request: &Request) -> Result<Answer, Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        for secret in request.secrets() {
            self.hide(&secret);
        }
        tracing::debug!(url = %url, "request");
        let sent = match &request.post {
            None => {
                let mut get = self.agent.get(url.as_str());
                if let Some(value) = &request.authorization {
                    get = get.header(header::AUTHORIZATION, value.expose());
                }
                get.call()
            }
            Some(json) => {
                let mut post = self.agent.post(url.as_str());
                post = post.header(header::CONTENT_TYPE, "application/json");
                if let Some(value) = &request.authorization {
                    post = post.header(header::AUTHORIZATION, value.expose());
                }
                post.send(json.expose())
            }
        };
        let failed = |error| match to_http_error(url, error) {
            Error::NoSuchHost(host) if self.agent.config().proxy().is_some() => {
                Error::Connection(format!("cannot resolve host {host}, or the proxy's"))
            }
            error => error,
        };
        let (parts, body) = sent.map_err(failed)?.into_parts();
        let came = SystemTime::now();
        let body = read(url, body)?;
        let answer = Answer::new(url.clone(), &parts, came, body).hiding(self.redaction());
        tracing::debug!(
            status = answer.status,
            bytes = answer.body.len(),
            "response"
        );
        Ok(answer)
    }
}

/// Reads the body up to its limit.
fn read(url: &Url, body: ureq::Body) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let reader = body.into_with_config().limit(u64::MAX).reader();
    let read = reader.take(LONGEST_BODY + 1).read_to_end(&mut text);
    read.map_err(|error| to_http_error(url, ureq::Error::from(error)))?;
    if text.len() as u64 > LONGEST_BODY {
        return Err(Error::TooLong);
    }
    Ok(text)
}

/// What went wrong, in our words; the library's errors may quote headers.
fn to_http_error(url: &Url, error: ureq::Error) -> Error {
    let host = url.host_str().unwrap_or_default().to_owned();
    let silent = |what: &str| Error::Connection(format!("{what} {host} timed out (--timeout)"));
    match error {
        ureq::Error::HostNotFound => Error::NoSuchHost(host),
        ureq::Error::Io(error) if is_of_resolver(&error) => Error::NoSuchHost(host),
        ureq::Error::Timeout(ureq::Timeout::Connect) => silent("connecting to"),
        ureq::Error::Timeout(_) => silent("waiting for a response from"),
        ureq::Error::ConnectionFailed => {
            Error::Connection(format!("cannot connect to {}", origin(url)))
        }
        ureq::Error::Tls(problem) => Error::Tls {
            host,
            problem: problem.to_owned(),
        },
        ureq::Error::Rustls(problem) => Error::Tls {
            host,
            problem: problem.to_string(),
        },
        ureq::Error::Io(error) => told_io(url, &error),
        // `Http` and `BadUri` quote what they do not like, which may be a secret.
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
            Error::Connection(format!("cannot send a request to {}", without_query(url)))
        }
        other => Error::Connection(format!("connection to {} failed: {other}", origin(url))),
    }
}

/// The standard library has no kind for what the resolver says, but always these words.
fn is_of_resolver(error: &std::io::Error) -> bool {
    let text = error.to_string();
    text.starts_with("failed to lookup address information")
}

/// TLS errors come as I/O errors, too.
fn told_io(url: &Url, error: &std::io::Error) -> Error {
    let inner = error.get_ref();
    if let Some(problem) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Error::Tls {
            host: url.host_str().unwrap_or_default().to_owned(),
            problem: problem.to_string(),
        };
    }
    Error::Connection(format!("connection to {} failed: {error}", origin(url)))
}

/// Installs what does the cryptography of TLS, once for the process.
fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The headers of an answer.
type Headers = http::HeaderMap;
