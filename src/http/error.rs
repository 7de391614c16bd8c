//! Why a request got no answer, in our words.

use std::io;

use url::Url;

use super::proxy::{FLAG, Proxy};
use super::tls::{self, HandshakeError, TlsCause};
use super::{LONGEST_BODY, origin, without_query};

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody was reached, or the connection broke off.
    #[error("{0}")]
    Connection(String),
    /// Nobody was reached, or nobody answered, in time.
    #[error("{what} timed out{flag}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// The flag that sets the time, in parentheses after a space, if there is one.
        flag: &'static str,
    },
    /// The host's name means nothing to the resolver.
    #[error("cannot resolve host {0}")]
    NoSuchHost(String),
    /// The proxy is out of reach, or refuses.
    #[error("{problem}; {remedy}")]
    Proxy {
        /// What happened, with the proxy's URL without its password.
        problem: String,
        /// What the user can do about it.
        remedy: String,
        /// Whether it may be over at the next attempt.
        is_transient: bool,
    },
    /// TLS found no trusted certificate, or no common language.
    #[error("TLS handshake with {host} failed: {problem}; {remedy}")]
    Tls {
        /// Host name of the server.
        host: String,
        /// What is wrong.
        problem: String,
        /// What the user can do about it.
        remedy: String,
        /// What kind of trouble it is.
        cause: TlsCause,
    },
    /// The answer is longer than any should be.
    #[error("the response is larger than {} MiB: a smaller --page-size may help", LONGEST_BODY >> 20)]
    TooLong,
    /// Too many redirects, or one to an invalid URL.
    #[error(
        "{url} redirects too many times, or to an invalid URL: check {flag}, and any proxy in between"
    )]
    RedirectLoop {
        /// URL of the request, without its query.
        url: String,
        /// The flag that says where the server is.
        flag: &'static str,
    },
    /// It leads elsewhere, where credentials must not go.
    #[error(
        "{from} redirects to another origin, {to}, which is not followed: if that is the server's own address, use \
         it instead{proxy}"
    )]
    Redirect {
        /// URL of the request, without its query.
        from: String,
        /// Origin of the target of the redirect.
        to: String,
        /// That a proxy may have sent it.
        proxy: String,
    },
    /// It leads to a page on which people log in.
    #[error(
        "{from} redirects to a login page on {to}: the credentials were not accepted, or a single sign-on is in \
         between; use a token that the server accepts without it (a personal access token on a Data Center), or an \
         address that the single sign-on does not guard{proxy}"
    )]
    LoginRedirect {
        /// URL of the request, without its query.
        from: String,
        /// Origin of the login page.
        to: String,
        /// That a proxy may have sent it.
        proxy: String,
    },
    /// It leads to another page, of which the address does not tell what it is.
    #[error(
        "{from} redirects to another page, on {to}, which is not followed: open {from} in a browser to see it. If it \
         is a login page, a single sign-on is in between: use a token that the server accepts without it (a personal \
         access token on a Data Center). If the site has moved, use its new base URL{proxy}"
    )]
    OtherPage {
        /// URL of the request, without its query.
        from: String,
        /// Origin of the target of the redirect.
        to: String,
        /// That a proxy may have sent it.
        proxy: String,
    },
    /// What is posted holds secrets: it is sent to one place only.
    #[error(
        "{from} redirects a POST request to {to}, which is not followed: check {flag}, and any proxy in between"
    )]
    RedirectedPost {
        /// URL of the request, without its query.
        from: String,
        /// Origin of the target of the redirect.
        to: String,
        /// The flag that says where the server is.
        flag: &'static str,
    },
}

impl Error {
    /// Whether it makes sense to try again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            // A resolver fails for a moment, too, when the network does.
            Self::Connection(_) | Self::Timeout { .. } | Self::NoSuchHost(_) => true,
            Self::Proxy { is_transient, .. } => *is_transient,
            Self::Tls { .. }
            | Self::TooLong
            | Self::Redirect { .. }
            | Self::LoginRedirect { .. }
            | Self::OtherPage { .. }
            | Self::RedirectedPost { .. }
            | Self::RedirectLoop { .. } => false,
        }
    }
}

pub(super) fn redirect_loop(url: &Url) -> Error {
    Error::RedirectLoop {
        url: without_query(url),
        flag: "--url",
    }
}

/// What went wrong, in our words; the library's errors may quote headers.
pub(super) fn to_http_error(url: &Url, proxy: Option<&Proxy>, error: ureq::Error) -> Error {
    let host = url.host_str().unwrap_or_default().to_owned();
    let through = proxy.map_or_else(String::new, |proxy| {
        format!(" through the proxy {}", proxy.name)
    });
    let silent = |what: &str| Error::Timeout {
        what: format!("{what} {host}{through}"),
        flag: " (--timeout)",
    };
    match error {
        ureq::Error::Io(error) if is_of_resolver(&error) => no_such_host(host, proxy),
        ureq::Error::HostNotFound => no_such_host(host, proxy),
        ureq::Error::Timeout(ureq::Timeout::Connect) => silent("connecting to"),
        ureq::Error::Timeout(_) => silent("waiting for a response from"),
        ureq::Error::ConnectionFailed => match proxy {
            Some(proxy) => unreached(proxy, None),
            None => Error::Connection(format!("cannot connect to {}", origin(url))),
        },
        ureq::Error::ConnectProxyFailed(problem) => match proxy {
            Some(proxy) => refused_tunnel(url, proxy, &problem),
            None => Error::Connection(format!("cannot connect to {}", origin(url))),
        },
        ureq::Error::Tls(problem) => {
            Error::Connection(format!("TLS with {host}{through} failed: {problem}"))
        }
        ureq::Error::Io(error) => of_io(url, proxy, &error),
        // `Http` and `BadUri` quote what they do not like, which may be a secret.
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
            Error::Connection(format!("cannot send a request to {}", without_query(url)))
        }
        other => Error::Connection(format!(
            "connection to {}{through} failed: {other}",
            origin(url)
        )),
    }
}

/// The standard library has no kind for what the resolver says, but always these words.
fn is_of_resolver(error: &io::Error) -> bool {
    let text = error.to_string();
    text.starts_with("failed to lookup address information")
}

fn no_such_host(host: String, proxy: Option<&Proxy>) -> Error {
    let Some(proxy) = proxy else {
        return Error::NoSuchHost(host);
    };
    // A proxy resolves the host's name itself, but for two kinds of SOCKS.
    let also = if proxy.inner.resolve_target() {
        format!(
            ", or {host}, which this kind of proxy leaves to this machine (socks5h resolves it there)"
        )
    } else {
        String::new()
    };
    Error::Proxy {
        problem: format!("cannot resolve the host of the proxy {}{also}", proxy.name),
        remedy: format!("check {}", proxy.setting),
        is_transient: true,
    }
}

fn unreached(proxy: &Proxy, error: Option<&io::Error>) -> Error {
    let problem = error.map_or_else(String::new, |error| format!(": {error}"));
    Error::Proxy {
        problem: format!("cannot connect to the proxy {}{problem}", proxy.name),
        remedy: format!("check {}, and that the proxy is running", proxy.setting),
        is_transient: true,
    }
}

/// A proxy wants a user and password, or others.
pub(super) fn login_wanted(proxy: &Proxy) -> Error {
    let (setting, scheme) = (proxy.setting, proxy.scheme());
    let (what, remedy) = match setting {
        _ if proxy.has_user() => (
            "rejected the user name or password",
            format!("check the user name and password of {setting}"),
        ),
        FLAG => (
            "requires a user name and password",
            format!("pass {FLAG} {scheme}://USER@HOST:PORT and --proxy-password-file FILE"),
        ),
        variable => (
            "requires a user name and password",
            format!("set {variable}={scheme}://USER:PASSWORD@HOST:PORT"),
        ),
    };
    Error::Proxy {
        problem: format!("the proxy {} {what}", proxy.name),
        remedy,
        is_transient: false,
    }
}

const PROXY_RULES: &str =
    "the proxy's rules must allow this host; NO_PROXY lists hosts to connect to directly";

/// A proxy makes no tunnel; the library says `proxy server responded 403/403`.
fn refused_tunnel(url: &Url, proxy: &Proxy, problem: &str) -> Error {
    let status = problem
        .rsplit('/')
        .next()
        .and_then(|text| text.parse::<u16>().ok());
    // tinyproxy says 401 to a wrong password.
    if matches!(status, Some(401 | 407)) {
        return login_wanted(proxy);
    }
    let said = status.map_or_else(|| problem.to_owned(), |status| format!("status {status}"));
    Error::Proxy {
        problem: format!(
            "the proxy {} refused to connect to {}: {said}",
            proxy.name,
            origin(url)
        ),
        remedy: PROXY_RULES.to_owned(),
        is_transient: !matches!(status, Some(400..=499)),
    }
}

/// A proxy answers a request that it was to pass on.
pub(super) fn refused_request(url: &Url, proxy: &Proxy, status: u16, sign: &str) -> Error {
    Error::Proxy {
        problem: format!(
            "the proxy {} did not pass the request to {} on: status {status} ({sign})",
            proxy.name,
            origin(url)
        ),
        remedy: if status >= 500 {
            "can the proxy resolve and reach this host? NO_PROXY lists hosts to connect to directly"
        } else {
            PROXY_RULES
        }
        .to_owned(),
        is_transient: status >= 500,
    }
}

/// The variable that names the proxy is not understood.
pub(super) fn unusable_proxy(error: &super::proxy::Error) -> Error {
    Error::Proxy {
        problem: error.to_string(),
        remedy: "no request is sent directly in its place".to_owned(),
        is_transient: false,
    }
}

/// Errors of TLS come as I/O errors, too.
fn of_io(url: &Url, proxy: Option<&Proxy>, error: &io::Error) -> Error {
    let inner = error.get_ref();
    if let Some(failed) = inner.and_then(|inner| inner.downcast_ref::<HandshakeError>()) {
        let (problem, remedy) = tls::explain(&failed.source);
        return Error::Tls {
            host: failed.host.clone(),
            problem,
            remedy,
            cause: tls::cause(&failed.source),
        };
    }
    if let Some(failed) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        let (problem, remedy) = tls::explain(failed);
        return Error::Tls {
            host: url.host_str().unwrap_or_default().to_owned(),
            problem,
            remedy,
            cause: tls::cause(failed),
        };
    }
    let Some(proxy) = proxy else {
        return Error::Connection(format!("connection to {} failed: {error}", origin(url)));
    };
    match error.kind() {
        // Only the proxy is connected to.
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => unreached(proxy, Some(error)),
        io::ErrorKind::PermissionDenied if !proxy.is_http() => login_wanted(proxy),
        _ if !proxy.is_http() && error.to_string() == "no acceptable auth methods" => {
            login_wanted(proxy)
        }
        _ => Error::Connection(format!(
            "connection to {} through the proxy {} failed: {error}",
            origin(url),
            proxy.name
        )),
    }
}
