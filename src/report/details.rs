//! What an event was done to, and what changed: of the lists in `confluence.audit`, or in `atlassian_cloud.audit`.

use super::facts::owned;
use super::summary::{Change, Details, MOST_DETAILS};
use crate::pipeline::json::Value;

/// The changed value that is a permission, as self-hosted records and those of Cloud have it.
const PERMISSION: [&str; 2] = ["audit.logging.changed.value.permission.type", "Type"];

impl Details {
    /// Those of an event.
    #[must_use]
    pub fn of(event: Value<'_>) -> Self {
        let audit = event
            .get("confluence")
            .and_then(|confluence| confluence.get("audit"));
        let lists = ["affected_objects", "changed_values", "extra_attributes"];
        let [objects, changed, attributes] =
            audit.map(|audit| audit.pick(lists)).unwrap_or_default();
        let action = event.get("event").and_then(|event| event.get("action"));
        let action = action.and_then(Value::as_str).unwrap_or_default();
        let mut details = Self {
            permission: None,
            objects: affected(event, objects),
            changes: Vec::new(),
            attributes: listed(attributes, |attribute| {
                let [name, key, value] = attribute.pick(["name", "nameI18nKey", "value"]);
                value.and_then(|value| named([name.or(key), Some(value), None]))
            }),
        };
        for change in elements(changed) {
            let key = change.get("i18nKey").and_then(Value::as_str);
            let is_permission = key.is_some_and(|key| PERMISSION.contains(&&*key));
            let change = Change::of(change);
            if is_permission && action.contains("permission") && details.permission.is_none() {
                details.permission = change.to.or(change.from);
            } else if details.changes.len() < MOST_DETAILS {
                details.changes.push(change);
            }
        }
        details
    }

    /// What to say of them, the most useful first: the permission, to whom or what, what changed, and where. What is as
    /// it was, and what was said already, is left out.
    #[must_use]
    pub fn parts(&self) -> Vec<String> {
        let (spaces, others): (Vec<_>, Vec<_>) = self
            .objects
            .iter()
            .cloned()
            .partition(|object| object.starts_with("Space: "));
        let changes = self
            .changes
            .iter()
            .filter(|change| change.from != change.to);
        let changes = changes.map(Change::text);
        let changes = changes.filter(|change| !self.objects.contains(change));
        let permission = self.permission.iter().cloned();
        permission
            .chain(others)
            .chain(changes)
            .chain(spaces)
            .chain(self.attributes.iter().cloned())
            .collect()
    }
}

impl Change {
    fn of(change: Value<'_>) -> Self {
        let [name, key, from, to] = change.pick(["key", "i18nKey", "from", "to"]).map(owned);
        Self {
            name: name.or(key),
            from,
            to,
        }
    }

    /// `Retention period: 3 years → 1 month`
    fn text(&self) -> String {
        let name = self.name.as_deref().unwrap_or("changed");
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => format!("{name}: {from} → {to}"),
            (Some(from), None) => format!("{name}: {from} → nothing"),
            (None, to) => format!("{name}: {}", to.as_deref().unwrap_or_default()),
        }
    }
}

/// The objects of an event of Confluence, or else those of an organization's.
fn affected(event: Value<'_>, objects: Option<Value<'_>>) -> Vec<String> {
    if objects.is_some() {
        return listed(objects, |object| named(object.pick(["type", "name", "id"])));
    }
    let audit = event
        .get("atlassian_cloud")
        .and_then(|cloud| cloud.get("audit"));
    let lists = audit.map(|audit| audit.pick(["context", "container"]));
    let object = |object: Value<'_>| {
        let [kind, id, attributes] = object.pick(["type", "id", "attributes"]);
        let names = attributes.map(|attributes| attributes.pick(["name", "key"]));
        let [name, key] = names.unwrap_or_default();
        named([kind, name.or(key), id])
    };
    let objects = lists.into_iter().flatten().flat_map(elements);
    objects.filter_map(object).take(MOST_DETAILS).collect()
}

/// What is made of the first elements of a list.
fn listed<'v>(list: Option<Value<'v>>, make: impl Fn(Value<'v>) -> Option<String>) -> Vec<String> {
    elements(list).filter_map(make).take(MOST_DETAILS).collect()
}

/// The elements of a list, or the single object in its place.
fn elements(list: Option<Value<'_>>) -> impl Iterator<Item = Value<'_>> {
    let single = list.and_then(Value::object);
    list.into_iter().flat_map(Value::elements).chain(single)
}

/// A name with what it is the name of, or whichever of them is known.
fn named([kind, name, or_else]: [Option<Value<'_>>; 3]) -> Option<String> {
    match (owned(kind), owned(name).or_else(|| owned(or_else))) {
        (Some(kind), Some(name)) => Some(format!("{kind}: {name}")),
        (one, other) => one.or(other),
    }
}
