//! mapping.md §5, the source address, and the host of `system` (§3, `related.hosts`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::{Cidr, Options, put};

/// "default: loopback, link-local and private ranges".
pub fn private_ranges() -> Vec<Cidr> {
    [
        ("127.0.0.0", 8),
        ("::1", 128),
        ("169.254.0.0", 16),
        ("fe80::", 10),
        ("10.0.0.0", 8),
        ("172.16.0.0", 12),
        ("192.168.0.0", 16),
        ("fc00::", 7),
    ]
    .map(|(address, prefix)| (address.parse().expect("a literal"), prefix))
    .to_vec()
}

/// Reads `source.address` as it stands in the event and sets what follows from it.
pub fn source(event: &mut Value, options: &Options) {
    let Some(text) = event.pointer("/source/address").and_then(Value::as_str) else {
        return;
    };
    let valid: Vec<(String, IpAddr)> = text.split(',').filter_map(literal).collect();

    // The right-most outside the trusted networks, else the left-most.
    let trusted = |ip: IpAddr| options.trusted.iter().any(|cidr| inside(ip, *cidr));
    let chosen = valid
        .iter()
        .rev()
        .find(|(_, ip)| !trusted(*ip))
        .or(valid.first());
    let Some((text, ip)) = chosen else {
        return;
    };

    let mut related = vec![text.clone()];
    for (other, _) in &valid {
        if !related.contains(other) {
            related.push(other.clone());
        }
    }
    put(event, "source.ip", Some(json!(text)));
    put(event, "related.ip", Some(json!(related)));
    put(event, "source.geo", (options.geo)(*ip));
    put(event, "source.as", (options.asn)(*ip));
    let network = options
        .networks
        .iter()
        .filter(|(cidr, _)| inside(*ip, *cidr))
        .max_by_key(|(cidr, _)| cidr.1);
    if let Some((_, name)) = network {
        put(event, "source.geo.name", Some(json!(name)));
    }
}

/// One entry of the list → the literal without port and brackets, as it was written, and its value.
fn literal(entry: &str) -> Option<(String, IpAddr)> {
    let entry = entry.trim();
    let text = if without_zone(entry).parse::<IpAddr>().is_ok() {
        entry
    } else if let Some(rest) = entry.strip_prefix('[') {
        let (inner, port) = rest.split_once(']')?;
        if !port.is_empty() && !is_port(port.strip_prefix(':')?) {
            return None;
        }
        inner
    } else {
        let (host, port) = entry.split_once(':')?;
        if !is_port(port) {
            return None;
        }
        host
    };
    let text = without_zone(text);
    Some((text.to_owned(), text.parse().ok()?))
}

/// An IPv6 address without its zone id: `fe80::1%eth0` is the address `fe80::1`.
fn without_zone(text: &str) -> &str {
    match text.split_once('%') {
        Some((address, _)) if address.parse::<Ipv6Addr>().is_ok() => address,
        _ => text,
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Whether the address is in the network, bit by bit. An IPv4-mapped IPv6 address counts as the IPv4 one.
fn inside(ip: IpAddr, (network, prefix): Cidr) -> bool {
    let (ip, network) = (bits(ip.to_canonical()), bits(network));
    let prefix = usize::from(prefix);
    ip.len() == network.len() && ip[..prefix] == network[..prefix]
}

fn bits(ip: IpAddr) -> Vec<bool> {
    let bytes = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
        .collect()
}

/// The host of a plain `http(s)://[user@]host[:port]/…`. The finer rules of §3 are tested elsewhere.
pub fn host(uri: &str) -> Option<String> {
    let rest = uri
        .strip_prefix("http://")
        .or_else(|| uri.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let server = authority.rsplit('@').next()?;
    let (host, port) = if server.starts_with('[') {
        server.split_at(server.find(']')? + 1)
    } else {
        server.split_at(server.find(':').unwrap_or(server.len()))
    };
    let port = port.strip_prefix(':').unwrap_or(port);
    let valid = port.bytes().all(|byte| byte.is_ascii_digit()) && valid_host(host);
    valid.then(|| host.to_owned())
}

fn valid_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.trim_end_matches(']').parse::<Ipv6Addr>().is_ok();
    }
    let labels: Vec<&str> = host.split('.').collect();
    let plain = |label: &&str| {
        let letters = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        letters && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let named = labels
        .last()
        .is_some_and(|label| label.starts_with(|c: char| c.is_ascii_alphabetic()));
    host.parse::<Ipv4Addr>().is_ok() || (labels.iter().all(plain) && named)
}
