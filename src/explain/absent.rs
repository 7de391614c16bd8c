//! Fields that a reader would look for and that are not in an event, and why.

use std::net::IpAddr;

use super::Absent;
use super::leaves::EventLeaf;
use crate::pipeline::actions::{Categories, find};
use crate::pipeline::dialect::{Dialect, Record};
use crate::pipeline::event::{Event, Scalar, Subject};
use crate::pipeline::json::Value;
use crate::pipeline::map::users::is_about_users;
use crate::pipeline::normalize::Options;

/// What an event was made of, and what came of it.
pub(super) struct Seen<'a> {
    pub dialect: Dialect,
    pub record: &'a Record<'a>,
    pub event: &'a Event<'a>,
    pub fields: &'a [EventLeaf],
    pub options: &'a Options,
}

/// The fields with their reasons, as they are found.
struct Found<'a> {
    seen: &'a Seen<'a>,
    absent: Vec<Absent>,
}

impl Seen<'_> {
    /// The fields that are absent, in the order of docs/mapping.md.
    pub fn absent(&self) -> Vec<Absent> {
        let mut found = Found {
            seen: self,
            absent: Vec::new(),
        };
        found.author();
        found.action();
        found.source();
        found.system();
        found.users();
        found.original();
        found.absent
    }

    /// Whether the affected User of a login takes the author's place (docs/mapping.md 7).
    pub fn is_author_replaced(&self) -> bool {
        self.event.row.subject == Subject::Login && is_about_users(&self.event.audit.kind)
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
}

impl Found<'_> {
    /// The first reason of a field counts.
    fn add(&mut self, field: &'static str, reason: impl Into<String>) {
        let is_known = self.absent.iter().any(|absent| absent.field == field);
        if !is_known && !self.seen.has(field) {
            let reason = reason.into();
            self.absent.push(Absent { field, reason });
        }
    }

    /// A field that is a scalar of the record, or a list of them.
    fn add_scalar(&mut self, field: &'static str, raw: &str, value: Option<Value<'_>>) {
        self.add(field, why_no_scalar(raw, value));
    }

    fn author(&mut self) {
        if self.seen.is_author_replaced()
            && let [Some(id), Some(name), _] = self.parts_of_last("User")
        {
            self.add("user.id", id);
            self.add("user.full_name", name);
        }
        self.author_of_record();
    }

    fn author_of_record(&mut self) {
        let author = self.seen.record.author;
        let member = |name| author.and_then(|author| author.get(name));
        match self.seen.dialect {
            Dialect::Cloud => {
                self.add_scalar("user.id", "author.accountId", member("accountId"));
                self.add_scalar(
                    "user.full_name",
                    "author.displayName",
                    member("displayName"),
                );
                self.add("user.name", "records of Cloud have no username");
            }
            Dialect::DcApi | Dialect::DcFile => {
                self.add_scalar("user.id", "author.id", member("id"));
                self.add_scalar("user.full_name", "author.name", member("name"));
                self.add(
                    "user.name",
                    match member("uri") {
                        None => "the record has no `author.uri`",
                        Some(_) => "`author.uri` does not end in ?username=NAME",
                    },
                );
            }
            Dialect::Organization => {}
        }
    }

    fn action(&mut self) {
        let record = self.seen.record;
        match self.seen.dialect {
            Dialect::Cloud => self.add_scalar("event.action", "summary", record.summary),
            Dialect::DcApi | Dialect::DcFile => {
                let (first, second) = (record.audit_type, record.kind);
                let name = if first.is_some() || second.is_none() {
                    "auditType"
                } else {
                    "type"
                };
                let key = first
                    .or(second)
                    .and_then(|object| object.get("actionI18nKey"));
                self.add_scalar("event.action", &format!("{name}.actionI18nKey"), key);
            }
            Dialect::Organization => {}
        }
        if self.seen.has("event.action") {
            let action = self.seen.event.action.as_ref().and_then(Scalar::text);
            let is_listed =
                action.is_some_and(|action| find(&action, Categories::Extended).is_some());
            let why = if is_listed {
                "the action is not in the table of --categories elastic; it is in that of --categories extended"
            } else {
                "the action is in no table"
            };
            self.add("event.category", why);
        } else {
            self.add("event.category", "the event has no action");
        }
        if self.seen.has("event.category") {
            self.add("event.outcome", "the table has none for this action");
        }
    }

    fn source(&mut self) {
        let record = self.seen.record;
        let (raw, address) = match self.seen.dialect {
            Dialect::Cloud => ("remoteAddress", record.remote_address),
            Dialect::DcApi | Dialect::DcFile => ("source", record.source),
            Dialect::Organization => return,
        };
        if self.seen.event.source_address.is_none() {
            return self.add_scalar("source.address", raw, address);
        }
        let ips = self.ips();
        let Some(ip) = ips.first() else {
            return self.add("source.ip", format!("there is no IP address in `{raw}`"));
        };
        let databases = &self.seen.options.enricher.databases;
        let why = |is_given: bool, name: &str, flag: &str| {
            if !is_given {
                return format!("no {name} database is given ({flag})");
            }
            match kind_of(*ip) {
                Some(kind) => format!("{ip} is {kind}, which no database knows"),
                None => format!("{ip} is not in the {name} database"),
            }
        };
        let geo = why(databases.city.is_some(), "City", "--geoip-city");
        let system = why(databases.asn.is_some(), "ASN", "--geoip-asn");
        let is_named = kind_of(*ip).is_none() || self.seen.has("source.geo");
        if self.seen.below("source.geo").all(|name| name == "name") {
            let hint = if is_named { "" } else { "; --network names it" };
            let field = if self.seen.has("source.geo") {
                "source.geo.country_iso_code"
            } else {
                "source.geo"
            };
            self.add(field, geo + hint);
        }
        self.add("source.as", system);
    }

    /// What is in `source.ip`.
    fn ips(&self) -> Vec<IpAddr> {
        let json = self.seen.event.source.map(|enrichment| &enrichment.ip);
        let value = json.and_then(|json| serde_json::from_str(json).ok());
        let texts: Vec<String> = match value {
            Some(serde_json::Value::String(text)) => vec![text],
            Some(list) => serde_json::from_value(list).unwrap_or_default(),
            None => Vec::new(),
        };
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }

    fn system(&mut self) {
        match self.seen.dialect {
            Dialect::Cloud | Dialect::Organization => {}
            Dialect::DcApi | Dialect::DcFile => match self.seen.event.service_address {
                None => self.add_scalar("service.address", "system", self.seen.record.system),
                Some(_) => self.add("related.hosts", "`system` is no URI with a host"),
            },
        }
    }

    fn is_about_users(&self) -> bool {
        is_about_users(&self.seen.event.audit.kind)
    }

    fn users(&mut self) {
        let subject = self.seen.event.row.subject;
        if subject == Subject::None {
            let is_there = ["User", "Group"].map(|kind| self.last_object(kind).is_some());
            if is_there.contains(&true) {
                let reason = "users and groups of this action are mapped in affected_objects only";
                self.add("user.target", reason);
            }
            return;
        }
        if !self.is_about_users() {
            let reason =
                "the record's category is not that of users and groups, nor of authentication";
            return self.add("user.target", reason);
        }
        match subject {
            Subject::None | Subject::Login => {}
            Subject::UserRenamed => self.renamed(),
            Subject::UserCreated | Subject::UserUpdated | Subject::UserOnly => {
                self.parts(
                    "User",
                    [
                        ("user.target.id", 0),
                        ("user.target.full_name", 1),
                        ("user.target.name", 2),
                    ],
                );
                if subject != Subject::UserOnly {
                    let reason = "no changed value is of Username, Email or Display name";
                    self.add("user.changes", reason);
                }
            }
            Subject::Membership => {
                self.parts("User", [("user.target.id", 0), ("user.target.name", 1)]);
                let group = [("user.target.group.id", 0), ("user.target.group.name", 1)];
                self.parts("Group", group);
            }
            Subject::Group => self.parts("Group", [("group.id", 0), ("group.name", 1)]),
        }
    }

    fn renamed(&mut self) {
        let reason =
            "no changed value has the i18nKey audit.logging.changed.value.username with this value";
        self.add("user.target.name", reason);
        self.add("user.changes.name", reason);
    }

    /// Fields that are parts of an affected object of a type: of its id, its name, the username in its uri.
    fn parts<const N: usize>(&mut self, kind: &'static str, fields: [(&'static str, usize); N]) {
        let parts = self.parts_of_last(kind);
        for (field, part) in fields {
            let missing = || format!("no affected object has the type {kind}");
            let reason = parts[part].clone().unwrap_or_else(missing);
            self.add(field, reason);
        }
    }

    /// Why the id, the name and the username of the last affected object of a type are missing, if they are; none
    /// without such an object.
    fn parts_of_last(&self, kind: &str) -> [Option<String>; 3] {
        let Some(object) = self.last_object(kind) else {
            return [None, None, None];
        };
        let lacks = |part: &str| {
            Some(match object.get(part) {
                None => format!("the affected {kind} has no {part}"),
                Some(_) => format!("the {part} of the affected {kind} is no text or number"),
            })
        };
        let username = match object.get("uri") {
            None => format!("the affected {kind} has no uri"),
            Some(_) => format!("the uri of the affected {kind} does not end in ?username=NAME"),
        };
        [lacks("id"), lacks("name"), Some(username)]
    }

    fn last_object(&self, kind: &str) -> Option<Value<'_>> {
        let objects = self.seen.event.audit.affected_objects;
        let is_of_kind = |object: &Value<'_>| {
            let member = objects.member(*object, "type");
            member.is_some_and(|member| member.is_str(kind))
        };
        objects.objects().filter(is_of_kind).last()
    }

    fn original(&mut self) {
        self.add("event.original", "--preserve-original-event is not given");
    }
}

/// Why a field of the record gives no scalar.
fn why_no_scalar(raw: &str, value: Option<Value<'_>>) -> String {
    match value {
        None => format!("the record has no `{raw}`"),
        Some(value) if value.scalar().is_none() => {
            format!("`{raw}` is neither a text, a number nor a boolean")
        }
        Some(_) => format!("`{raw}` does not take effect"),
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
