//! Half of the records are brought into line with docs/mapping.md 7: the action, the category, the kind of the affected
//! objects and the keys of the changed values then belong together. By chance they would seldom do so.

use proptest::prelude::*;
use proptest::sample::select;

use super::text::Json;

/// One subject of §7: the key after `audit.logging.summary.`, the Cloud's summary (none: the key stands in its
/// place), and the kinds of affected objects and the changed values that go with it.
struct Topic {
    key: &'static str,
    summary: Option<&'static str>,
    kinds: &'static [&'static str],
    changed: &'static [&'static str],
}

const USER: &[&str] = &["User"];
const GROUP: &[&str] = &["Group"];
const BOTH: &[&str] = &["User", "Group"];
const DETAILS: &[&str] = &["Username", "Email", "Display name"];
const RENAMING: &[&str] = &["audit.logging.changed.value.username"];

const fn topic(
    key: &'static str,
    summary: Option<&'static str>,
    kinds: &'static [&'static str],
    changed: &'static [&'static str],
) -> Topic {
    Topic {
        key,
        summary,
        kinds,
        changed,
    }
}

const TOPICS: &[Topic] = &[
    topic("user.created", Some("User created"), USER, DETAILS),
    topic("user.updated", Some("User details updated"), USER, DETAILS),
    topic("user.renamed", Some("User renamed"), USER, RENAMING),
    topic("user.deleted", Some("User deleted"), USER, DETAILS),
    topic("user.password.changed", None, USER, DETAILS),
    topic(
        "group.membership.added",
        Some("User added to group"),
        BOTH,
        DETAILS,
    ),
    topic(
        "group.membership.removed",
        Some("User removed from group"),
        BOTH,
        DETAILS,
    ),
    topic("group.created", Some("Group created"), GROUP, DETAILS),
    topic("group.deleted", Some("Group deleted"), GROUP, DETAILS),
    topic("login.success", None, USER, DETAILS),
    topic("login.failed", None, USER, DETAILS),
];

/// Half of the trees as they are, half about one topic.
pub fn focused(tree: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let topic = prop_oneof![
        1 => Just(None),
        1 => (0..TOPICS.len()).prop_map(Some),
    ];
    let category = select(vec![
        "audit.logging.category.user.management",
        "audit.logging.category.auth",
    ]);
    (tree, topic, category, any::<u8>())
        .prop_map(|(mut tree, topic, category, turn)| {
            if let Some(index) = topic {
                align(&mut tree, &TOPICS[index], category, usize::from(turn));
            }
            tree
        })
        .boxed()
}

fn align(tree: &mut Json, topic: &Topic, category: &str, turn: usize) {
    let key = format!("audit.logging.summary.{}", topic.key);
    // Either dialect may hold the other's name of the action.
    let action = match topic.summary {
        Some(summary) if turn.is_multiple_of(8) => summary.to_owned(),
        _ => key.clone(),
    };
    for type_key in ["auditType", "type"] {
        if let Some(kind) = member(tree, type_key) {
            set(kind, "actionI18nKey", &action);
            set(kind, "categoryI18nKey", category);
        }
    }
    if member(tree, "creationDate").is_some() {
        set(tree, "summary", topic.summary.unwrap_or(&key));
        set(tree, "category", "Users and groups");
    }
    for (list, kind, names) in [
        ("affectedObjects", "type", topic.kinds),
        ("associatedObjects", "objectType", topic.kinds),
        ("changedValues", "i18nKey", topic.changed),
    ] {
        // A changed value of the Cloud has its key in `name`.
        let is_cloud = list == "changedValues" && member(tree, "creationDate").is_some();
        let kind = if is_cloud { "name" } else { kind };
        if let Some(Json::Arr(elements)) = member(tree, list) {
            for (index, element) in elements.iter_mut().enumerate() {
                // One in four stays as it is.
                if !(turn + index).is_multiple_of(4) {
                    set(element, kind, names[(turn + index) % names.len()]);
                }
            }
        }
    }
}

fn member<'a>(object: &'a mut Json, key: &str) -> Option<&'a mut Json> {
    match object {
        Json::Obj(members) => members
            .iter_mut()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value),
        Json::Null | Json::Bool(_) | Json::Num(_) | Json::Str(_) | Json::Arr(_) => None,
    }
}

/// Sets a member of an object; what is no object stays as it is.
fn set(object: &mut Json, key: &str, text: &str) {
    if let Some(value) = member(object, key) {
        *value = Json::str(text);
    } else if let Json::Obj(members) = object {
        members.push((key.to_owned(), Json::str(text)));
    }
}
