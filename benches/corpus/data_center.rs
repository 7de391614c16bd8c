//! Data Center records, as its log files and its API write them.

use super::draw::{Draw, USERS, iso, names};
use super::json::Json;
use super::tables::{
    GROUPS, KINDS, Kind, QUERIES, SETTINGS, SPACES, SYSTEMS, Shape, System, TITLES,
};

pub struct Record {
    kind: &'static Kind,
    author: Person,
    affected: Vec<Object>,
    changed: Vec<Change>,
    extra: Vec<Attribute>,
    method: &'static str,
    node: Option<String>,
    source: Option<String>,
    system: &'static System,
    /// nanoseconds since the epoch
    time: u64,
}

#[derive(Clone)]
struct Person {
    id: String,
    name: String,
    uri: Option<String>,
}

struct Object {
    id: Option<String>,
    name: String,
    kind: &'static str,
    uri: Option<String>,
}

struct Change {
    i18n_key: &'static str,
    key: &'static str,
    from: Option<String>,
    to: Option<String>,
}

struct Attribute {
    name: &'static str,
    i18n_key: &'static str,
    value: String,
}

/// Draws the next record.
pub fn record(draw: &mut Draw) -> Record {
    let kind = draw.weighted(KINDS, |kind| kind.weight);
    let system = draw.weighted(SYSTEMS, |system| system.weight);
    let by_server = kind.shape == Shape::Job;
    let author = match kind.shape {
        Shape::Job => nobody("-1", "System"),
        Shape::LoginFailed => nobody("-2", "Anonymous"),
        Shape::Content if draw.chance(6) => nobody("-2", "Anonymous"),
        _ => person(draw.below(USERS), system.url),
    };
    Record {
        kind,
        affected: affected(draw, kind.shape, system, &author),
        changed: changed(draw, kind.shape),
        extra: extra(draw, kind.shape),
        author,
        method: match draw.below(20) {
            _ if by_server => "System",
            0 | 1 => "API",
            2 => "Mobile",
            _ => "Browser",
        },
        node: (system.nodes > 0)
            .then(|| format!("confluence-node-{}", 1 + draw.below(system.nodes))),
        source: (!by_server).then(|| draw.address()),
        system,
        time: draw.tick(),
    }
}

fn affected(draw: &mut Draw, shape: Shape, system: &System, author: &Person) -> Vec<Object> {
    match shape {
        Shape::Content => {
            let mut list = vec![page(draw, system), space(draw, system)];
            list.extend((0..draw.below(9).saturating_sub(4)).map(|_| attachment(draw, system)));
            list
        }
        Shape::Space | Shape::Export => vec![space(draw, system)],
        Shape::Login | Shape::Profile => vec![user(author)],
        Shape::LoginFailed => vec![user(&person(draw.below(USERS), system.url))],
        Shape::Membership => {
            let mut list = vec![group(draw)];
            list.extend(
                (0..=draw.below(8).saturating_sub(3))
                    .map(|_| user(&person(draw.below(USERS), system.url))),
            );
            list
        }
        Shape::Group => vec![group(draw)],
        Shape::Permission => vec![space(draw, system), group(draw)],
        Shape::Token => vec![Object {
            id: Some((1000 + draw.below(9000)).to_string()),
            name: format!("{} token", draw.pick(TITLES)),
            kind: "Personal access token",
            uri: None,
        }],
        Shape::Search | Shape::AuditSearch | Shape::Settings | Shape::Job => Vec::new(),
    }
}

fn changed(draw: &mut Draw, shape: Shape) -> Vec<Change> {
    let value = |i18n_key, key, from, to| Change {
        i18n_key,
        key,
        from,
        to,
    };
    match shape {
        Shape::Settings | Shape::Space => (0..=draw.below(5))
            .map(|_| {
                let setting = draw.pick(SETTINGS);
                let from = draw
                    .chance(85)
                    .then(|| draw.pick(setting.values).to_owned());
                let to = Some(draw.pick(setting.values).to_owned());
                value(setting.i18n_key, setting.key, from, to)
            })
            .collect(),
        Shape::Profile => {
            let (old, new) = (draw.below(USERS), draw.below(USERS));
            let mail = |n| format!("{}@example.com", names::username(n));
            vec![
                value("Username", "Username", None, Some(names::username(new))),
                value("Email", "Email", Some(mail(old)), Some(mail(new))),
                value(
                    "Display name",
                    "Display name",
                    Some(names::full_name(old)),
                    Some(names::full_name(new)),
                ),
            ]
        }
        Shape::Permission => vec![
            value(
                "audit.logging.changed.value.permission.type",
                "Type",
                None,
                Some("VIEWSPACE".to_owned()),
            ),
            value(
                "audit.logging.changed.value.permission.group",
                "Group",
                Some(String::new()),
                Some(draw.pick(GROUPS).to_owned()),
            ),
        ],
        Shape::Content if draw.chance(25) => vec![value(
            "audit.logging.changed.value.title",
            "Title",
            Some(draw.pick(TITLES).to_owned()),
            Some(draw.title()),
        )],
        Shape::Content
        | Shape::Search
        | Shape::AuditSearch
        | Shape::Login
        | Shape::LoginFailed
        | Shape::Membership
        | Shape::Group
        | Shape::Token
        | Shape::Export
        | Shape::Job => Vec::new(),
    }
}

fn extra(draw: &mut Draw, shape: Shape) -> Vec<Attribute> {
    let attribute = |name, i18n_key, value| Attribute {
        name,
        i18n_key,
        value,
    };
    let query = if draw.chance(10) {
        String::new()
    } else {
        draw.pick(QUERIES).to_owned()
    };
    let found = draw.below(500);
    match shape {
        Shape::Search => vec![
            attribute("Query", "audit.logging.extra.query", query),
            attribute("Results", "audit.logging.extra.results", found.to_string()),
            attribute(
                "Space",
                "audit.logging.extra.space",
                draw.pick(SPACES).1.to_owned(),
            ),
        ],
        Shape::AuditSearch => vec![
            attribute("Query", "atlassian.audit.event.attribute.query", query),
            attribute(
                "Results returned",
                "atlassian.audit.event.attribute.results",
                found.to_string(),
            ),
            attribute(
                "ID Range",
                "atlassian.audit.event.attribute.id",
                format!("1 - {found}"),
            ),
            attribute(
                "Timestamp Range",
                "atlassian.audit.event.attribute.timestamp",
                "2025-12-31T23:42:45.791Z - 2025-12-31T23:59:22.615Z".to_owned(),
            ),
        ],
        Shape::Content if draw.chance(40) => vec![attribute(
            "Version",
            "audit.logging.extra.version",
            (1 + draw.below(80)).to_string(),
        )],
        Shape::Job => vec![attribute("Job", "audit.logging.extra.job", draw.title())],
        Shape::Content
        | Shape::Space
        | Shape::Export
        | Shape::Login
        | Shape::LoginFailed
        | Shape::Membership
        | Shape::Group
        | Shape::Profile
        | Shape::Permission
        | Shape::Token
        | Shape::Settings => Vec::new(),
    }
}

fn author_type(author: &Person) -> &'static str {
    if author.id.starts_with('-') {
        "system"
    } else {
        "user"
    }
}

fn nobody(id: &str, name: &str) -> Person {
    Person {
        id: id.to_owned(),
        name: name.to_owned(),
        uri: None,
    }
}

fn person(number: u64, url: &str) -> Person {
    let username = names::username(number);
    Person {
        id: format!("2c9580827d4a06e8017d4a07{:08x}", 0xc3e1_0000 + number),
        name: names::full_name(number),
        uri: Some(format!(
            "{url}/admin/users/viewuser.action?username={username}"
        )),
    }
}

fn user(person: &Person) -> Object {
    Object {
        id: Some(person.id.clone()),
        name: person.name.clone(),
        kind: "User",
        uri: person.uri.clone(),
    }
}

fn group(draw: &mut Draw) -> Object {
    Object {
        id: None,
        name: draw.pick(GROUPS).to_owned(),
        kind: "Group",
        uri: None,
    }
}

fn page(draw: &mut Draw, system: &System) -> Object {
    let id = 65_000 + draw.below(900_000);
    Object {
        id: Some(id.to_string()),
        name: draw.title(),
        kind: "Page",
        uri: Some(format!("{}/pages/viewpage.action?pageId={id}", system.url)),
    }
}

fn attachment(draw: &mut Draw, system: &System) -> Object {
    let id = 65_000 + draw.below(900_000);
    Object {
        id: Some(id.to_string()),
        name: format!("{}.pdf", draw.title()),
        kind: "Attachment",
        uri: Some(format!(
            "{}/pages/viewpageattachments.action?pageId={id}",
            system.url
        )),
    }
}

fn space(draw: &mut Draw, system: &System) -> Object {
    let (key, name) = draw.pick(SPACES);
    Object {
        id: Some((98_000 + draw.below(64)).to_string()),
        name: name.to_owned(),
        kind: "Space",
        uri: Some(format!("{}/display/{key}", system.url)),
    }
}

impl Record {
    /// A line of a log file: alphabetical keys, no nulls.
    pub fn write_file(&self, out: &mut Json) {
        let kind = self.kind;
        out.raw("{");
        self.affected_objects(out);
        out.raw(",\"auditType\":");
        out.object(&[
            ("action", Some(kind.action)),
            ("actionI18nKey", Some(kind.key)),
            ("area", Some(kind.area)),
            ("category", Some(kind.category.0)),
            ("categoryI18nKey", Some(kind.category.1)),
            ("level", Some(kind.level)),
        ]);
        out.raw(",\"author\":");
        out.object(&[
            ("id", Some(&self.author.id)),
            ("name", Some(&self.author.name)),
            ("type", Some(author_type(&self.author))),
            ("uri", self.author.uri.as_deref()),
        ]);
        out.raw(",");
        self.changed_values(out);
        out.raw(",");
        self.extra_attributes(out);
        out.raw(",");
        out.members(&[
            ("method", Some(self.method)),
            ("node", self.node.as_deref()),
            ("source", self.source.as_deref()),
            ("system", Some(self.system.url)),
        ]);
        let (second, nano) = (self.time / 1_000_000_000, self.time % 1_000_000_000);
        out.raw(&format!(
            r#","timestamp":{{"epochSecond":{second},"nano":{nano}}},"version":"1.0"}}"#
        ));
    }

    /// A record of the REST API.
    pub fn write_api(&self, out: &mut Json) {
        let kind = self.kind;
        out.raw("{");
        out.members(&[("timestamp", Some(&iso(self.time, self.system.zone_minutes)))]);
        out.raw(",\"author\":");
        out.object(&[
            ("name", Some(&self.author.name)),
            ("type", Some(author_type(&self.author))),
            ("id", Some(&self.author.id)),
            ("uri", self.author.uri.as_deref()),
            ("avatarUri", Some("")),
        ]);
        out.raw(",\"type\":");
        out.object(&[
            ("categoryI18nKey", Some(kind.category.1)),
            ("category", Some(kind.category.0)),
            ("actionI18nKey", Some(kind.key)),
            ("action", Some(kind.action)),
        ]);
        out.raw(",");
        self.affected_objects(out);
        out.raw(",");
        self.changed_values(out);
        out.raw(",");
        out.members(&[
            ("source", self.source.as_deref()),
            ("system", Some(self.system.url)),
            ("node", self.node.as_deref()),
            ("method", Some(self.method)),
        ]);
        out.raw(",");
        self.extra_attributes(out);
        out.raw("}");
    }

    fn affected_objects(&self, out: &mut Json) {
        out.raw("\"affectedObjects\":");
        out.list(&self.affected, |out, object| {
            out.object(&[
                ("id", object.id.as_deref()),
                ("name", Some(&object.name)),
                ("type", Some(object.kind)),
                ("uri", object.uri.as_deref()),
            ]);
        });
    }

    fn changed_values(&self, out: &mut Json) {
        out.raw("\"changedValues\":");
        out.list(&self.changed, |out, change| {
            out.object(&[
                ("from", change.from.as_deref()),
                ("i18nKey", Some(change.i18n_key)),
                ("key", Some(change.key)),
                ("to", change.to.as_deref()),
            ]);
        });
    }

    fn extra_attributes(&self, out: &mut Json) {
        out.raw("\"extraAttributes\":");
        out.list(&self.extra, |out, attribute| {
            out.object(&[
                ("name", Some(attribute.name)),
                ("nameI18nKey", Some(attribute.i18n_key)),
                ("value", Some(&attribute.value)),
            ]);
        });
    }
}
