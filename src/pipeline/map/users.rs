//! Users and groups that a record is about (docs/mapping.md 7).

use std::borrow::Cow;

use crate::pipeline::dialect::ConfluenceDialect;
use crate::pipeline::event::{AuditType, Event, Scalar, Subject};
use crate::pipeline::json::Value;

use super::{scalar, username};

/// Sets the users and groups of an event from its affected objects and changed values.
pub fn apply(event: &mut Event<'_>, dialect: ConfluenceDialect) {
    if event.row.subject == Subject::None || !is_about_users(&event.audit.kind) {
        return;
    }
    // Elements are read before they are written: `event` cannot be both.
    let affected_objects = event.audit.affected_objects;
    for object in affected_objects.objects() {
        let kind = affected_objects.member(object, "type");
        if kind.is_some_and(|kind| kind.is_str("Group")) {
            group(event, object, dialect);
        } else if kind.is_some_and(|kind| kind.is_str("User")) {
            user(event, object);
        }
    }
    let changed_values = event.audit.changed_values;
    for object in changed_values.objects() {
        let member = |name| changed_values.member(object, name);
        let Some(key) = member("i18nKey").and_then(Value::as_str) else {
            continue;
        };
        changed_value(event, &key, member("from"), member("to"));
    }
}

/// Whether the category of a record is of users and groups.
pub fn is_about_users(kind: &AuditType<'_>) -> bool {
    let (category, key) = match kind {
        AuditType::Absent => (None, None),
        AuditType::Cloud { category, .. } => (*category, None),
        AuditType::Object(object) => object.pick(["category", "categoryI18nKey"]).into(),
    };
    category.is_some_and(|category| category.is_str("Users and groups"))
        || key.is_some_and(|key| {
            key.is_str("audit.logging.category.user.management")
                || key.is_str("audit.logging.category.auth")
        })
}

fn group<'a>(event: &mut Event<'a>, object: Value<'a>, dialect: ConfluenceDialect) {
    let mut name = scalar(object.get("name")).map(Scalar::Json);
    let mut id = scalar(object.get("id")).map(Scalar::Json);
    if dialect == ConfluenceDialect::Cloud {
        let text = object.get("name").and_then(Value::as_str);
        if let Some((group, uuid)) = text.and_then(split_uuid) {
            (name, id) = (Some(Scalar::Text(group)), Some(Scalar::Text(uuid)));
        }
    }
    match event.row.subject {
        Subject::Group => (event.group.name, event.group.id) = (name, id),
        Subject::Membership => {
            (event.target.group.name, event.target.group.id) = (name, id);
        }
        Subject::None
        | Subject::UserCreated
        | Subject::UserRenamed
        | Subject::UserUpdated
        | Subject::UserOnly
        | Subject::Login => {}
    }
}

/// `TEXT:UUID`, the form of group names in the Cloud dialect, into its halves.
fn split_uuid(name: Cow<'_, str>) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (text, uuid) = name.rsplit_once(':')?;
    let is_uuid = uuid.len() == 36
        && uuid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    if text.is_empty() || !is_uuid {
        return None;
    }
    let colon = text.len();
    Some(match name {
        Cow::Borrowed(name) => (name[..colon].into(), name[colon + 1..].into()),
        Cow::Owned(name) => {
            let uuid = name[colon + 1..].to_owned();
            (name[..colon].to_owned().into(), uuid.into())
        }
    })
}

fn user<'a>(event: &mut Event<'a>, object: Value<'a>) {
    let [id, name, uri] = object.pick(["id", "name", "uri"]);
    let name = scalar(name).map(Scalar::Json);
    let id = scalar(id).map(Scalar::Json);
    let username = uri.and_then(username).map(Scalar::Text);
    match event.row.subject {
        Subject::UserCreated | Subject::UserUpdated | Subject::UserOnly => {
            (event.target.full_name, event.target.id) = (name, id);
            event.target.name = username.or(event.target.name.take());
        }
        Subject::Membership => (event.target.name, event.target.id) = (name, id),
        Subject::Login => {
            (event.user.full_name, event.user.id) = (name, id);
            event.user.name = username.or(event.user.name.take());
        }
        Subject::None | Subject::UserRenamed | Subject::Group => {}
    }
}

fn changed_value<'a>(
    event: &mut Event<'a>,
    key: &str,
    from: Option<Value<'a>>,
    to: Option<Value<'a>>,
) {
    let new = scalar(to).map(Scalar::Json);
    match event.row.subject {
        Subject::UserRenamed if key == "audit.logging.changed.value.username" => {
            event.changes.name = new;
            event.target.name = scalar(from).map(Scalar::Json);
        }
        Subject::UserCreated | Subject::UserUpdated => {
            let old = scalar(from.or(to)).map(Scalar::Json);
            match key {
                "Username" => (event.changes.name, event.target.name) = (new, old),
                "Email" => (event.changes.email, event.target.email) = (new, old),
                "Display name" => {
                    (event.changes.full_name, event.target.full_name) = (new, old);
                }
                _ => {}
            }
        }
        Subject::None
        | Subject::UserRenamed
        | Subject::UserOnly
        | Subject::Membership
        | Subject::Group
        | Subject::Login => {}
    }
}
