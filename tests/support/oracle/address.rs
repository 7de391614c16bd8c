//! docs/mapping.md 5, the source address.

use std::net::{IpAddr, Ipv6Addr};

use serde_json::{Value, json};

use super::{Cidr, Options, put, texts, without_repeats};

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
    let address = event.pointer("/source/address");
    // A list is read as the reference reads it, if it can: all of it literals.
    if let Some(Value::Array(elements)) = address {
        let ip = |element: &Value| element.as_str()?.parse::<IpAddr>().ok();
        if let Some(ips) = elements.iter().map(ip).collect::<Option<Vec<_>>>() {
            let list = address.cloned();
            let related = without_repeats(texts(address));
            put(event, "source.ip", list);
            put(event, "related.ip", Some(related));
            return located(event, &ips, options);
        }
    }
    let chain = texts(address).join(",");
    let valid: Vec<(String, IpAddr)> = chain.split(',').filter_map(literal).collect();

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
    located(event, &[*ip], options);
}

/// Sets what is known of the first of the addresses of which anything is known.
fn located(event: &mut Value, ips: &[IpAddr], options: &Options) {
    let geo = ips.iter().find_map(|ip| (options.geo)(*ip));
    put(event, "source.geo", geo);
    put(
        event,
        "source.as",
        ips.iter().find_map(|ip| (options.asn)(*ip)),
    );
    let network = ips.iter().find_map(|ip| {
        options
            .networks
            .iter()
            .filter(|(cidr, _)| inside(*ip, *cidr))
            .max_by_key(|(cidr, _)| cidr.1)
    });
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
