//! Hosts that are connected to directly: `NO_PROXY`, as curl reads it.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use url::{Host, Url};

/// The entries of `NO_PROXY`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bypass(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// Every host.
    All,
    /// A domain and the hosts below it, with that port or any.
    Domain(String, Option<u16>),
    /// Addresses, with that port or any.
    Network(IpNetwork, Option<u16>),
}

impl Bypass {
    /// Reads a list that commas or blanks separate. `*` is every host only by itself.
    pub(super) fn read(list: &str) -> Self {
        if list.trim() == "*" {
            return Self(vec![Entry::All]);
        }
        let entries = list.split(|character: char| character == ',' || character.is_whitespace());
        Self(entries.filter_map(Entry::read).collect())
    }

    /// Whether a URL's host is connected to directly.
    pub(super) fn covers(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        self.0.iter().any(|entry| entry.covers(url.host(), port))
    }
}

impl Entry {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim_start_matches("*.").trim_start_matches('.');
        let text = text.trim_end_matches('.').to_ascii_lowercase();
        let (host, port) = without_port(&text);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(network) = bare.parse() {
            return Some(Self::Network(network, port));
        }
        (!host.is_empty()).then(|| Self::Domain(host.to_owned(), port))
    }

    fn covers(&self, host: Option<Host<&str>>, port: Option<u16>) -> bool {
        let is_port = |own: &Option<u16>| own.is_none() || *own == port;
        match (self, host) {
            (Self::All, _) => true,
            (Self::Network(network, own), Some(Host::Ipv4(address))) => {
                is_port(own) && network.contains(IpAddr::V4(address))
            }
            (Self::Network(network, own), Some(Host::Ipv6(address))) => {
                is_port(own) && network.contains(IpAddr::V6(address))
            }
            (Self::Domain(domain, own), Some(Host::Domain(host))) => {
                is_port(own) && is_below(host.trim_end_matches('.'), domain)
            }
            (Self::Domain(..) | Self::Network(..), _) => false,
        }
    }
}

/// Host and port; the colons of an IPv6 address without brackets are its own.
fn without_port(text: &str) -> (&str, Option<u16>) {
    let parts = text
        .rsplit_once(':')
        .filter(|(host, _)| host.ends_with(']') || !host.contains(':'));
    match parts.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    }
}

/// Whether a host is a domain, or in it.
fn is_below(host: &str, domain: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let rest = host.strip_suffix(domain);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_curl_reads_them() {
        for (list, url, expected) in [
            ("*", "https://a.example", true),
            (" * ", "https://a.example", true),
            ("b.example,*", "https://a.example", false),
            ("example.com", "https://example.com", true),
            ("example.com", "https://wiki.example.com", true),
            (".example.com", "https://wiki.example.com", true),
            (".example.com", "https://example.com", true),
            ("*.example.com", "https://wiki.example.com", true),
            ("EXAMPLE.com.", "https://Wiki.Example.COM./", true),
            ("example.com", "https://notexample.com", false),
            ("example.com", "https://example.com.evil.org", false),
            ("wiki.example.com", "https://example.com", false),
            ("a.b, example.com", "https://example.com", true),
            ("a.b example.com", "https://example.com", true),
            ("a.b,,\texample.com ,", "https://example.com", true),
            ("", "https://example.com", false),
            (" , ", "https://example.com", false),
            ("example.com:8443", "https://example.com:8443", true),
            ("example.com:8443", "https://example.com", false),
            ("example.com:443", "https://example.com", true),
            ("127.0.0.1", "http://127.0.0.1:99", true),
            ("127.0.0.1:98", "http://127.0.0.1:99", false),
            ("10.0.0.0/8", "http://10.1.2.3", true),
            ("10.0.0.0/8", "http://11.1.2.3", false),
            ("10.0.0.0/8", "http://10.example", false),
            ("0.0.1", "http://127.0.0.1", false),
            ("::1", "http://[::1]:1", true),
            ("[::1]", "http://[::1]:1", true),
            ("[::1]:2", "http://[::1]:1", false),
            ("fe80::/10", "http://[fe80::1]", true),
            ("localhost", "http://localhost:8090", true),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(Bypass::read(list).covers(&url), expected, "{list} {url}");
        }
    }
}
