//! What is said of requests to a cluster that came to nothing.

use url::Url;

use super::verdict::Refusal;
use crate::http::{Answer, Client, Error, TlsCause, origin, without_query};

const FLAG: &str = "--elasticsearch-url";

/// The same error, with the flags of a cluster's connection instead of those of `fetch`; `given` are those of this
/// one.
pub fn with_own_flags(error: Error, given: &[String]) -> Error {
    match error {
        Error::Tls {
            host,
            problem,
            remedy,
            cause,
        } => Error::Tls {
            host,
            problem,
            remedy: of_tls(cause, given).map_or(remedy, str::to_owned),
            cause,
        },
        Error::Timeout { what, .. } => Error::Timeout { what, flag: "" },
        Error::LoginRedirect { from, to, proxy } | Error::OtherPage { from, to, proxy } => {
            Error::Redirect { from, to, proxy }
        }
        Error::RedirectLoop { url, .. } => Error::RedirectLoop { url, flag: FLAG },
        Error::RedirectedPost { from, to, .. } => Error::RedirectedPost {
            from,
            to,
            flag: FLAG,
        },
        other @ (Error::Connection(_)
        | Error::NoSuchHost(_)
        | Error::Proxy { .. }
        | Error::TooLong
        | Error::Redirect { .. }) => other,
    }
}

fn of_tls(cause: TlsCause, given: &[String]) -> Option<&'static str> {
    let has = |flag: &str| given.iter().any(|given| given == flag);
    match cause {
        TlsCause::Authority if has("--es-ca-fingerprint") => Some(
            "no certificate that it shows has the SHA-256 of --es-ca-fingerprint: compare it with that of the \
             cluster's authority (`openssl x509 -noout -fingerprint -sha256 -in FILE`), or pass the authority's \
             certificate with --es-ca-file FILE",
        ),
        TlsCause::Authority if has("--es-ca-file") => Some(
            "no authority in --es-ca-file signed its certificate: pass the certificate of the cluster's authority, or \
             its SHA-256 with --es-ca-fingerprint HEX",
        ),
        TlsCause::Authority => Some(
            "pass the certificate of the cluster's authority with --es-ca-file FILE, or its SHA-256 with \
             --es-ca-fingerprint HEX",
        ),
        TlsCause::Client => Some(
            "pass a client certificate that the cluster trusts with --es-client-cert FILE and --es-client-key FILE",
        ),
        TlsCause::Other => None,
    }
}

/// A problem with the address that has it, unless that stands in it.
pub fn named(url: &Url, problem: &str) -> String {
    if problem.starts_with(&origin(url)) {
        return problem.to_owned();
    }
    format!("{}: {problem}", without_query(url))
}

/// An answer that was of no use, and why, if its status does not say that.
pub fn described(client: &Client, answer: &Answer, problem: &str) -> String {
    let said = Refusal::of_request(answer.status, &answer.body);
    let quote = match said {
        Some(said) => client.redacted(&format!("{}: {}", said.kind, said.reason)),
        None => answer.quote(),
    };
    let parts = [
        format!("status {}", answer.status),
        problem.to_owned(),
        quote,
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(": ")
}
