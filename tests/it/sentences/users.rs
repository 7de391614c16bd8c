//! docs/mapping.md 7: users and groups.

use serde_json::{Value, json};

use crate::rules::event;

/// The users, group and related users of an event, without the author.
fn found(record: &Value) -> Value {
    let mut event = event(&[], &record.to_string());
    let mut parts = json!({});
    for name in ["user", "group", "related"] {
        if let Some(part) = event.get_mut(name) {
            parts[name] = part.take();
        }
    }
    parts
}

/// A self-hosted record about users; `action` is an `S.` key.
fn self_hosted(action: &str, members: &Value) -> Value {
    let kind = json!({"actionI18nKey": format!("audit.logging.summary.{action}"), "categoryI18nKey": "audit.logging.category.user.management"});
    with(json!({"timestamp": "5", "type": kind}), members)
}

fn cloud(action: &str, members: &Value) -> Value {
    with(
        json!({"creationDate": 5, "summary": action, "category": "Users and groups"}),
        members,
    )
}

fn with(mut record: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().expect("members") {
        record[name] = value.clone();
    }
    record
}

/// A record about each object, in both dialects under each name of the action.
fn of_objects(english: Option<&str>, key: &str, objects: &Value) -> Vec<Value> {
    let key_record = |members: Value| self_hosted(key, &members);
    let full = format!("audit.logging.summary.{key}");
    let mut records = vec![
        key_record(json!({"affectedObjects": objects})),
        cloud(&full, &json!({"associatedObjects": objects})),
    ];
    if let Some(english) = english {
        records.push(cloud(english, &json!({"associatedObjects": objects})));
        let kind = json!({"actionI18nKey": english, "category": "Users and groups"});
        records.push(json!({"timestamp": "5", "type": kind, "affectedObjects": objects}));
    }
    records
}

#[test]
fn only_of_three_categories_and_with_an_action() {
    let object = json!([{"type": "Group", "name": "g"}]);
    let key = "audit.logging.summary.group.created";
    for (kind, holds) in [
        (
            json!({"actionI18nKey": key, "categoryI18nKey": "audit.logging.category.user.management"}),
            true,
        ),
        (
            json!({"actionI18nKey": key, "categoryI18nKey": "audit.logging.category.auth"}),
            true,
        ),
        (
            json!({"actionI18nKey": key, "category": "Users and groups"}),
            true,
        ),
        (
            json!({"actionI18nKey": key, "category": "Users and groups", "categoryI18nKey": "other"}),
            true,
        ),
        (
            json!({"actionI18nKey": key, "category": "users and groups"}),
            false,
        ),
        (
            json!({"actionI18nKey": key, "categoryI18nKey": "audit.logging.category.permissions"}),
            false,
        ),
        (json!({"actionI18nKey": key}), false),
        (
            json!({"categoryI18nKey": "audit.logging.category.auth"}),
            false,
        ),
    ] {
        let record = json!({"timestamp": "5", "type": kind, "affectedObjects": object});
        assert_eq!(found(&record).get("group").is_some(), holds, "{kind}");
    }
}

#[test]
fn each_affected_user_by_its_action() {
    let user =
        json!([{"type": "User", "name": "Bob B", "id": "b", "uri": "http://w/u?username=bob"}]);
    let target = json!({"user": {"target": {"full_name": "Bob B", "id": "b", "name": "bob"}}, "related": {"user": ["bob"]}});
    let member =
        json!({"user": {"target": {"name": "Bob B", "id": "b"}}, "related": {"user": ["Bob B"]}});
    let login = json!({"user": {"full_name": "Bob B", "id": "b", "name": "bob"}, "related": {"user": ["bob"]}});
    for (english, key, expected) in [
        (Some("User created"), "user.created", &target),
        (Some("User deleted"), "user.deleted", &target),
        (Some("User details updated"), "user.updated", &target),
        (None, "user.password.changed", &target),
        (
            Some("User added to group"),
            "group.membership.added",
            &member,
        ),
        (
            Some("User removed from group"),
            "group.membership.removed",
            &member,
        ),
        (None, "login.success", &login),
        (None, "login.failed", &login),
        (Some("User renamed"), "user.renamed", &json!({})),
        (Some("Group created"), "group.created", &json!({})),
        (None, "user.logout", &json!({})),
        (None, "space.created", &json!({})),
    ] {
        for record in of_objects(english, key, &user) {
            assert_eq!(found(&record), *expected, "{record}");
        }
    }
}

#[test]
fn each_affected_group_by_its_action() {
    let group = json!([{"type": "Group", "name": "g", "id": "7"}]);
    let created = json!({"group": {"name": "g", "id": "7"}});
    let member = json!({"user": {"target": {"group": {"name": "g", "id": "7"}}}});
    for (english, key, expected) in [
        (Some("Group created"), "group.created", &created),
        (Some("Group deleted"), "group.deleted", &created),
        (
            Some("User added to group"),
            "group.membership.added",
            &member,
        ),
        (
            Some("User removed from group"),
            "group.membership.removed",
            &member,
        ),
        (Some("User created"), "user.created", &json!({})),
        (None, "login.success", &json!({})),
    ] {
        for record in of_objects(english, key, &group) {
            assert_eq!(found(&record), *expected, "{record}");
        }
    }
}

#[test]
fn a_group_of_the_cloud_is_split_at_the_last_uuid() {
    let uuid = "f1c2d3e4-0000-4000-8000-00000000000a";
    for (name, expected) in [
        (format!("g:{uuid}"), json!({"name": "g", "id": uuid})),
        (format!("a:b:{uuid}"), json!({"name": "a:b", "id": uuid})),
        (
            format!("g:{uuid}:{uuid}"),
            json!({"name": format!("g:{uuid}"), "id": uuid}),
        ),
        (
            format!("g:{}", uuid.to_uppercase()),
            json!({"name": format!("g:{}", uuid.to_uppercase()), "id": "7"}),
        ),
        (
            format!("g:{uuid} "),
            json!({"name": format!("g:{uuid} "), "id": "7"}),
        ),
        (uuid.to_owned(), json!({"name": uuid, "id": "7"})),
        (
            format!(":{uuid}"),
            json!({"name": format!(":{uuid}"), "id": "7"}),
        ),
        (String::new(), json!({"id": "7"})),
    ] {
        let objects = json!([{"objectType": "Group", "name": name, "id": "7"}]);
        let record = cloud("Group created", &json!({"associatedObjects": objects}));
        assert_eq!(found(&record)["group"], expected, "{record}");
    }
    // In the cloud dialect only.
    let name = format!("g:{uuid}");
    let record = self_hosted(
        "group.created",
        &json!({"affectedObjects": [{"type": "Group", "name": name}]}),
    );
    assert_eq!(found(&record)["group"], json!({"name": name}));
}

#[test]
fn a_later_element_overwrites_and_an_absent_value_removes() {
    let author = json!({"id": "me", "name": "Me", "uri": "?username=me"});
    let login = |objects: Value| {
        found(&self_hosted(
            "login.success",
            &json!({"author": author, "affectedObjects": objects}),
        ))["user"]
            .clone()
    };
    assert_eq!(
        login(json!([])),
        json!({"id": "me", "full_name": "Me", "name": "me"})
    );
    // No `id`: no `user.id`; no username: the name stays.
    assert_eq!(
        login(json!([{"type": "User", "name": "N", "uri": "http://w/u"}])),
        json!({"full_name": "N", "name": "me"})
    );
    assert_eq!(
        login(json!([{"type": "User", "id": "i", "uri": "?username=u"}])),
        json!({"id": "i", "name": "u"})
    );
    // In the order of the list.
    let two = json!([{"type": "User", "name": "A", "id": "a", "uri": "?username=a"}, {"type": "User", "name": "B"}]);
    assert_eq!(login(two), json!({"full_name": "B", "name": "a"}));
    // What is no object is passed over, and so is another type.
    let odd = json!(["User", 7, [{"type": "User", "id": "x"}], {"type": "user", "id": "y"}, {"type": "Space", "id": "z"}]);
    assert_eq!(
        login(odd),
        json!({"id": "me", "full_name": "Me", "name": "me"})
    );
    // An affected user's, likewise: only the username stays.
    let two = json!([
        {"type": "User", "name": "A", "id": "a", "uri": "?username=a"},
        {"type": "User", "name": "B", "uri": "http://w/u?username="},
    ]);
    for key in [
        "user.created",
        "user.deleted",
        "user.updated",
        "user.password.changed",
    ] {
        let record = self_hosted(key, &json!({"affectedObjects": two}));
        assert_eq!(
            found(&record)["user"],
            json!({"target": {"full_name": "B", "name": "a"}}),
            "{key}"
        );
    }
    let record = self_hosted(
        "group.membership.added",
        &json!({"affectedObjects": [
            {"type": "User", "name": "A", "id": "a"},
            {"type": "Group", "name": "g", "id": "1"},
            {"type": "User", "id": "b", "uri": "?username=c"},
            {"type": "Group", "id": "2"},
        ]}),
    );
    let target = json!({"id": "b", "group": {"id": "2"}});
    assert_eq!(found(&record)["user"], json!({"target": target}));
    // Groups, too.
    let groups = json!([{"type": "Group", "name": "a", "id": "1"}, {"type": "Group", "name": "b"}]);
    assert_eq!(
        found(&self_hosted(
            "group.created",
            &json!({"affectedObjects": groups})
        ))["group"],
        json!({"name": "b"})
    );
}

#[test]
fn each_changed_value_by_its_key() {
    let renamed =
        |key: &str| json!({"changedValues": [{"i18nKey": key, "from": "old", "to": "new"}]});
    let username = "audit.logging.changed.value.username";
    let expected = json!({"user": {"changes": {"name": "new"}, "target": {"name": "old"}}, "related": {"user": ["old", "new"]}});
    assert_eq!(
        found(&self_hosted("user.renamed", &renamed(username))),
        expected
    );
    assert_eq!(
        found(&self_hosted("user.renamed", &renamed("Username"))),
        json!({})
    );
    let in_cloud =
        json!({"changedValues": [{"name": username, "oldValue": "old", "newValue": "new"}]});
    assert_eq!(found(&cloud("User renamed", &in_cloud)), expected);
    for key in ["user.created", "user.updated"] {
        for (name, field) in [
            ("Username", "name"),
            ("Email", "email"),
            ("Display name", "full_name"),
        ] {
            let found = found(&self_hosted(key, &renamed(name)))["user"].take();
            assert_eq!(
                found,
                json!({"changes": {field: "new"}, "target": {field: "old"}}),
                "{name}"
            );
            // Without an old value, or with an empty one: the new one.
            for old in [json!({}), json!({"from": ""}), json!({"from": [null]})] {
                let value = with(json!({"i18nKey": name, "to": "new"}), &old);
                let found =
                    self::found(&self_hosted(key, &json!({"changedValues": [value]})))["user"]
                        .take();
                assert_eq!(
                    found,
                    json!({"changes": {field: "new"}, "target": {field: "new"}}),
                    "{value}"
                );
            }
        }
        assert_eq!(found(&self_hosted(key, &renamed(username))), json!({}));
        assert_eq!(found(&self_hosted(key, &renamed("email"))), json!({}));
    }
    for key in [
        "user.deleted",
        "user.password.changed",
        "login.success",
        "group.membership.added",
    ] {
        assert_eq!(
            found(&self_hosted(key, &renamed("Username"))),
            json!({}),
            "{key}"
        );
    }
    // A later one removes.
    let two = json!({"changedValues": [{"i18nKey": "Email", "from": "a", "to": "b"}, {"i18nKey": "Email", "from": "c"}]});
    assert_eq!(
        found(&self_hosted("user.updated", &two)),
        json!({"user": {"target": {"email": "c"}}})
    );
}

#[test]
fn related_users_are_in_order_and_once() {
    let record = |author: &str, target: &str, from: &str, to: &str| {
        let members = json!({
            "author": {"uri": format!("?username={author}")},
            "affectedObjects": [{"type": "User", "uri": format!("?username={target}")}],
            "changedValues": [{"i18nKey": "Username", "from": from, "to": to}],
        });
        found(&self_hosted("user.updated", &members))["related"]["user"].take()
    };
    assert_eq!(record("c", "t", "b", "a"), json!(["c", "b", "a"]));
    assert_eq!(record("a", "t", "a", "a"), json!(["a"]));
    assert_eq!(record("a", "t", "b", "a"), json!(["a", "b"]));
    // A changed value without either removes what the object set.
    assert_eq!(record("a", "t", "", ""), json!(["a"]));
    let number = json!({"affectedObjects": [{"type": "User", "name": 42}]});
    assert_eq!(
        found(&self_hosted("group.membership.added", &number))["related"]["user"],
        json!(["42"])
    );
}
