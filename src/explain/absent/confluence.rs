//! What a reader would look for in an event of Confluence, in the order of docs/mapping.md.

use super::{Found, first_ip, kind_of, why_missing, why_not_known};
use crate::explain::Absent;
use crate::explain::leaves::EventLeaf;
use crate::pipeline::actions::{Categories, find};
use crate::pipeline::dialect::Record;
use crate::pipeline::event::{Event, Scalar, Subject};
use crate::pipeline::json::Value;
use crate::pipeline::map::users::is_about_users;
use crate::pipeline::normalize::Options;

const OTHER_CATEGORY: &str =
    "the record's category is not that of users and groups, nor of authentication";

/// What an event was made of, and what came of it.
pub(in crate::explain) struct Seen<'a> {
    /// Else it is of Data Center.
    pub is_cloud: bool,
    pub root: Value<'a>,
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

    /// Whether the action is in the table; every row has a category.
    pub fn is_listed(&self) -> bool {
        !self.event.row.category.is_empty()
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
        self.add(field, self.why_no_scalar(raw, value));
    }

    /// Why a member that the mapping takes scalars of, or lists of them, gives none.
    fn why_no_scalar(&self, raw: &str, value: Option<Value<'_>>) -> String {
        match value {
            None => why_missing(self.seen.root, raw),
            Some(value) if value.scalar().is_none() => {
                format!("`{raw}` is neither a text, a number nor a boolean, nor a list of them")
            }
            Some(_) => format!("`{raw}` does not take effect"),
        }
    }

    fn author(&mut self) {
        if self.seen.is_author_replaced()
            && let [Some(id), Some(name), _] = self.parts_of_last("User")
        {
            self.add("user.id", id);
            self.add("user.full_name", name);
        }
        self.user_of_another_category();
        self.author_of_record();
    }

    /// A login whose affected User does not take the author's place.
    fn user_of_another_category(&mut self) {
        let is_login = self.seen.event.row.subject == Subject::Login;
        if !is_login || self.is_about_users() || self.last_object("User").is_none() {
            return;
        }
        let author = self.seen.record.author;
        let (id, name) = if self.seen.is_cloud {
            ("accountId", "displayName")
        } else {
            ("id", "name")
        };
        for (field, member) in [("user.id", id), ("user.full_name", name)] {
            let value = author.and_then(|author| author.get(member));
            let why = self.why_no_scalar(&format!("author.{member}"), value);
            self.add(
                field,
                format!("{why}; the affected User does not count: {OTHER_CATEGORY}"),
            );
        }
    }

    fn author_of_record(&mut self) {
        let author = self.seen.record.author;
        let member = |name| author.and_then(|author| author.get(name));
        if self.seen.is_cloud {
            let name = member("displayName");
            self.add_scalar("user.id", "author.accountId", member("accountId"));
            self.add_scalar("user.full_name", "author.displayName", name);
            self.add(
                "user.name",
                "the reference maps no username of records of Cloud",
            );
        } else {
            self.add_scalar("user.id", "author.id", member("id"));
            self.add_scalar("user.full_name", "author.name", member("name"));
            let why = match member("uri") {
                None => why_missing(self.seen.root, "author.uri"),
                Some(_) => "`author.uri` does not end in ?username=NAME".to_owned(),
            };
            self.add("user.name", why);
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
            Some(_) => self.add(
                "related.hosts",
                "`system` is no URI with a valid host (an underscore in its name makes it invalid)",
            ),
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
            let field = match subject {
                Subject::None | Subject::Login => return,
                Subject::Group => "group",
                Subject::UserRenamed
                | Subject::UserCreated
                | Subject::UserUpdated
                | Subject::UserOnly
                | Subject::Membership => "user.target",
            };
            return self.add(field, OTHER_CATEGORY);
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
        for (field, member) in [("user.target.name", "from"), ("user.changes.name", "to")] {
            let why = self.why_not_renamed(member);
            self.add(field, why);
        }
        if self.last_object("User").is_some() {
            let reason = "of a renamed user only the names are mapped";
            self.add("user.target.id", reason);
        }
    }

    /// Why the changed value of the username has no such member.
    fn why_not_renamed(&self, member: &str) -> String {
        const KEY: &str = "audit.logging.changed.value.username";
        let values = self.seen.event.audit.changed_values;
        let has_key = |value: &Value<'_>| {
            let key = values.member(*value, "i18nKey");
            key.is_some_and(|key| key.is_str(KEY))
        };
        let Some(last) = values.objects().filter(has_key).last() else {
            return format!("no changed value has the i18nKey {KEY}");
        };
        // As the record has it.
        let member = match member {
            "from" if self.seen.is_cloud => "oldValue",
            "to" if self.seen.is_cloud => "newValue",
            other => other,
        };
        match last.get(member) {
            None => format!("the changed value of the username has no `{member}`"),
            Some(_) => {
                format!("`{member}` of the changed value of the username is no text or number")
            }
        }
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
        let which = if self.objects(kind).count() > 1 {
            format!("the last affected {kind}")
        } else {
            format!("the affected {kind}")
        };
        let lacks = |part: &str| match object.get(part) {
            None => format!("{which} has no {part}"),
            Some(_) => format!("the {part} of {which} is no text or number"),
        };
        let id = if self.seen.is_cloud && kind == "Group" && object.get("id").is_none() {
            format!("{which} has no id, and its name does not end in a colon and a UUID")
        } else {
            lacks("id")
        };
        let username = match object.get("uri") {
            None => format!("{which} has no uri"),
            Some(_) => format!("the uri of {which} does not end in ?username=NAME"),
        };
        [Some(id), Some(lacks("name")), Some(username)]
    }

    fn last_object(&self, kind: &str) -> Option<Value<'_>> {
        self.objects(kind).last()
    }

    /// The affected objects of a type.
    fn objects(&self, kind: &str) -> impl Iterator<Item = Value<'_>> {
        let objects = self.seen.event.audit.affected_objects;
        let is_of_kind = move |object: &Value<'_>| {
            let member = objects.member(*object, "type");
            member.is_some_and(|member| member.is_str(kind))
        };
        objects.objects().filter(is_of_kind)
    }
}
