//! What a reader would look for in an event of Confluence, in the order of docs/mapping.md.

use super::{Found, first_ip, kind_of, why_no_scalar, why_not_known};
use crate::explain::Absent;
use crate::explain::leaves::EventLeaf;
use crate::pipeline::actions::{Categories, find};
use crate::pipeline::dialect::Record;
use crate::pipeline::event::{Event, Scalar, Subject};
use crate::pipeline::json::Value;
use crate::pipeline::map::users::is_about_users;
use crate::pipeline::normalize::Options;

/// What an event was made of, and what came of it.
pub(in crate::explain) struct Seen<'a> {
    /// Else it is of Data Center.
    pub is_cloud: bool,
    pub record: &'a Record<'a>,
    pub event: &'a Event<'a>,
    pub fields: &'a [EventLeaf],
    pub options: &'a Options,
}

/// The fields with their reasons, as they are found.
struct Reasons<'a> {
    seen: &'a Seen<'a>,
    found: Found<'a>,
}

impl Seen<'_> {
    /// The fields that are absent.
    pub fn absent(&self) -> Vec<Absent> {
        let mut reasons = Reasons {
            seen: self,
            found: Found::new(self.fields),
        };
        reasons.author();
        reasons.action();
        reasons.source();
        reasons.system();
        reasons.users();
        reasons.found.original();
        reasons.found.absent
    }

    /// Whether the affected User of a login takes the author's place (docs/mapping.md 7).
    pub fn is_author_replaced(&self) -> bool {
        self.event.row.subject == Subject::Login && is_about_users(&self.event.audit.kind)
    }
}

impl Reasons<'_> {
    fn add(&mut self, field: &'static str, reason: impl Into<String>) {
        self.found.add(field, reason);
    }

    fn has(&self, field: &str) -> bool {
        self.found.has(field)
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
        if self.seen.is_cloud {
            let name = member("displayName");
            self.add_scalar("user.id", "author.accountId", member("accountId"));
            self.add_scalar("user.full_name", "author.displayName", name);
            self.add("user.name", "records of Cloud have no username");
        } else {
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
    }

    fn action(&mut self) {
        let record = self.seen.record;
        if self.seen.is_cloud {
            self.add_scalar("event.action", "summary", record.summary);
        } else {
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
        if self.has("event.action") {
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
        if self.has("event.category") {
            self.add("event.outcome", "the table has none for this action");
        }
    }

    fn source(&mut self) {
        let record = self.seen.record;
        let (raw, address) = if self.seen.is_cloud {
            ("remoteAddress", record.remote_address)
        } else {
            ("source", record.source)
        };
        if self.seen.event.source_address.is_none() {
            return self.add_scalar("source.address", raw, address);
        }
        let known = self.seen.event.source;
        let Some(ip) = known.and_then(|known| first_ip(&known.ip)) else {
            return self.add("source.ip", format!("there is no IP address in `{raw}`"));
        };
        let databases = &self.seen.options.enricher.databases;
        if self.found.below("source.geo").all(|name| name == "name") {
            let is_named = self.has("source.geo");
            let hint = if is_named || kind_of(ip).is_none() {
                ""
            } else {
                "; --network names it"
            };
            let field = if is_named {
                "source.geo.country_iso_code"
            } else {
                "source.geo"
            };
            let is_given = databases.city.is_some();
            let why = why_not_known(ip, is_given, "City", "--geoip-city");
            self.add(field, why + hint);
        }
        self.found.autonomous_system(ip, databases);
    }

    fn system(&mut self) {
        if self.seen.is_cloud {
            return;
        }
        match self.seen.event.service_address {
            None => self.add_scalar("service.address", "system", self.seen.record.system),
            Some(_) => self.add("related.hosts", "`system` is no URI with a host"),
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
}
