//! Networks given on the command line, and the addresses in `source.address` (docs/mapping.md 5).

use std::collections::HashSet;
use std::{net::IpAddr, str::FromStr};

use ipnetwork::{IpNetwork, Ipv4Network};

/// What is wrong with a `--network` or `--trusted-proxy` value, and what it should look like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no network.
    #[error(
        "`{0}` is not a valid CIDR: expected an address and a prefix length, such as 10.0.0.0/8 or 2001:db8::/32"
    )]
    Cidr(String),
    /// The `=` is missing, or nothing stands behind it.
    #[error("`{0}` has no name: expected CIDR=NAME, such as 10.20.0.0/16=office")]
    Name(String),
}

/// Reads a network in CIDR notation; an address alone is a network of one.
///
/// # Errors
/// [`Error::Cidr`] when `text` is no network.
pub fn cidr(text: &str) -> Result<IpNetwork, Error> {
    let network = IpNetwork::from_str(text.trim()).map_err(|_| Error::Cidr(text.to_owned()))?;
    Ok(canonical(network))
}

/// A network of IPv4-mapped addresses (`::ffff:10.0.0.0/104`) as its IPv4: every address is judged in that form.
fn canonical(network: IpNetwork) -> IpNetwork {
    let v4 = match network.ip().to_canonical() {
        IpAddr::V4(ip) => network
            .prefix()
            .checked_sub(96)
            .and_then(|prefix| Ipv4Network::new(ip, prefix).ok()),
        IpAddr::V6(_) => None,
    };
    match network {
        IpNetwork::V6(_) => v4.map_or(network, IpNetwork::V4),
        IpNetwork::V4(_) => network,
    }
}

/// `--network CIDR=NAME`: the addresses inside get `source.geo.name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The addresses that get the name.
    pub cidr: IpNetwork,
    /// Their name, never empty.
    pub name: String,
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let no_name = || Error::Name(text.to_owned());
        let (network, name) = text.split_once('=').ok_or_else(no_name)?;
        let (cidr, name) = (cidr(network)?, name.trim());
        if name.is_empty() {
            return Err(no_name());
        }
        Ok(Self {
            cidr,
            name: name.to_owned(),
        })
    }
}

/// Every `--network` of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// The networks in the order given.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// The name of the most specific network around `ip`; of equal ones the later given, as a later flag wins.
    #[must_use]
    pub fn name_of(&self, ip: IpAddr) -> Option<&str> {
        let ip = ip.to_canonical();
        let around = self.0.iter().filter(|network| network.cidr.contains(ip));
        // `max_by_key` gives the last of equal elements.
        around
            .max_by_key(|network| network.cidr.prefix())
            .map(|network| network.name.as_str())
    }
}

/// The networks whose addresses are proxies of one's own, never the source of a request (`--trusted-proxy`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNetwork>);

/// Loopback, link-local and private ranges: RFC 1122 §3.2.1.3, 3927, 1918; RFC 4291 §2.5.3 and §2.5.6, 4193.
const OWN_RANGES: [(IpAddr, u8); 8] = [
    (IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(std::net::Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), 128),
    (
        IpAddr::V6(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)),
        10,
    ),
    (
        IpAddr::V6(std::net::Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)),
        7,
    ),
];

impl Default for TrustedProxies {
    fn default() -> Self {
        let networks = OWN_RANGES
            .iter()
            .filter_map(|&(ip, prefix)| IpNetwork::new(ip, prefix).ok());
        Self(networks.collect())
    }
}

impl TrustedProxies {
    /// The networks given; none given: the default ranges. Given ones replace the default.
    #[must_use]
    pub fn new(given: Vec<IpNetwork>) -> Self {
        if given.is_empty() {
            Self::default()
        } else {
            Self(given)
        }
    }

    /// Whether `ip` lies in one of the networks; an IPv4-mapped IPv6 address is judged as its IPv4.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(ip))
    }
}

/// The addresses in a `source.address`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SourceAddress<'a> {
    /// `source.ip`: its text as it stands in the source address, and the address.
    pub ip: Option<(&'a str, IpAddr)>,
    /// `related.ip`: `source.ip` first, then the others in their order, each address once.
    pub related: Vec<&'a str>,
}

/// Reads a literal, or a list like a proxy chain's `X-Forwarded-For` (docs/mapping.md 5).
///
/// Items are trimmed; a port, brackets and an IPv6 zone id are stripped; what is no address is passed over.
/// `source.ip` is the right-most address outside `trusted`, for a client can forge all that stands left of it,
/// or the left-most address when all are trusted.
#[must_use]
pub(crate) fn read<'a>(text: &'a str, trusted: &TrustedProxies) -> SourceAddress<'a> {
    let addresses: Vec<_> = text.split(',').filter_map(address).collect();
    let outside = addresses.iter().rfind(|(_, ip)| !trusted.contains(*ip));
    let Some(&source) = outside.or(addresses.first()) else {
        return SourceAddress::default();
    };
    let mut seen = HashSet::new();
    let related = std::iter::once(source).chain(addresses.iter().copied());
    SourceAddress {
        ip: Some(source),
        related: related
            .filter_map(|(text, ip)| seen.insert(ip).then_some(text))
            .collect(),
    }
}

/// The address in one item: `1.2.3.4`, `1.2.3.4:80`, `::1`, `fe80::1%eth0`, `[::1]`, `[::1]:80`.
fn address(item: &str) -> Option<(&str, IpAddr)> {
    let item = item.trim();
    let text = match item.strip_prefix('[') {
        Some(bracketed) => {
            let (inside, after) = bracketed.split_once(']')?;
            (after.is_empty() || after.strip_prefix(':').is_some_and(is_port)).then_some(inside)?
        }
        None => match item.split_once(':') {
            // Only after an IPv4 address: without brackets, the digits behind an IPv6 address are its last group.
            Some((host, port)) if is_port(port) => host,
            _ => item,
        },
    };
    let (text, has_zone) = text
        .split_once('%')
        .map_or((text, false), |(text, _)| (text, true));
    let ip: IpAddr = text.parse().ok()?;
    (ip.is_ipv6() || !has_zone).then_some((text, ip))
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// `source.ip`, `->`, `related.ip`.
    fn reads_as(text: &str, trusted: &TrustedProxies, expected: &str) {
        let read = read(text, trusted);
        let source = read.ip.map_or("-", |(text, _)| text);
        assert_eq!(
            format!("{source} -> {}", read.related.join(" ")),
            expected,
            "{text}"
        );
    }

    #[test]
    fn source_addresses() {
        for (text, expected) in [
            ("81.2.69.143", "81.2.69.143 -> 81.2.69.143"),
            ("10.0.0.1", "10.0.0.1 -> 10.0.0.1"),
            ("2001:DB8:0:0::1", "2001:DB8:0:0::1 -> 2001:DB8:0:0::1"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1 -> ::ffff:10.0.0.1"),
            ("0:0:0:0:0:0:0:1", "0:0:0:0:0:0:0:1 -> 0:0:0:0:0:0:0:1"),
            // A port, brackets, a zone.
            ("1.2.3.4:80", "1.2.3.4 -> 1.2.3.4"),
            ("[::1]", "::1 -> ::1"),
            ("[2001:db8::1]:80", "2001:db8::1 -> 2001:db8::1"),
            ("[1.2.3.4]:80", "1.2.3.4 -> 1.2.3.4"),
            ("fe80::1%eth0", "fe80::1 -> fe80::1"),
            ("[fe80::1%eth0]:443", "fe80::1 -> fe80::1"),
            ("2001:db8::1:80", "2001:db8::1:80 -> 2001:db8::1:80"),
            // Lists.
            ("1.2.3.4, 10.0.0.1", "1.2.3.4 -> 1.2.3.4 10.0.0.1"),
            (
                "9.9.9.9, 1.2.3.4 ,10.0.0.1",
                "1.2.3.4 -> 1.2.3.4 9.9.9.9 10.0.0.1",
            ),
            ("10.0.0.2,192.168.0.1", "10.0.0.2 -> 10.0.0.2 192.168.0.1"),
            (
                "1.2.3.4, ::ffff:10.0.0.1",
                "1.2.3.4 -> 1.2.3.4 ::ffff:10.0.0.1",
            ),
            (
                "1.2.3.4,5.6.7.8,1.2.3.4:80,5.6.7.8",
                "5.6.7.8 -> 5.6.7.8 1.2.3.4",
            ),
            (
                "unknown, 1.2.3.4:x, 5.6.7.8, , 10.0.0.300",
                "5.6.7.8 -> 5.6.7.8",
            ),
            // No address.
            ("", "- -> "),
            (" , ,", "- -> "),
            ("localhost", "- -> "),
            ("1.2.3.4 5.6.7.8", "- -> "),
            ("1.2.3.4:", "- -> "),
            ("1.2.3.4%eth0", "- -> "),
            ("[::1", "- -> "),
            ("[::1]80", "- -> "),
            ("010.0.0.1", "- -> "),
            ("1.2.3", "- -> "),
            (":80", "- -> "),
        ] {
            reads_as(text, &TrustedProxies::default(), expected);
        }
    }

    #[test]
    fn given_proxies_replace_the_default() {
        let trusted = TrustedProxies::new(vec![cidr("203.0.113.0/24").unwrap()]);
        reads_as(
            "1.2.3.4, 10.0.0.1, 203.0.113.7",
            &trusted,
            "10.0.0.1 -> 10.0.0.1 1.2.3.4 203.0.113.7",
        );
        assert_eq!(TrustedProxies::new(Vec::new()), TrustedProxies::default());
    }

    #[test]
    fn default_proxies() {
        let trusted = TrustedProxies::default();
        for inside in [
            "127.0.0.1",
            "169.254.1.1",
            "10.255.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.9.9",
            "::1",
            "fe80::1",
            "febf::1",
            "fc00::1",
            "fdff::1",
            "::ffff:192.168.9.9",
        ] {
            assert!(trusted.contains(ip(inside)), "{inside}");
        }
        for outside in [
            "8.8.8.8",
            "172.32.0.1",
            "192.169.0.1",
            "::2",
            "fec0::1",
            "fe00::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!trusted.contains(ip(outside)), "{outside}");
        }
    }

    fn networks(texts: &[&str]) -> Networks {
        Networks::new(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn the_most_specific_network_names_an_address() {
        let given = [
            "10.0.0.0/8=ten",
            "10.1.0.0/16= office ",
            "0.0.0.0/0=world",
            "10.1.2.3=printer=2",
        ];
        let networks = networks(&given);
        for (address, name) in [
            ("10.9.9.9", Some("ten")),
            ("10.1.9.9", Some("office")),
            ("::ffff:10.1.9.9", Some("office")),
            ("10.1.2.3", Some("printer=2")),
            ("8.8.8.8", Some("world")),
            ("2001:db8::1", None),
        ] {
            assert_eq!(networks.name_of(ip(address)), name, "{address}");
        }
    }

    #[test]
    fn of_equal_networks_the_later_given_wins() {
        let networks = networks(&[
            "10.0.0.0/8=old",
            "10.0.0.0/8=new",
            "::ffff:10.0.0.0/103=wider",
        ]);
        assert_eq!(networks.name_of(ip("10.0.0.1")), Some("new"));
        assert_eq!(networks.name_of(ip("11.0.0.1")), Some("wider"));
    }

    #[test]
    fn bad_networks_are_explained() {
        let error = |text: &str| text.parse::<Network>().unwrap_err().to_string();
        let no_name = "has no name: expected CIDR=NAME, such as 10.20.0.0/16=office";
        for text in ["10.0.0.0/8", "10.0.0.0/8=", "10.0.0.0/8= ", ""] {
            assert_eq!(error(text), format!("`{text}` {no_name}"));
        }
        for text in [
            "10.0.0.0/33",
            "10.0.0/8",
            "2001:db8::/129",
            "office",
            "10.0.0.0/",
            "",
        ] {
            let error = cidr(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!(
                    "`{text}` is not a valid CIDR: expected an address"
                )),
                "{error}"
            );
        }
        assert_eq!(
            error("office=10.0.0.0/8"),
            cidr("office").unwrap_err().to_string()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[0-9a-f.:,%\\[\\] é]{0,40}") {
            let read = read(&text, &TrustedProxies::default());
            prop_assert_eq!(read.ip.map(|(text, _)| text), read.related.first().copied());
            prop_assert!(read.related.iter().all(|address| address.parse::<IpAddr>().is_ok()));
        }
    }
}
