//! Requests to Atlassian's servers: one at a time, never to another origin, with bounded answers.
//!
//! [`Client::send`] is one request; [`Client::ask`] asks again as [`retry`] says (docs/guarantees.md, "REST
//! sources").

pub mod address;
mod answer;
mod dates;
mod error;
pub mod proxy;
mod redaction;
mod redirect;
mod request;
pub mod retry;
mod tls;
mod trust;

use std::collections::HashMap;
use std::fmt;
use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use ureq::config::Config;
use ureq::http::{self, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    ConnectProxyConnector, Connector as _, SocksConnector, TcpConnector,
};
use url::Url;

pub use address::{origin, without_query};
pub use answer::Answer;
pub use error::Error;
use error::{redirect_loop, to_http_error};
use proxy::forward::ForwardConnector;
use proxy::{Proxies, Proxy};
use redaction::Redaction;
use redirect::Target;
pub use request::{Request, Upload};
pub use tls::TlsCause;
use tls::TlsConnector;
pub use trust::{Error as TrustError, Trust};

use crate::process::metrics::{Api, RequestMetrics, SourceMetrics};
use crate::secret::Secret;

/// The longest answer that is read, in bytes, unpacked: a page of 1000 records has about one million.
const LONGEST_BODY: u64 = 64 << 20;
/// Redirects that are followed, all on the same origin.
const MOST_REDIRECTS: usize = 5;
/// A whole answer may take this many times as long as the server may be silent.
const PATIENCE: u32 = 10;

/// Whether somebody was told of a `Date` that cannot be read: once a process, whichever client it was.
static WARNED_OF_DATE: Once = Once::new();

/// How requests are made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Timeout for each read.
    pub timeout: Duration,
    /// Timeout for connecting, if that is shorter.
    pub connect_timeout: Duration,
    /// How often a request is made again.
    pub retries: u32,
    /// A proxy; else the environment names it (`HTTPS_PROXY`, `http_proxy`, `ALL_PROXY`, `NO_PROXY`).
    pub proxy: Option<String>,
    /// The password of the proxy's user, and whether it was given for nothing else.
    pub proxy_password: Option<(Secret, bool)>,
    /// Which servers are trusted.
    pub trust: Trust,
    /// Value of the `User-Agent` header.
    pub user_agent: String,
    /// How long a server may ask to be left alone; longer is as good as no answer.
    pub longest_wait: Duration,
    /// What is measured of them.
    pub metrics: RequestMetrics,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The proxy cannot be used.
    #[error(transparent)]
    Proxy(#[from] proxy::Error),
    /// The CA certificates cannot be loaded.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Makes requests; keeps connections for the next ones.
pub struct Client {
    /// For hosts that are connected to directly.
    direct: ureq::Agent,
    /// For those behind the proxy of `https` URLs, and of `http` ones.
    https: Option<ureq::Agent>,
    http: Option<ureq::Agent>,
    proxies: Proxies,
    /// Whether somebody was told of a variable that is not read.
    warned: Once,
    /// The flag of the file with certificates, if one is given.
    ca_flag: Option<&'static str>,
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
    metrics: RequestMetrics,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The agent shows its proxy, which may have a password.
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// The metrics of the source whose requests they are.
    pub(crate) fn source(&self) -> &SourceMetrics {
        &self.metrics.source
    }

    /// A client with those settings.
    ///
    /// # Errors
    /// When the proxy or the file of certificates cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let flag = settings.proxy.as_deref();
        let password = settings.proxy_password.as_ref();
        let proxies = Proxies::new(flag, password, |name| std::env::var_os(name))?;
        let tls = trust::tls(&settings.trust)?;
        let through = |proxy: &Proxy| {
            let forward = ForwardConnector::new(proxy.clone(), config(settings, None));
            let chain = ().chain(forward).chain(SocksConnector::default());
            let chain = chain.chain(ConnectProxyConnector::default());
            let chain = chain.chain(TcpConnector::default());
            let chain = chain.chain(TlsConnector(Arc::clone(&tls)));
            let config = config(settings, Some(proxy));
            ureq::Agent::with_parts(config, chain, DefaultResolver::default())
        };
        let chain = ().chain(TcpConnector::default());
        let chain = chain.chain(TlsConnector(Arc::clone(&tls)));
        let direct =
            ureq::Agent::with_parts(config(settings, None), chain, DefaultResolver::default());
        let [https, http] = proxies.usable().map(|proxy| proxy.map(through));
        let RequestMetrics { source, api } = &settings.metrics;
        source.asks(*api);
        Ok(Self {
            direct,
            https,
            http,
            proxies,
            warned: Once::new(),
            ca_flag: settings.trust.ca_file.as_ref().map(|(flag, _)| *flag),
            retries: settings.retries,
            longest_wait: settings.longest_wait,
            redaction: Mutex::default(),
            backoff_until: Mutex::default(),
            requests: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            metrics: settings.metrics.clone(),
        })
    }

    /// Whether requests there can be made: directly, or through a proxy that is understood. Warns of CA certificates that
    /// no request there has a use for.
    ///
    /// # Errors
    /// When the variable that names the proxy is not understood.
    pub fn check<'a>(&self, urls: impl IntoIterator<Item = &'a Url>) -> Result<(), SettingsError> {
        let (mut plain, mut has_tls) = (None, false);
        for url in urls {
            let proxy = self.proxies.of(url).map_err(Clone::clone)?;
            let is_tls = url.scheme() == "https" || proxy.is_some_and(|it| it.scheme() == "https");
            has_tls |= is_tls;
            plain = plain.or((!is_tls).then(|| without_query(url)));
        }
        match (self.ca_flag, plain) {
            (Some(flag), Some(url)) if !has_tls => {
                tracing::warn!(
                    "{flag} is not used: {url} is plain http, where no certificate is shown; use https"
                );
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether requests there go through a proxy.
    #[must_use]
    pub fn is_proxied(&self, url: &Url) -> bool {
        matches!(self.proxies.of(url), Ok(Some(_)))
    }

    /// Whether this machine resolves the host's name; else a proxy does.
    #[must_use]
    pub fn resolves(&self, url: &Url) -> bool {
        let proxy = self.proxies.of(url).ok().flatten();
        proxy.is_none_or(|proxy| proxy.inner.resolve_target())
    }

    /// Tells, once, of a variable that other programs read.
    fn warn_of_http_proxy(&self, url: &Url) {
        if self.proxies.ignores_variable(url) {
            self.warned.call_once(|| {
                tracing::warn!(
                    "HTTP_PROXY is not used, as in curl: set http_proxy, in lower case, to reach {} through a proxy",
                    origin(url)
                );
            });
        }
    }

    /// Tells, once, that a server's clock is not known.
    fn warn_of_date(url: &Url, headers: &Headers) {
        if dates::has_unreadable_date(headers) {
            WARNED_OF_DATE.call_once(|| {
                tracing::warn!(
                    "{} sends a Date header that is no date, so the time of this machine's clock is used: check \
                     the server, and any proxy in between",
                    origin(url)
                );
            });
        }
    }

    /// What makes the requests for a URL, and the proxy that it uses.
    fn agent(&self, url: &Url) -> Result<(&ureq::Agent, Option<&Proxy>), Error> {
        let proxy = self.proxies.of(url).map_err(error::unusable_proxy)?;
        let agent = match url.scheme() {
            "https" => &self.https,
            _ => &self.http,
        };
        Ok(match (agent, proxy) {
            (Some(agent), Some(proxy)) => (agent, Some(proxy)),
            _ => (&self.direct, None),
        })
    }

    /// From here on leaves a secret out of whatever a server says.
    pub fn hide(&self, secret: &Secret) {
        let mut redaction = self
            .redaction
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        redaction.add(secret);
    }

    /// A text of a server without what is hidden, for a message.
    #[must_use]
    pub fn redacted(&self, text: &str) -> String {
        self.redaction().redact(text)
    }

    fn redaction(&self) -> Redaction {
        let redaction = self
            .redaction
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        redaction.clone()
    }

    /// Makes a request, once; redirects on the same origin are followed, but not by somebody who has to solve a
    /// CAPTCHA first.
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
            let mut to = to.map_err(|_| redirect_loop(&url))?;
            // A URL with a user would say who asks; neither of them can fail on a URL with a host.
            let _ = to.set_password(None);
            let _ = to.set_username("");
            if to.origin() != url.origin() || request.has_body() {
                return Err(self.refused_redirect(request, &answer, &to));
            }
            url = to;
        }
        Err(redirect_loop(&request.url))
    }

    fn refused_redirect(&self, request: &Request, answer: &Answer, to: &Url) -> Error {
        let url = &answer.url;
        let from = without_query(url);
        let target = Target::of(url, to);
        let proxy = answer.doubt();
        // Its path may say what was sent.
        let to = self.redaction().redact(&origin(to));
        match target {
            _ if request.has_body() => Error::RedirectedPost {
                from,
                to,
                flag: "--auth-base",
            },
            // An organization's API has no login page to redirect to.
            _ if self.api(request) == Api::Organization => Error::Redirect { from, to, proxy },
            Target::Login => Error::LoginRedirect { from, to, proxy },
            Target::OtherPage => Error::OtherPage { from, to, proxy },
            Target::SameResource => Error::Redirect { from, to, proxy },
        }
    }

    fn send_to(&self, url: &Url, request: &Request) -> Result<Answer, Error> {
        let sent = self.exchange(url, request);
        let status = sent.as_ref().ok().map(|answer| answer.status);
        let metrics = &self.metrics.source;
        metrics.request(self.api(request), status);
        sent
    }

    /// What a request is made to.
    fn api(&self, request: &Request) -> Api {
        // Secrets are posted to OAuth servers, and to nobody else.
        match &request.post {
            Some(_) => Api::OAuth,
            None => self.metrics.api,
        }
    }

    fn exchange(&self, url: &Url, request: &Request) -> Result<Answer, Error> {
        let (agent, proxy) = self.agent(url)?;
        self.warn_of_http_proxy(url);
        self.requests.fetch_add(1, Ordering::Relaxed);
        for secret in request.secrets() {
            self.hide(&secret);
        }
        for secret in proxy.into_iter().flat_map(Proxy::secrets) {
            self.hide(&secret);
        }
        tracing::debug!(url = %url, "request");
        let sent = run(agent, url, request);
        let failed = |error| to_http_error(url, proxy, error);
        let (parts, body) = sent.map_err(failed)?.into_parts();
        if let (Some(proxy), 407) = (proxy, parts.status.as_u16()) {
            return Err(error::login_wanted(proxy));
        }
        let came = SystemTime::now();
        Self::warn_of_date(url, &parts.headers);
        let body = read(body).map_err(|error| error.map_or(Error::TooLong, failed))?;
        let mut answer = Answer::new(url.clone(), &parts, came, body).hiding(self.redaction());
        // A proxy that passes requests on can answer them itself.
        if let Some(proxy) = proxy.filter(|proxy| proxy.is_http() && url.scheme() == "http") {
            if let Some(sign) = proxy::sign::of_proxy(&parts) {
                return Err(error::refused_request(url, proxy, answer.status, &sign));
            }
            if !proxy::sign::of_confluence(&parts.headers) {
                answer.proxy = Some(proxy.name.clone());
            }
        }
        tracing::debug!(
            status = answer.status,
            bytes = answer.body.len(),
            "response"
        );
        Ok(answer)
    }
}

/// Has an agent make a request.
fn run(
    agent: &ureq::Agent,
    url: &Url,
    request: &Request,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    let mut built = http::Request::builder().uri(url.as_str());
    if let Some(value) = &request.authorization {
        built = built.header(header::AUTHORIZATION, value.expose());
    }
    match (&request.post, &request.upload) {
        (Some(json), _) => {
            built = built.method(http::Method::POST);
            built = built.header(header::CONTENT_TYPE, "application/json");
            agent.run(built.body(json.expose())?)
        }
        (None, Some(upload)) => {
            built = built.method(&upload.method);
            built = built.header(header::CONTENT_TYPE, upload.content_type);
            if upload.is_gzip {
                built = built.header(header::CONTENT_ENCODING, "gzip");
            }
            if upload.asks_first {
                built = built.header(header::EXPECT, "100-continue");
            }
            agent.run(built.body(upload.body.as_slice())?)
        }
        (None, None) => {
            let config = agent.configure_request(built.body(())?);
            let config = match request.timeout {
                Some(timeout) => config.timeout_global(Some(timeout)),
                None => config,
            };
            agent.run(config.build())
        }
    }
}

/// The settings of the HTTP library.
fn config(settings: &Settings, proxy: Option<&Proxy>) -> Config {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy.map(|proxy| proxy.inner.clone()))
        .user_agent(settings.user_agent.as_str())
        .accept("application/json")
        .timeout_connect(Some(settings.connect_timeout.min(settings.timeout)))
        .timeout_recv_response(Some(settings.timeout))
        .timeout_per_read(Some(settings.timeout))
        .timeout_per_write(Some(settings.timeout))
        .timeout_global(Some(settings.timeout.saturating_mul(PATIENCE)))
        .build()
}

/// Reads the body up to its limit; an error of none: it is longer.
fn read(body: ureq::Body) -> Result<Vec<u8>, Option<ureq::Error>> {
    let mut text = Vec::new();
    let reader = body.into_with_config().limit(u64::MAX).reader();
    let read = reader.take(LONGEST_BODY + 1).read_to_end(&mut text);
    read.map_err(|error| Some(ureq::Error::from(error)))?;
    if text.len() as u64 > LONGEST_BODY {
        return Err(None);
    }
    Ok(text)
}

/// The headers of an answer.
type Headers = http::HeaderMap;
