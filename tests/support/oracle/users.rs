//! docs/mapping.md 7: users and groups.

use serde_json::{Value, json};

use super::{Dialect, action, full, member, put, scalar, username, without_repeats};

const CREATED: &[&str] = &["User created", "S.user.created"];
const RENAMED: &[&str] = &["User renamed", "S.user.renamed"];
const UPDATED: &[&str] = &["User details updated", "S.user.updated"];
const DELETED: &[&str] = &["User deleted", "S.user.deleted"];
const PASSWORD: &[&str] = &["S.user.password.changed"];
const LOGIN: &[&str] = &["S.login.success", "S.login.failed"];
const GROUP: &[&str] = &[
    "Group created",
    "S.group.created",
    "Group deleted",
    "S.group.deleted",
];
const MEMBERSHIP: &[&str] = &[
    "User added to group",
    "S.group.membership.added",
    "User removed from group",
    "S.group.membership.removed",
];

fn is(action: &str, names: &[&[&str]]) -> bool {
    names.concat().iter().any(|name| full(name) == action)
}

/// Everything of §7; `related.user` is set whether the rest applies or not.
pub fn users_and_groups(event: &mut Value, dialect: Dialect) {
    if applies(event)
        && let Some(action) = action(event)
    {
        for object in elements(event, "/confluence/audit/affected_objects") {
            let kind = object.get("type").and_then(Value::as_str);
            if kind == Some("Group") {
                group(event, &action, &object, dialect);
            } else if kind == Some("User") {
                user(event, &action, &object);
            }
        }
        for value in elements(event, "/confluence/audit/changed_values") {
            change(event, &action, &value);
        }
    }
    related(event);
}

/// The condition of §7's first sentence.
fn applies(event: &Value) -> bool {
    let kind = event.pointer("/confluence/audit/type");
    let key = member(kind, "categoryI18nKey").and_then(Value::as_str);
    let category = member(kind, "category").and_then(Value::as_str);
    key == Some("audit.logging.category.user.management")
        || key == Some("audit.logging.category.auth")
        || category == Some("Users and groups")
}

/// The objects of a list: "an element that is not an object is passed over".
fn elements(event: &Value, pointer: &str) -> Vec<Value> {
    let all = event
        .pointer(pointer)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    all.into_iter().filter(Value::is_object).collect()
}

fn group(event: &mut Value, action: &str, object: &Value, dialect: Dialect) {
    let mut name = scalar(object.get("name"));
    let mut id = scalar(object.get("id"));
    if dialect == Dialect::Cloud
        && let Some((text, uuid)) = name.as_ref().and_then(Value::as_str).and_then(split)
    {
        (name, id) = (Some(json!(text)), Some(json!(uuid)));
    }
    if is(action, &[GROUP]) {
        put(event, "group.name", name);
        put(event, "group.id", id);
    } else if is(action, &[MEMBERSHIP]) {
        put(event, "user.target.group.name", name);
        put(event, "user.target.group.id", id);
    }
}

/// `TEXT:UUID` → both, at the last colon; the UUID in lower-case hexadecimal.
fn split(name: &str) -> Option<(String, String)> {
    let (text, uuid) = name.rsplit_once(':')?;
    let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let parts: Vec<&str> = uuid.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_uuid = lengths == [8, 4, 4, 4, 12] && parts.concat().chars().all(hex);
    (is_uuid && !text.is_empty()).then(|| (text.to_owned(), uuid.to_owned()))
}

fn user(event: &mut Value, action: &str, object: &Value) {
    let name = scalar(object.get("name"));
    let id = scalar(object.get("id"));
    let from_uri = username(object.get("uri")).map(|name| json!(name));
    if is(action, &[CREATED, DELETED, UPDATED, PASSWORD]) {
        put(event, "user.target.full_name", name);
        put(event, "user.target.id", id);
        // "An element whose uri holds no username never clears a name."
        if from_uri.is_some() {
            put(event, "user.target.name", from_uri);
        }
    } else if is(action, &[MEMBERSHIP]) {
        put(event, "user.target.name", name);
        put(event, "user.target.id", id);
    } else if is(action, &[LOGIN]) {
        put(event, "user.full_name", name);
        put(event, "user.id", id);
        if from_uri.is_some() {
            put(event, "user.name", from_uri);
        }
    }
}

fn change(event: &mut Value, action: &str, value: &Value) {
    let key = value.get("i18nKey").and_then(Value::as_str);
    let to = scalar(value.get("to"));
    if is(action, &[RENAMED]) {
        if key == Some("audit.logging.changed.value.username") {
            put(event, "user.changes.name", to);
            put(event, "user.target.name", scalar(value.get("from")));
        }
    } else if is(action, &[CREATED, UPDATED]) {
        let field = match key {
            Some("Username") => "name",
            Some("Email") => "email",
            Some("Display name") => "full_name",
            _ => return,
        };
        // An object is there, but cannot be read.
        let target = match value.get("from") {
            Some(from) => scalar(Some(from)),
            None => to.clone(),
        };
        put(event, &format!("user.changes.{field}"), to);
        put(event, &format!("user.target.{field}"), target);
    }
}

/// `related.user`: "those that are set, as text, without repeats".
fn related(event: &mut Value) {
    let mut names: Vec<String> = Vec::new();
    for pointer in ["/user/name", "/user/target/name", "/user/changes/name"] {
        match event.pointer(pointer) {
            // "`related.*` takes its strings and numbers".
            Some(Value::Array(elements)) => {
                let elements = elements.iter().filter(|element| !element.is_boolean());
                names.extend(elements.map(as_text));
            }
            Some(scalar) => names.push(as_text(scalar)),
            None => {}
        }
    }
    put(event, "related.user", Some(without_repeats(names)));
}

fn as_text(scalar: &Value) -> String {
    match scalar {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
