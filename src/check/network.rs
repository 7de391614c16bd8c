//! Whether the hosts can be reached: name resolution, connections, TLS.

use url::Url;

use super::{CheckStep, StepName};
use crate::http::address::{is_loopback, origin};
use crate::http::{Client, Error, Request};

/// Whether the hosts of the URLs have addresses.
#[must_use]
pub fn resolve(client: &Client, urls: &[Url]) -> CheckStep {
    let name = StepName::NameResolves;
    let direct: Vec<_> = urls.iter().filter(|url| !client.is_proxied(url)).collect();
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
            Err(Error::Redirect { .. } | Error::TooLong) => {}
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
        Error::Tls { host, problem } => CheckStep::fail(
            name,
            format!("TLS handshake with {host} failed: {problem}"),
            tls(problem),
        ),
        Error::Connection(problem) if client.is_proxied(url) => CheckStep::fail(
            name,
            problem.as_str(),
            "is the proxy right (--proxy, HTTPS_PROXY, NO_PROXY), and does it allow this host?",
        ),
        Error::Connection(problem) => CheckStep::fail(
            name,
            problem.as_str(),
            "are the address and port right, is the server running, and does a firewall block the connection? \
             Behind a proxy, pass --proxy URL",
        ),
        Error::NoSuchHost(_) | Error::TooLong | Error::Redirect { .. } | Error::RedirectLoop(_) => {
            CheckStep::fail_by(name, error)
        }
    }
}

const AUTHORITY: &str = "the server's certificate was issued by an authority that this machine does not trust, such as that of an inspecting \
    proxy: pass that authority's certificate with --ca-file FILE (or install ca-certificates, if no site works)";

/// What helps against what rustls says.
fn tls(problem: &str) -> &'static str {
    let rows = [
        ("UnknownIssuer", AUTHORITY),
        ("BadSignature", AUTHORITY),
        (
            "Expired",
            "the server's certificate has expired, or this machine's clock is wrong: renew the certificate, or set \
             the clock",
        ),
        (
            "NotValidYet",
            "this machine's clock is wrong, or the server's certificate is not valid yet",
        ),
        (
            "not valid for name",
            "the server's certificate is for another name: use that name in --url",
        ),
        (
            "NotValidForName",
            "the server's certificate is for another name: use that name in --url",
        ),
        (
            "InvalidContentType",
            "no TLS on that port: is the port right, or should the URL begin with http://?",
        ),
        (
            "CaUsedAsEndEntity",
            "the server uses a CA certificate (self-signed): install a server certificate",
        ),
    ];
    // The names of errors stand in their texts in more than one form.
    let squeezed = problem.replace(' ', "").to_lowercase();
    let row = rows.iter().find(|(sign, _)| {
        let sign = sign.replace(' ', "").to_lowercase();
        squeezed.contains(&sign)
    });
    row.map_or(
        "does the server support TLS 1.2 or 1.3 on that port, with a certificate for its name? Use --ca-file FILE \
         to trust your own certificate authority",
        |(_, remedy)| remedy,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{CertificateError, Error as Tls, InvalidMessage};

    #[test]
    fn what_tls_says_has_a_remedy() {
        for (error, remedy) in [
            (CertificateError::UnknownIssuer.into(), "--ca-file"),
            (CertificateError::Expired.into(), "has expired"),
            (CertificateError::NotValidYet.into(), "clock"),
            (CertificateError::NotValidForName.into(), "another name"),
            (
                Tls::InvalidMessage(InvalidMessage::InvalidContentType),
                "no TLS",
            ),
            (Tls::DecryptError, "TLS 1.2"),
        ] {
            let problem = error.to_string();
            assert!(tls(&problem).contains(remedy), "{problem}");
        }
    }
}
