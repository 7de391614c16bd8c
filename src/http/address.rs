//! URLs: their parts for messages, paths below them, their origins.

use url::{Host, Url};

/// The URL for a message: without what may be a secret.
#[must_use]
pub fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither of them can fail on a URL with a host.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.into()
}

/// The same without a slash at its end.
#[must_use]
pub fn shown(url: &Url) -> String {
    without_query(url).trim_end_matches('/').to_owned()
}

/// What may be user and password in a text that should be a URL, however malformed it is, with the `@` behind
/// them, encoded or not: all between `//` and the last `@`; without `//`, all before the `@` if it has a colon.
#[must_use]
pub fn credentials_in(text: &str) -> Option<&str> {
    let ends = |at: &str| text.rfind(at).map(|start| (start, start + at.len()));
    let (before, end) = ends("@").max(ends("%40"))?;
    let slashes = |text: &str| text.find("//").map(|at| at + 2);
    let start = match slashes(&text[..before]) {
        Some(start) => start,
        None if text[..before].contains([':', '\\']) => 0,
        None => return None,
    };
    (start < before).then(|| &text[start..end])
}

/// The query of a text that should be a URL, which may have a token in it.
#[must_use]
pub fn query_in(text: &str) -> Option<&str> {
    after(text, '?')
}

/// The fragment of a text that should be a URL: a password may have the `#` in it.
#[must_use]
pub fn fragment_in(text: &str) -> Option<&str> {
    after(text, '#')
}

fn after(text: &str, mark: char) -> Option<&str> {
    let (before, rest) = text.split_once(mark)?;
    (before.contains("//") && !rest.is_empty()).then_some(rest)
}

/// A text that should be a URL, for a message: without what may be a secret.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    match credentials_in(text) {
        Some(secret) => text.replace(secret, "<secret>@"),
        None => text.to_owned(),
    }
}

/// Scheme, host and port.
#[must_use]
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Without query, fragment and a slash at the end (but for the root's).
#[must_use]
pub fn trimmed(url: &Url) -> Url {
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    let path = base.path().trim_end_matches('/').to_owned();
    base.set_path(&path);
    base
}

/// A path below a base.
#[must_use]
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = trimmed(base);
    let joined = format!("{}/{path}", url.path().trim_end_matches('/'));
    url.set_path(&joined);
    url
}

/// Whether the host is this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Warns where credentials go through the network for all to read.
pub fn warn_if_plain(flag: &str, url: &Url) {
    if url.scheme() == "http" && !is_loopback(url) {
        tracing::warn!(
            "{flag}: {} is plain http: credentials are sent unencrypted; use https",
            without_query(url)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_below_the_base() {
        for (base, expected) in [
            ("https://a.example", "https://a.example/oauth/token"),
            ("https://a.example/", "https://a.example/oauth/token"),
            ("http://[::1]:8/x", "http://[::1]:8/x/oauth/token"),
            ("http://[::1]:8/x/?y#z", "http://[::1]:8/x/oauth/token"),
        ] {
            let base = Url::parse(base).unwrap();
            assert_eq!(below(&base, "oauth/token").as_str(), expected);
        }
    }

    #[test]
    fn credentials_are_found_in_malformed_urls() {
        for (text, expected) in [
            ("https://u:p@h", "https://<secret>@h"),
            ("https://u:p@q@h/x", "https://<secret>@h/x"),
            ("https://u:p/q//r@h", "https://<secret>@h"),
            ("//u:p@h", "//<secret>@h"),
            ("u:p@h", "<secret>@h"),
            ("https:/u:p q@h", "<secret>@h"),
            ("https:\\\\u:p@h", "<secret>@h"),
            ("https://%75:%70@h", "https://<secret>@h"),
            ("https://u:p%40h", "https://<secret>@h"),
            ("https://u:p@q%40h", "https://<secret>@h"),
            ("https://h", "https://h"),
            ("https://@h", "https://@h"),
            ("me@example.com", "me@example.com"),
            ("", ""),
        ] {
            assert_eq!(without_credentials(text), expected, "{text}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (url, expected) in [
            ("http://127.0.0.1:8917/callback", true),
            ("http://127.1.2.3/", true),
            ("http://localhost:1/", true),
            ("http://[::1]:1/", true),
            ("http://localhost.example.com/", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://0.0.0.0/", false),
            ("https://example.com/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
