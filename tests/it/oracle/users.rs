//! §7, users and groups; §8, the clean-up.

use serde_json::{Value, json};

use super::{cloud, dc, maps, with};
use crate::support::events::assert_same_event;
use crate::support::oracle::{Options, map};

const MANAGEMENT: &str = "audit.logging.category.user.management";

/// A Data Center record of user management with this `S.` key.
fn dc_users(summary: &str, members: &Value) -> Value {
    let key = format!("audit.logging.summary.{summary}");
    let kind = json!({"actionI18nKey": key, "categoryI18nKey": MANAGEMENT});
    with(&dc(members), &json!({"auditType": kind}))
}

fn cloud_users(summary: &str, members: &Value) -> Value {
    let head = json!({"summary": summary, "category": "Users and groups"});
    with(&cloud(members), &head)
}

fn user(name: &str) -> Value {
    json!({"type": "User", "name": name, "id": format!("id-{name}"), "uri": format!("http://c/x?username={name}")})
}

// ---------------------------------------------------------------- §7

#[test]
fn only_for_users_and_groups() {
    let object = json!([user("bob")]);
    let key = "audit.logging.summary.user.created";
    for (kind, expected) in [
        (
            json!({"actionI18nKey": key, "categoryI18nKey": MANAGEMENT}),
            json!("id-bob"),
        ),
        (
            json!({"actionI18nKey": key, "categoryI18nKey": "audit.logging.category.auth"}),
            json!("id-bob"),
        ),
        (
            json!({"actionI18nKey": "User created", "category": "Users and groups"}),
            json!("id-bob"),
        ),
        (
            json!({"actionI18nKey": key, "category": "Users"}),
            Value::Null,
        ),
        (json!({"categoryI18nKey": MANAGEMENT}), Value::Null),
    ] {
        let record = dc(&json!({"auditType": kind, "affectedObjects": object}));
        maps(&record, &[("user.target.id", expected)]);
    }
}

const UUID: &str = "f1c2d3e4-0000-4000-8000-00000000000a";

#[test]
fn groups() {
    let named = |name: &str| json!([{"objectType": "Group", "name": name, "id": "own"}]);
    let cases = [
        (format!("a:b:{UUID}"), json!({"name": "a:b", "id": UUID})),
        (
            format!("a:{}", UUID.to_uppercase()),
            json!({"name": format!("a:{}", UUID.to_uppercase()), "id": "own"}),
        ),
        ("plain".to_owned(), json!({"name": "plain", "id": "own"})),
    ];
    for (name, expected) in cases {
        let objects = json!({"associatedObjects": named(&name)});
        let created = cloud_users("Group created", &objects);
        maps(&created, &[("group", expected.clone())]);
        let added = cloud_users("User added to group", &objects);
        maps(
            &added,
            &[("user.target.group", expected), ("group", Value::Null)],
        );
    }
    // Not split in Data Center.
    let name = format!("a:{UUID}");
    let objects = json!({"affectedObjects": [{"type": "Group", "name": name}]});
    let deleted = dc_users("group.deleted", &objects);
    maps(&deleted, &[("group", json!({"name": name}))]);
}

#[test]
fn affected_users() {
    let objects = json!({"author": {"id": "me"}, "affectedObjects": [user("bob")]});
    let target = json!({"full_name": "bob", "id": "id-bob", "name": "bob"});
    for summary in [
        "user.created",
        "user.deleted",
        "user.updated",
        "user.password.changed",
    ] {
        maps(
            &dc_users(summary, &objects),
            &[("user.target", target.clone())],
        );
    }
    maps(
        &dc_users("group.membership.removed", &objects),
        &[("user.target", json!({"name": "bob", "id": "id-bob"}))],
    );
    maps(
        &dc_users("login.failed", &objects),
        &[(
            "user",
            json!({"full_name": "bob", "id": "id-bob", "name": "bob"}),
        )],
    );
    maps(
        &dc_users("user.renamed", &objects),
        &[("user", json!({"id": "me"}))],
    );
}

#[test]
fn later_elements_overwrite_and_missing_values_remove() {
    let author = json!({"id": "me", "name": "Me", "uri": "?username=me"});
    let objects = json!({"author": author, "affectedObjects": [user("bob"), 7, {"type": "User", "name": "x", "id": [[1]]}]});
    maps(
        &dc_users("login.success", &objects),
        &[("user", json!({"full_name": "x", "name": "bob"}))],
    );
    let nameless = json!({"author": author, "affectedObjects": [{"type": "User", "name": null}]});
    maps(
        &dc_users("login.success", &nameless),
        &[("user", json!({"name": "me"}))],
    );
}

#[test]
fn changed_values() {
    let renamed = json!({"changedValues": [
        {"i18nKey": "audit.logging.changed.value.username", "from": "old", "to": "new"},
    ]});
    maps(
        &dc_users("user.renamed", &renamed),
        &[
            (
                "user",
                json!({"changes": {"name": "new"}, "target": {"name": "old"}}),
            ),
            ("related.user", json!(["old", "new"])),
        ],
    );
    let updated = json!({"changedValues": [
        {"name": "Username", "newValue": "n"},
        {"name": "Email", "oldValue": "", "newValue": "e"},
        {"name": "Display name", "oldValue": null, "newValue": "d"},
    ]});
    let user = json!({"changes": {"name": "n", "email": "e", "full_name": "d"}, "target": {"name": "n", "email": "e", "full_name": "d"}});
    for summary in ["User created", "User details updated"] {
        maps(
            &cloud_users(summary, &updated),
            &[("user", user.clone()), ("related.user", json!(["n"]))],
        );
    }
    let unreadable = json!({"changedValues": [
        {"i18nKey": "Username", "from": "a", "to": "b"},
        {"i18nKey": "Username", "from": {"x": 1}},
    ]});
    maps(
        &dc_users("user.updated", &unreadable),
        &[("user", Value::Null), ("related", Value::Null)],
    );
}

#[test]
fn related_users_are_text() {
    let objects = json!({"author": {"uri": "?username=me"}, "affectedObjects": [{"type": "User", "name": 42}]});
    maps(
        &dc_users("group.membership.added", &objects),
        &[
            ("related.user", json!(["me", "42"])),
            ("user.target.name", json!(42)),
        ],
    );
}

// ---------------------------------------------------------------- §8

#[test]
fn clean_up() {
    let record = dc(
        &json!({"extraAttributes": [{"a": ""}, [[], {}], {"b": false, "c": 0, "d": " ", "e": null}]}),
    );
    let path = "confluence.audit.extra_attributes";
    let kept = json!([{"b": false, "c": 0, "d": " "}]);
    maps(&record, &[(path, kept)]);
    maps(
        &dc(&json!({"extraAttributes": [{"a": [{"b": ""}]}]})),
        &[("confluence", Value::Null)],
    );
}

#[test]
fn numbers_keep_their_value_and_the_last_of_two_keys_wins() {
    let text = r#"{"creationDate":"x","creationDate":5,"associatedObjects":[{"n":9007199254740993,"m":12345678901234567890123,"n2":1,"n2":2}]}"#;
    let event = map(text, &Options::default()).expect("it maps");
    let expected: Value =
        serde_json::from_str(r#"[{"n":9007199254740993,"m":12345678901234567890123,"n2":2}]"#)
            .expect("JSON");
    assert_same_event(
        &event["confluence"]["audit"]["affected_objects"],
        &expected,
        text,
    );
}
