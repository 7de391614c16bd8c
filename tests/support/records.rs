//! Strategies for raw audit records, as text: realistic ones mostly, then bent in a place or two.
//! Nothing of the text is left to chance that JSON leaves free: white space, escapes, order of keys.
//!
//! The texts stand on one line, without white space around them.

mod bend;
mod focus;
mod organization;
mod text;
mod values;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use bend::bent;
use focus::focused;
use text::{Json, Style};
use values::{
    address, always, any_value, api_time, creation_date, empty, epoch_object, group_name, id, list,
    mostly, name, object, one_of, seldom, system, uri,
};

/// A record of any dialect, or a mixture of two, or now and then any JSON.
pub fn record() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => spelled(bent(focused(dc_file_tree()))),
        8 => spelled(bent(focused(dc_api_tree()))),
        10 => spelled(bent(focused(cloud_tree()))),
        8 => spelled(bent(organization::tree())),
        1 => spelled(mixture()),
        1 => any_json().boxed(),
    ]
}

/// A line of the audit log on disk.
pub fn dc_file() -> impl Strategy<Value = String> {
    spelled(bent(focused(dc_file_tree())))
}

/// A record of Data Center's API.
pub fn dc_api() -> impl Strategy<Value = String> {
    spelled(bent(focused(dc_api_tree())))
}

/// A record of the Cloud's API.
pub fn cloud() -> impl Strategy<Value = String> {
    spelled(bent(focused(cloud_tree())))
}

/// An event of an organization.
pub fn organization() -> impl Strategy<Value = String> {
    spelled(bent(organization::tree()))
}

/// Any JSON value.
pub fn any_json() -> impl Strategy<Value = String> {
    spelled(any_value())
}

// ---------------------------------------------------------------- Data Center

const PREFIX: &str = "audit.logging.summary.";

/// Every `S.` key of docs/mapping.md 6, and some that are not listed there.
const SUMMARIES: &[&str] = &[
    "global.permission.added",
    "space.permission.added",
    "global.permission.removed",
    "user.created",
    "user.renamed",
    "user.updated",
    "user.password.changed",
    "user.deleted",
    "group.membership.added",
    "group.membership.removed",
    "group.created",
    "group.deleted",
    "global.settings.edited",
    "space.config.updated",
    "login.success",
    "login.failed",
    "user.logout",
    "sudo.logout",
    "sudo.auth.successful",
    "sudo.auth.failed",
    "space.created",
    "page.created",
    "space.removed",
    "page.deleted",
    "page.updated",
    "",
];

/// The actions of §7.
const OF_USERS: &[&str] = &[
    "user.created",
    "user.renamed",
    "user.updated",
    "user.password.changed",
    "user.deleted",
    "group.membership.added",
    "group.membership.removed",
    "group.created",
    "group.deleted",
    "login.success",
    "login.failed",
];

const ENGLISH: &[&str] = &[
    "Global permission added",
    "Global permission removed",
    "User created",
    "User renamed",
    "User details updated",
    "User deleted",
    "User added to group",
    "User removed from group",
    "Group created",
    "Group deleted",
    "Audit Log configuration updated",
    "Space created",
    "user created",
];

const OTHER_KEYS: &[&str] = &[
    "atlassian.audit.event.action.audit.config.updated",
    "atlassian.audit.event.action.audit.search",
    "personal.access.tokens.audit.log.summary.token.created",
    "personal.access.tokens.audit.log.summary.token.deleted",
];

fn action_key() -> BoxedStrategy<Json> {
    let summary = |of| select(of).prop_map(|key: &str| Json::str(format!("{PREFIX}{key}")));
    prop_oneof![
        6 => summary(OF_USERS),
        4 => summary(SUMMARIES),
        2 => one_of(OTHER_KEYS),
        2 => one_of(ENGLISH),
        2 => extended_action(),
    ]
    .boxed()
}

/// An action of docs/events.md, by its key or its text.
fn extended_action() -> BoxedStrategy<Json> {
    let rows = super::oracle::categories::extended_rows();
    let names: Vec<_> = rows.into_iter().map(|(name, _)| name).collect();
    select(names).prop_map(Json::str).boxed()
}

fn audit_type() -> BoxedStrategy<Json> {
    let category_key = prop_oneof![
        6 => Just("audit.logging.category.user.management"),
        4 => Just("audit.logging.category.auth"),
        2 => Just("audit.logging.category.permissions"),
        1 => Just("audit.logging.category.auth "),
    ]
    .prop_map(Json::str);
    object([
        ("action", mostly(one_of(ENGLISH))),
        ("actionI18nKey", mostly(action_key())),
        ("area", mostly(one_of(&["USER_MANAGEMENT", "SECURITY"]))),
        (
            "category",
            mostly(one_of(&["Users and groups", "Utilisateurs", "Auditing"])),
        ),
        ("categoryI18nKey", mostly(category_key)),
        ("level", mostly(one_of(&["BASE", "ADVANCED"]))),
        ("extra", seldom(any_value())),
    ])
}

fn affected() -> BoxedStrategy<Json> {
    let shape = |kind: &'static str, named: BoxedStrategy<Json>| {
        object([
            ("id", mostly(id())),
            ("name", mostly(named)),
            ("type", always(Just(Json::str(kind)))),
            ("uri", mostly(uri())),
            ("more", seldom(any_value())),
        ])
    };
    prop_oneof![
        8 => shape("User", name()),
        5 => shape("Group", group_name()),
        1 => shape("user", name()),
        1 => shape("Space", name()),
        1 => any_value(),
    ]
    .boxed()
}

/// The keys of §7's changed values, and near misses.
const CHANGED: &[&str] = &[
    "audit.logging.changed.value.username",
    "Username",
    "Email",
    "Display name",
    "username",
    "Active",
];

fn changed() -> BoxedStrategy<Json> {
    let value = || {
        mostly(prop_oneof![
            name(),
            one_of(&["alice@example.com", "bob@example.com"])
        ])
    };
    let shape = object([
        ("from", value()),
        ("to", value()),
        ("i18nKey", mostly(one_of(CHANGED))),
        ("key", mostly(one_of(CHANGED))),
        ("more", seldom(any_value())),
    ]);
    prop_oneof![15 => shape, 1 => any_value()].boxed()
}

fn extra_attribute() -> BoxedStrategy<Json> {
    // Here, and not in `any_value`, numbers may have an exponent without its sign.
    let value = prop_oneof![
        3 => one_of(&["", "57", "1 - 57"]),
        2 => select(vec!["1e3", "1E3", "-0.0", "1.10", "4.9e-324"]).prop_map(Json::num),
        2 => any_value(),
    ];
    object([
        ("name", mostly(one_of(&["Query", "Results returned"]))),
        (
            "nameI18nKey",
            mostly(one_of(&["atlassian.audit.event.attribute.query"])),
        ),
        ("value", mostly(value)),
    ])
}

/// What both self-hosted dialects share: the members but the time and the type.
fn self_hosted(time: BoxedStrategy<Json>, type_key: &'static str) -> BoxedStrategy<Json> {
    let author = object([
        ("id", mostly(id())),
        ("name", mostly(name())),
        ("type", mostly(one_of(&["user", "system"]))),
        ("uri", mostly(uri())),
        ("avatarUri", seldom(one_of(&["", "/avatar.png"]))),
    ]);
    object([
        ("affectedObjects", mostly(list(affected(), 4))),
        (type_key, mostly(audit_type())),
        ("author", mostly(author)),
        ("changedValues", mostly(list(changed(), 4))),
        ("extraAttributes", mostly(list(extra_attribute(), 3))),
        ("id", seldom(id())),
        ("method", mostly(one_of(&["Browser", "API", "System"]))),
        ("node", seldom(one_of(&["node-1"]))),
        ("source", mostly(address())),
        ("system", mostly(system())),
        ("timestamp", always(time)),
        ("version", mostly(one_of(&["1.0"]))),
    ])
}

fn dc_file_tree() -> BoxedStrategy<Json> {
    let time = prop_oneof![20 => epoch_object(), 1 => api_time(), 1 => any_value()];
    self_hosted(time.boxed(), "auditType")
}

fn dc_api_tree() -> BoxedStrategy<Json> {
    let time = prop_oneof![20 => api_time(), 1 => epoch_object(), 1 => any_value()];
    self_hosted(time.boxed(), "type")
}

// ---------------------------------------------------------------- Cloud

fn cloud_author() -> BoxedStrategy<Json> {
    object([
        ("type", always(Just(Json::str("user")))),
        ("displayName", mostly(name())),
        (
            "operations",
            mostly(prop_oneof![
                Just(Json::Null),
                Just(Json::Arr(vec![])),
                any_value()
            ]),
        ),
        ("username", seldom(name())),
        ("accountId", mostly(id())),
        ("accountType", mostly(one_of(&["atlassian", "app"]))),
        (
            "externalCollaborator",
            mostly(any::<bool>().prop_map(Json::Bool)),
        ),
        (
            "isExternalCollaborator",
            seldom(any::<bool>().prop_map(Json::Bool)),
        ),
        ("publicName", seldom(name())),
    ])
}

fn associated() -> BoxedStrategy<Json> {
    let shape = |kind: &'static str, named: BoxedStrategy<Json>| {
        object([
            ("name", mostly(named)),
            ("objectType", mostly(Just(Json::str(kind)))),
            // Neither is in the documentation: what stands there is overwritten or stays.
            ("type", seldom(one_of(&["User", "Group", "Space"]))),
            ("id", seldom(id())),
            ("uri", seldom(uri())),
            ("rank", seldom((0u8..3).prop_map(Json::num))),
        ])
    };
    prop_oneof![
        6 => shape("User", name()),
        8 => shape("Group", group_name()),
        2 => shape("Space", name()),
        1 => Just(Json::obj([("name", Json::str("")), ("objectType", Json::str(""))])),
        1 => any_value(),
    ]
    .boxed()
}

/// `associatedObjects` and an `affectedObject` that may be one of them, or almost.
fn associated_and_affected() -> BoxedStrategy<(Option<Json>, Option<Json>)> {
    let several = prop::collection::vec(associated(), 0..4);
    (several, associated(), any::<Index>(), empty(), 0u8..14)
        .prop_map(|(mut all, other, index, nothing, kind)| {
            let mut twin = if all.is_empty() {
                other.clone()
            } else {
                all[index.index(all.len())].clone()
            };
            let list = |all| Some(Json::Arr(all));
            match kind {
                0..=3 => {
                    if let Json::Obj(members) = &mut twin {
                        members.reverse();
                    }
                    (list(all), Some(twin))
                }
                4 => {
                    if let Json::Obj(members) = &mut twin {
                        members.push(("none".to_owned(), nothing));
                    }
                    (list(all), Some(twin))
                }
                5 => {
                    let numbered = |n: &str| {
                        Json::obj([
                            ("name", Json::str("n")),
                            ("n", Json::Arr(vec![Json::num(n)])),
                        ])
                    };
                    all.push(numbered("1"));
                    (list(all), Some(numbered("1.0")))
                }
                6 => (list(all), Some(Json::Null)),
                7 => (list(all), None),
                8 => (None, Some(other)),
                9 => (Some(nothing), Some(other)),
                12 => (Some(twin), Some(other)),
                13 => (Some(twin.clone()), Some(twin)),
                _ => (list(all), Some(other)),
            }
        })
        .boxed()
}

fn cloud_changed() -> BoxedStrategy<Json> {
    let value = || {
        mostly(prop_oneof![
            name(),
            one_of(&["alice@example.com", "bob@example.com"])
        ])
    };
    let shape = object([
        ("name", mostly(one_of(CHANGED))),
        ("oldValue", value()),
        ("newValue", value()),
        ("hiddenOldValue", seldom(one_of(&["", "1"]))),
        ("hiddenNewValue", seldom(one_of(&["", "2"]))),
        ("i18nKey", seldom(one_of(CHANGED))),
        ("from", seldom(name())),
        ("to", seldom(name())),
    ]);
    prop_oneof![15 => shape, 1 => any_value()].boxed()
}

fn cloud_tree() -> BoxedStrategy<Json> {
    let summary = prop_oneof![8 => one_of(ENGLISH), 2 => action_key()];
    let category = prop_oneof![
        6 => Just(Json::str("Users and groups")),
        2 => one_of(&["Permissions", "Spaces", "users and groups"]),
    ];
    let base = object([
        ("author", mostly(cloud_author())),
        ("remoteAddress", mostly(address())),
        ("creationDate", always(creation_date())),
        ("summary", mostly(summary)),
        ("description", mostly(one_of(&["", "x"]))),
        ("category", mostly(category)),
        ("sysAdmin", seldom(any::<bool>().prop_map(Json::Bool))),
        ("changedValues", mostly(list(cloud_changed(), 4))),
    ]);
    (base, associated_and_affected())
        .prop_map(|(mut base, (associated, affected))| {
            if let Json::Obj(members) = &mut base {
                members.extend(affected.map(|value| ("affectedObject".to_owned(), value)));
                members.extend(associated.map(|value| ("associatedObjects".to_owned(), value)));
            }
            base
        })
        .boxed()
}

// ---------------------------------------------------------------- mixtures and spelling

/// The members of two dialects in one record, for `auto` and for the flags that force one.
fn mixture() -> BoxedStrategy<Json> {
    let trees = || {
        prop_oneof![
            3 => dc_file_tree(),
            3 => dc_api_tree(),
            3 => cloud_tree(),
            1 => organization::tree(),
        ]
    };
    (trees(), trees())
        .prop_map(|(first, second)| match (first, second) {
            (Json::Obj(mut members), Json::Obj(others)) => {
                for (key, value) in others {
                    if members.iter().all(|(known, _)| *known != key) {
                        members.push((key, value));
                    }
                }
                Json::Obj(members)
            }
            (first, _) => first,
        })
        .boxed()
}

/// The tree as text, plain half of the time.
fn spelled(tree: BoxedStrategy<Json>) -> BoxedStrategy<String> {
    let choices = prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 1..64)];
    (tree, choices)
        .prop_map(|(tree, choices)| {
            let mut text = String::new();
            Style::new(choices).write(&tree, &mut text);
            text
        })
        .boxed()
}
