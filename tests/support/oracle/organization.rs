//! The events of an organization (docs/org-events.md), as slowly and in the open as the rest of the oracle. Nothing is
//! cleaned here: what is empty stays.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::categories::Categories;
use super::{NOW, Options, address, put, time};

/// "`attributes` is an object."
pub fn is_one(record: &Map<String, Value>) -> bool {
    record.get("attributes").is_some_and(Value::is_object)
}

/// One record → the event without its envelope, or why it cannot be mapped.
pub fn map(record: &Map<String, Value>, line: &str, options: &Options) -> Result<Value, String> {
    let mut event = json!({});
    let attributes = inner(record.get("attributes"));
    put(&mut event, "ecs.version", Some(json!("9.3.0")));
    put(
        &mut event,
        "observer",
        Some(json!({"vendor": "Atlassian", "product": "Atlassian Cloud", "type": "saas"})),
    );
    if options.preserve_original {
        put(&mut event, "event.original", Some(json!(line)));
    }

    let processed = attributes
        .get("processedAt")
        .and_then(|value| time::organization(value).ok());
    let time = match attributes.get("time") {
        None | Some(Value::Null) => processed.clone().unwrap_or_else(|| NOW.to_owned()),
        Some(time) => time::organization(time)?,
    };
    put(&mut event, "@timestamp", Some(json!(time)));
    put(
        &mut event,
        "event.created",
        processed.map(|time| json!(time)),
    );

    put(&mut event, "event.id", scalar(record.get("id")));
    action(
        &mut event,
        attributes.get("action"),
        options.categories == Categories::Extended,
    );

    let message = inner(record.get("message"));
    put(&mut event, "message", scalar(message.get("content")));
    let audit = "atlassian_cloud.audit";
    let format = scalar(message.get("format"));
    put(&mut event, &format!("{audit}.message.format"), format);
    for whole in ["context", "container"] {
        let value = attributes.get(whole).cloned();
        put(&mut event, &format!("{audit}.{whole}"), value);
    }
    location(&mut event, &inner(attributes.get("location")), options);
    if let Some(Value::Object(actor)) = attributes.get("actor") {
        self::actor(&mut event, actor);
    }
    tidy(&mut event, audit);
    Ok(event)
}

/// [`put`] of nothing leaves the objects on the way.
fn tidy(event: &mut Value, audit: &str) {
    for path in [
        "actor.auth",
        "actor.on_behalf_of",
        "actor",
        "location",
        "message",
    ] {
        remove_if_bare(event, &format!("{audit}.{path}"));
    }
    for path in [
        audit,
        "atlassian_cloud",
        "source.geo",
        "source",
        "related",
        "user",
    ] {
        remove_if_bare(event, path);
    }
}

fn remove_if_bare(event: &mut Value, path: &str) {
    let pointer = format!("/{}", path.replace('.', "/"));
    if event.pointer(&pointer) == Some(&json!({})) {
        put(event, path, None);
    }
}

/// The members of what may be an object.
fn inner(value: Option<&Value>) -> Map<String, Value> {
    value
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// "Scalars are copied whatever their type", null too; "an object or list where a scalar belongs" is skipped.
fn scalar(value: Option<&Value>) -> Option<Value> {
    value
        .filter(|value| !value.is_array() && !value.is_object())
        .cloned()
}

// ---------------------------------------------------------------- §4 location

fn location(event: &mut Value, location: &Map<String, Value>, options: &Options) {
    // "A key directly in `location` whose value is `""` is taken out first."
    let value = |key: &str| scalar(location.get(key)).filter(|value| *value != json!(""));
    for (target, from) in [
        ("atlassian_cloud.audit.location.geo", "geo"),
        ("source.geo.country_name", "countryName"),
        ("source.geo.region_name", "regionName"),
        ("source.geo.city_name", "city"),
    ] {
        put(event, target, value(from));
    }
    let Some(ip) = value("ip").filter(|ip| !ip.is_null()) else {
        return;
    };
    let mut found = json!({"source": {"address": ip}});
    address::source(&mut found, options);
    put(event, "source.ip", found.pointer("/source/ip").cloned());
    put(event, "related.ip", found.pointer("/related/ip").cloned());
    put(event, "source.as", found.pointer("/source/as").cloned());
    // Of the City database nothing is taken, but what `--network` says.
    if let Some(name) = found.pointer("/source/geo/name") {
        put(event, "source.geo.name", Some(name.clone()));
    }
    if ip.as_str().is_none_or(|ip| ip.parse::<IpAddr>().is_err()) {
        put(event, "source.address", Some(ip));
    }
}

// ---------------------------------------------------------------- §4 actor

fn actor(event: &mut Value, actor: &Map<String, Value>) {
    let base = "atlassian_cloud.audit.actor";
    let auth = inner(actor.get("auth"));
    for (target, from) in [
        ("auth_type", "authType"),
        ("token_id", "tokenId"),
        ("token_label", "tokenLabel"),
    ] {
        put(
            event,
            &format!("{base}.auth.{target}"),
            scalar(auth.get(from)),
        );
    }
    let behalf = inner(actor.get("onBehalfOf"));
    for key in ["id", "name", "email"] {
        put(
            event,
            &format!("{base}.on_behalf_of.{key}"),
            scalar(behalf.get(key)),
        );
    }
    let app = inner(actor.get("app"));
    let mut ours = Map::new();
    for key in ["id", "type"] {
        ours.extend(scalar(app.get(key)).map(|value| (key.to_owned(), value)));
    }
    ours.extend(
        app.get("attributes")
            .map(|value| ("attributes".to_owned(), value.clone())),
    );

    // "Null `id` and `name` set nothing."
    let set = |key: &str| scalar(actor.get(key)).filter(|value| !value.is_null());
    let email =
        set("email").filter(|email| email.as_str().is_some_and(|email| email.contains('@')));
    let is_user = email.is_some()
        || actor
            .get("id")
            .and_then(Value::as_str)
            .is_some_and(is_account);
    if is_user {
        put(event, "user.id", set("id"));
        put(event, "user.name", set("name"));
        put(event, "user.email", email);
    } else {
        for key in ["id", "name"] {
            ours.extend(set(key).map(|value| (key.to_owned(), value)));
        }
    }
    if !is_user || !ours.is_empty() {
        put(event, &format!("{base}.app"), Some(Value::Object(ours)));
    }

    let mut related: Vec<String> = Vec::new();
    for pointer in [
        "/user/name",
        "/user/email",
        "/atlassian_cloud/audit/actor/on_behalf_of/name",
        "/atlassian_cloud/audit/actor/on_behalf_of/email",
    ] {
        let text = match event.pointer(pointer) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        if !related.contains(&text) {
            related.push(text);
        }
    }
    if !related.is_empty() {
        put(event, "related.user", Some(json!(related)));
    }
}

/// "Holds a `:` or is, as a whole, a UUID (either case)."
fn is_account(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.contains(':') || lengths == [8, 4, 4, 4, 12] && parts.iter().all(is_hex)
}

// ---------------------------------------------------------------- §5 categories

/// How an action fits a row: as a whole, by its beginning, by its end.
enum Fits {
    Exact,
    Prefix,
    Suffix,
}

type Row = (
    Fits,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const IAM: &[&str] = &["iam"];
const SETTINGS: &[&str] = &["configuration"];
const BOTH: &[&str] = &["iam", "configuration"];
const SIGN_IN: &[&str] = &["authentication"];
const PACKAGE: &[&str] = &["configuration", "package"];
const INFO: &[&str] = &["info"];
const CHANGE: &[&str] = &["change"];

/// The table, in its order.
const ROWS: &[Row] = &[
    (
        Fits::Exact,
        &["user_login", "user_logout"],
        SIGN_IN,
        INFO,
        "success",
    ),
    (
        Fits::Exact,
        &["user_login_failed"],
        SIGN_IN,
        INFO,
        "failure",
    ),
    (
        Fits::Exact,
        &["org_settings_update"],
        BOTH,
        CHANGE,
        "success",
    ),
    (
        Fits::Prefix,
        &["user_login_failed"],
        SIGN_IN,
        INFO,
        "failure",
    ),
    (
        Fits::Prefix,
        &["user_login", "user_logout"],
        SIGN_IN,
        INFO,
        "success",
    ),
    (Fits::Prefix, &["organization_users_"], IAM, INFO, "success"),
    (Fits::Prefix, &["user_profile_"], IAM, &["user"], "success"),
    (
        Fits::Prefix,
        &["user_invit"],
        IAM,
        &["user", "creation"],
        "success",
    ),
    (
        Fits::Prefix,
        &["user_deactiv", "user_reactiv"],
        IAM,
        &["user", "change"],
        "success",
    ),
    (
        Fits::Prefix,
        &["user_remov"],
        IAM,
        &["user", "deletion"],
        "success",
    ),
    (
        Fits::Prefix,
        &["marketplace_app_install"],
        PACKAGE,
        &["installation"],
        "success",
    ),
    (
        Fits::Prefix,
        &["marketplace_app_uninstall"],
        PACKAGE,
        &["deletion"],
        "success",
    ),
    (
        Fits::Prefix,
        &["api_token_creat"],
        IAM,
        &["creation"],
        "success",
    ),
    (
        Fits::Prefix,
        &["api_token_revok"],
        IAM,
        &["deletion"],
        "success",
    ),
    (
        Fits::Prefix,
        &["group_member"],
        IAM,
        &["group", "change"],
        "success",
    ),
    (
        Fits::Prefix,
        &["confluence_", "jira_", "bitbucket_"],
        SETTINGS,
        INFO,
        "success",
    ),
    (Fits::Suffix, &["_policy_update"], BOTH, CHANGE, "success"),
    (Fits::Suffix, &[""], SETTINGS, INFO, "success"),
];

fn action(event: &mut Value, action: Option<&Value>, extended: bool) {
    put(event, "event.action", scalar(action));
    let action = match action {
        None | Some(Value::Null) => return,
        Some(action) => action,
    };
    put(event, "event.kind", Some(json!("event")));
    let Some(action) = action.as_str() else {
        return;
    };
    if extended && let Some((category, kind)) = amended(action) {
        put(event, "event.category", Some(json!(category)));
        put(event, "event.type", Some(json!(kind)));
        put(event, "event.outcome", Some(json!("success")));
    } else {
        let row = ROWS.iter().find(|(fits, names, ..)| {
            names.iter().any(|name| match fits {
                Fits::Exact => action == *name,
                Fits::Prefix => action.starts_with(name),
                Fits::Suffix => action.ends_with(name),
            })
        });
        let (_, _, category, kind, outcome) = row.expect("the last row fits all");
        put(event, "event.category", Some(json!(category)));
        put(event, "event.type", Some(json!(kind)));
        put(event, "event.outcome", Some(json!(outcome)));
    }
    let has_failed = ["_failed", "_failure"]
        .iter()
        .any(|word| action.contains(word));
    if extended && (has_failed || action.ends_with("_deny")) {
        put(event, "event.outcome", Some(json!("failure")));
    }
}

/// Category and type by the amendments of `--categories extended`, where one is for the action.
fn amended(action: &str) -> Option<(Vec<&'static str>, Vec<&'static str>)> {
    match action {
        "user_added_to_group" | "user_removed_from_group" => {
            return Some((vec!["iam"], vec!["group", "change"]));
        }
        "group_created" => return Some((vec!["iam"], vec!["group", "creation"])),
        "group_deleted" => return Some((vec!["iam"], vec!["group", "deletion"])),
        _ => {}
    }
    if let Some(deed) = action.strip_prefix("confluence_") {
        return of_confluence(deed);
    }
    if action.contains("_granted_") || action.contains("_revoked_") {
        match action.split('_').next() {
            Some("user") => return Some((vec!["iam"], vec!["user", "change"])),
            Some("group") => return Some((vec!["iam"], vec!["group", "change"])),
            _ => {}
        }
    }
    let settings = ["saml_", "auth_policy_", "password_policy_", "twosv_"];
    settings
        .iter()
        .any(|prefix| action.starts_with(prefix))
        .then(|| {
            let kind = if action.ends_with("_created") {
                "creation"
            } else if action.ends_with("_deleted") {
                "deletion"
            } else {
                "change"
            };
            (vec!["iam", "configuration"], vec![kind])
        })
}

/// The catalogue's ids of Confluence, by the rules of objects and verbs of docs/events.md.
fn of_confluence(deed: &str) -> Option<(Vec<&'static str>, Vec<&'static str>)> {
    let deed = deed.strip_prefix("audit_record_").unwrap_or(deed);
    if let Some((verb, object)) = deed.split_once('_')
        && matches!(
            object.trim_end_matches('s'),
            "content_restriction"
                | "default_space_permission"
                | "global_permission"
                | "space_permission"
        )
    {
        let kind = match verb {
            "added" | "copied" => "creation",
            "removed" => "deletion",
            _ => return None,
        };
        return Some((vec!["iam", "configuration"], vec![kind]));
    }
    if let Some(app) = deed.strip_prefix("upm_app_") {
        let kind = match app {
            "install_success" | "install_dependency_success" => "installation",
            "uninstall_success" => "deletion",
            "enable_success" | "disable_success" => "change",
            "auto_update_attempt" => "start",
            "install_failed"
            | "install_failed_unsupported_protocol"
            | "uninstall_failed"
            | "update_failed"
            | "enable_failed"
            | "disable_failure"
            | "auto_update_failed_permission_required" => "info",
            _ => return None,
        };
        return Some((vec!["configuration", "package"], vec![kind]));
    }
    if let Some(export) = deed.strip_prefix("export_") {
        let kind = match export.split_once('_')? {
            ("page" | "blogpost" | "space", "started") => "info",
            ("page" | "blogpost" | "space", "finished" | "download") => "access",
            _ => return None,
        };
        return Some((vec!["file"], vec![kind]));
    }
    let kind = match deed {
        "page_created" | "blogpost_created" | "company_connection_created" => "creation",
        "page_deleted" | "blogpost_deleted" | "company_connection_deleted" => "deletion",
        "page_viewed" | "blogpost_viewed" => "access",
        "page_updated"
        | "blogpost_updated"
        | "content_redaction"
        | "workspace_settings_update"
        | "updated_content_classification_level"
        | "updated_default_classification_level" => "change",
        _ => return None,
    };
    Some((vec!["configuration"], vec![kind]))
}
