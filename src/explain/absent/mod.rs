//! Fields that a reader would look for and that are not in an event, and why: a module for each data set.

pub(super) mod confluence;
pub(super) mod organization;

use std::net::IpAddr;

use super::Absent;
use super::leaves::EventLeaf;
use crate::pipeline::enrich::geoip::Databases;
use crate::pipeline::json::Value;

/// The fields with their reasons, as they are found.
struct Found<'a> {
    /// Those that the event has.
    fields: &'a [EventLeaf],
    absent: Vec<Absent>,
}

impl<'a> Found<'a> {
    /// Nothing yet.
    fn new(fields: &'a [EventLeaf]) -> Self {
        let absent = Vec::new();
        Self { fields, absent }
    }

    /// The first reason of a field counts.
    fn add(&mut self, field: &'static str, reason: impl Into<String>) {
        let is_known = self.absent.iter().any(|absent| absent.field == field);
        if !is_known && !self.has(field) {
            let reason = reason.into();
            self.absent.push(Absent { field, reason });
        }
    }

    /// Whether the event has a field, or one below it.
    fn has(&self, field: &str) -> bool {
        self.below(field).next().is_some()
    }

    /// The names below a field that the event has.
    fn below(&self, field: &str) -> impl Iterator<Item = String> {
        let names: Vec<String> = field.split('.').map(str::to_owned).collect();
        self.fields.iter().filter_map(move |leaf| {
            let mut path = leaf.path.names();
            let is_below = names.iter().all(|name| path.next() == Some(name));
            is_below.then(|| path.next().unwrap_or_default().to_owned())
        })
    }

    fn autonomous_system(&mut self, ip: IpAddr, databases: &Databases) {
        let is_given = databases.asn.is_some();
        let why = why_not_known(ip, is_given, "ASN", "--geoip-asn");
        self.add("source.as", why);
    }

    fn original(&mut self) {
        self.add("event.original", "--preserve-original-event is not given");
    }
}

/// Why a database tells nothing of an address.
fn why_not_known(ip: IpAddr, is_given: bool, name: &str, flag: &str) -> String {
    if !is_given {
        return format!("no {name} database is given ({flag})");
    }
    match kind_of(ip) {
        Some(kind) => format!("{ip} is {kind}, which no database knows"),
        None => format!("{ip} is not in the {name} database"),
    }
}

/// The first address in `source.ip`, which is JSON.
fn first_ip(json: &str) -> Option<IpAddr> {
    let first = match serde_json::from_str(json).ok()? {
        serde_json::Value::Array(list) => list.into_iter().next()?,
        one => one,
    };
    first.as_str()?.parse().ok()
}

/// Why nothing counts at a path of names in the record: it is empty, which is the same as absent, or not there.
fn why_missing(root: Value<'_>, path: &str) -> String {
    let found = path
        .split('.')
        .try_fold(root, |value, name| value.pick_whole([name])[0]);
    match found {
        Some(_) => format!("`{path}` is empty"),
        None => format!("the record has no `{path}`"),
    }
}

/// What an address is that belongs to nobody in particular.
fn kind_of(ip: IpAddr) -> Option<&'static str> {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_private() => Some("a private address"),
        IpAddr::V4(ip) if ip.is_loopback() => Some("a loopback address"),
        IpAddr::V4(ip) if ip.is_link_local() => Some("a link-local address"),
        IpAddr::V4(ip) if ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() => {
            Some("a reserved address")
        }
        IpAddr::V6(ip) if ip.is_unique_local() => Some("a private address"),
        IpAddr::V6(ip) if ip.is_loopback() => Some("a loopback address"),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some("a link-local address"),
        IpAddr::V6(ip) if ip.is_unspecified() || ip.is_multicast() => Some("a reserved address"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}
