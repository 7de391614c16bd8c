//! `source.ip`, `source.geo`, `source.as` and `related.ip` of a source address (docs/mapping.md 5).

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use crate::pipeline::enrich::geoip::{AutonomousSystem, Databases, Geo};
use crate::pipeline::enrich::network::{self, Networks, TrustedProxies};

/// What is known of the addresses of a run.
#[derive(Debug, Default)]
pub struct Enricher {
    /// GeoIP databases, each optional.
    pub databases: Databases,
    /// Proxies whose addresses are not the source (`--trusted-proxy`).
    pub trusted: TrustedProxies,
    /// Networks with names (`--network`).
    pub networks: Networks,
}

/// What is known of one source address, as JSON texts; empty ones are not there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Enrichment {
    /// `source.as`
    pub autonomous_system: String,
    /// `source.geo`
    pub geo: String,
    /// `source.geo.name`
    pub network: String,
    /// The text is nothing but the address in it.
    pub is_literal: bool,
    /// `source.ip`
    pub ip: String,
    /// `related.ip`
    pub related_ip: String,
}

impl Enricher {
    /// Looks an address up.
    #[must_use]
    pub fn enrich(&self, address: &str) -> Enrichment {
        let read = network::read(address, &self.trusted);
        let Some((text, ip)) = read.ip else {
            return Enrichment::default();
        };
        Enrichment {
            autonomous_system: self.autonomous_system(ip),
            geo: self.geo(ip),
            network: self.network(ip),
            is_literal: text == address,
            ip: json!(text).to_string(),
            related_ip: json!(read.related).to_string(),
        }
    }

    /// Looks a list of addresses up; none stands for an element that is no text. Where all are literals,
    /// `source.ip` is all of them, as the reference has it, and the first that is known tells where
    /// they are; else the list is read as that of a proxy chain.
    #[must_use]
    pub fn enrich_list(&self, addresses: &[Option<Cow<'_, str>>]) -> Enrichment {
        let texts: Vec<&str> = addresses.iter().flatten().map(|text| &**text).collect();
        let literals: Result<Vec<IpAddr>, _> = texts.iter().map(|text| text.parse()).collect();
        let literals = literals.ok().filter(|ips| ips.len() == addresses.len());
        let Some(ips) = literals else {
            return self.enrich(&texts.join(","));
        };
        let first = |part: &dyn Fn(IpAddr) -> String| {
            let mut parts = ips.iter().map(|ip| part(*ip));
            parts.find(|part| !part.is_empty()).unwrap_or_default()
        };
        let mut seen = HashSet::new();
        let once: Vec<&str> = texts
            .iter()
            .copied()
            .filter(|text| seen.insert(*text))
            .collect();
        Enrichment {
            autonomous_system: first(&|ip| self.autonomous_system(ip)),
            geo: first(&|ip| self.geo(ip)),
            network: first(&|ip| self.network(ip)),
            is_literal: false,
            ip: json!(texts).to_string(),
            related_ip: json!(once).to_string(),
        }
    }

    fn autonomous_system(&self, ip: IpAddr) -> String {
        let system = self.databases.asn(ip);
        system.map(autonomous_system).unwrap_or_default()
    }

    fn network(&self, ip: IpAddr) -> String {
        let name = self.networks.name_of(ip);
        name.map(|name| json!(name).to_string()).unwrap_or_default()
    }

    fn geo(&self, ip: IpAddr) -> String {
        let geo = self.databases.geo(ip).unwrap_or_default();
        let name = self.networks.name_of(ip).map(str::to_owned);
        let fields = geo_fields(geo, name);
        if fields.is_empty() {
            return String::new();
        }
        Value::Object(fields).to_string()
    }
}

fn geo_fields(geo: Geo, name: Option<String>) -> Map<String, Value> {
    let location = geo
        .location
        .map(|location| json!({"lat": location.lat, "lon": location.lon}));
    let texts = [
        ("city_name", geo.city_name),
        ("continent_name", geo.continent_name),
        ("country_iso_code", geo.country_iso_code),
        ("country_name", geo.country_name),
        ("name", name),
        ("region_iso_code", geo.region_iso_code),
        ("region_name", geo.region_name),
    ];
    texts
        .into_iter()
        .filter_map(|(field, text)| Some((field.to_owned(), Value::String(text?))))
        .chain(location.map(|location| ("location".to_owned(), location)))
        .collect()
}

fn autonomous_system(system: AutonomousSystem) -> String {
    let mut fields = Map::new();
    if let Some(number) = system.number {
        fields.insert("number".to_owned(), json!(number));
    }
    if let Some(name) = system.organization_name {
        fields.insert("organization".to_owned(), json!({"name": name}));
    }
    Value::Object(fields).to_string()
}
