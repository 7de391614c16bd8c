//! Whether the hosts can be reached: name resolution, connections, TLS.

use url::Url;

use super::{CheckStep, StepName};
use crate::http::address::{is_loopback, origin};
use crate::http::{Client, Error, Request};

/// Whether the hosts of the URLs have addresses.
#[must_use]
pub fn resolve(client: &Client, urls: &[Url]) -> CheckStep {
    let name = StepName::NameResolves;
    let direct: Vec<_> = urls.iter().filter(|url| client.resolves(url)).collect();
    let mut found = Vec::new();
    for url in &direct {
        let host = url.host_str().unwrap_or_default();
        let addresses = url.socket_addrs(|| None).unwrap_or_default();
        let Some(first) = addresses.first() else {
            return CheckStep::fail(
                name,
                format!("cannot resolve {host}"),
                "is the name right, and does this machine resolve other names (/etc/resolv.conf)? Behind a proxy, \
                 pass --proxy URL",
            );
        };
        found.push(match addresses.len() {
            1 => format!("{host} resolves to {}", first.ip()),
            more => format!("{host} resolves to {} and {} more", first.ip(), more - 1),
        });
    }
    if direct.is_empty() {
        return CheckStep::skip(name, "left to the proxy");
    }
    CheckStep::ok(name, found.join("; "))
}

/// Whether the URLs respond to requests without credentials; and how many seconds our
/// clock is ahead of the one that answered last.
#[must_use]
pub fn connect(client: &Client, urls: &[Url]) -> (CheckStep, Option<i64>) {
    let name = StepName::Connection;
    let (mut found, mut plain, mut ahead) = (Vec::new(), None, None);
    for url in urls {
        match client.reach(&Request::get(url.clone())) {
            Ok(answer) => ahead = answer.ahead.or(ahead),
            // A single sign-on redirects requests without credentials: the server is there.
            Err(
                Error::Redirect { .. }
                | Error::LoginRedirect { .. }
                | Error::OtherPage { .. }
                | Error::TooLong,
            ) => {}
            Err(error) => return (unreached(client, url, &error), ahead),
        }
        if url.scheme() == "http" && !is_loopback(url) {
            plain = Some(origin(url));
        }
        let through = if client.is_proxied(url) {
            ", through a proxy"
        } else {
            ""
        };
        found.push(format!("{} responds{through}", origin(url)));
    }
    let found = found.join("; ");
    let step = match plain {
        Some(plain) => CheckStep::warn(
            name,
            format!("{found}; credentials are sent unencrypted to {plain} (plain http)"),
            "use https",
        ),
        None => CheckStep::ok(name, found),
    };
    (step, ahead)
}

fn unreached(client: &Client, url: &Url, error: &Error) -> CheckStep {
    let name = StepName::Connection;
    match error {
        Error::Tls {
            host,
            problem,
            remedy,
            ..
        } => CheckStep::fail(
            name,
            format!("TLS handshake with {host} failed: {problem}"),
            remedy,
        ),
        Error::Proxy {
            problem, remedy, ..
        } => CheckStep::fail(name, problem, remedy),
        Error::Connection(_) | Error::Timeout { .. } if client.is_proxied(url) => CheckStep::fail(
            name,
            error.to_string(),
            "is the proxy right (--proxy, HTTPS_PROXY, NO_PROXY), and does it allow this host?",
        ),
        Error::Connection(_) | Error::Timeout { .. } => CheckStep::fail(
            name,
            error.to_string(),
            "are the address and port right, is the server running, and does a firewall block the connection? \
             Behind a proxy, pass --proxy URL",
        ),
        Error::NoSuchHost(_)
        | Error::TooLong
        | Error::Redirect { .. }
        | Error::LoginRedirect { .. }
        | Error::OtherPage { .. }
        | Error::RedirectedPost { .. }
        | Error::RedirectLoop { .. } => CheckStep::fail_by(name, error),
    }
}
