//! `--add-fields`: a constant object that is merged into every event.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{PRESERVE_ORIGINAL, namespace_fault};
use crate::pipeline::json::json_string;

/// A JSON object, cleaned (docs/mapping.md 8) and sorted, ready to be merged while an event is written.
/// Where both have a member the constant wins; objects are merged, everything else is replaced.
#[derive(Debug, Default, Clone)]
pub struct AddFields {
    members: Vec<Member>,
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub name: String,
    pub json: String,
    /// The same value, if it is an object.
    pub object: Option<AddFields>,
}

impl Member {
    /// Adds what others have and it has not, if it is an object.
    fn complete(&mut self, others: AddFields) {
        if let Some(object) = self.object.take() {
            let object = object.over(others);
            self.json = object.json();
            self.object = Some(object);
        }
    }
}

/// The objects of an event: a constant that is no object would take their place, and the fields in
/// them would be lost.
const OBJECTS: [&str; 31] = [
    "atlassian_cloud",
    "atlassian_cloud.audit",
    "atlassian_cloud.audit.actor",
    "atlassian_cloud.audit.actor.auth",
    "atlassian_cloud.audit.actor.on_behalf_of",
    "atlassian_cloud.audit.location",
    "atlassian_cloud.audit.message",
    "confluence",
    "confluence.audit",
    "confluence.audit.type",
    "data_stream",
    "ecs",
    "error",
    "event",
    "group",
    "input",
    "log",
    "log.file",
    "observer",
    "related",
    "service",
    "source",
    "source.as",
    "source.as.organization",
    "source.geo",
    "user",
    "user.changes",
    "user.changes.group",
    "user.group",
    "user.target",
    "user.target.group",
];

/// A file may begin with a byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why a text is no object of constant fields.
#[derive(Debug, thiserror::Error)]
pub enum AddFieldsError {
    /// The text is not valid JSON.
    #[error("is not valid JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("is not a JSON object of fields, such as {{\"host\": {{\"name\": \"wiki-1\"}}}}")]
    NotAnObject,
    /// No data stream can have its namespace.
    #[error("has the data_stream.namespace {found:?}: {fault}")]
    Namespace {
        /// What it has.
        found: String,
        /// The rule that it breaks.
        fault: &'static str,
    },
    /// A key with nothing before, between or behind its dots.
    #[error("has a key that names no field, {0:?}: expected one such as \"host.name\"")]
    EmptyName(String),
    /// The same field twice.
    #[error("has more than one value for {0}")]
    Conflict(String),
    /// An object of the event would be lost.
    #[error("would remove the object {0} of the events: expected an object of fields for it")]
    Object(String),
}

impl AddFields {
    /// Reads the object from its JSON text; a dotted key is that of a field in an object.
    ///
    /// # Errors
    /// When it is not JSON, no object, names a field twice, would take an object's place, or breaks the
    /// rules of a namespace.
    pub fn from_json(text: &[u8]) -> Result<Self, AddFieldsError> {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        let Value::Object(object) = serde_json::from_slice(text)? else {
            return Err(AddFieldsError::NotAnObject);
        };
        if let Some(key) = serde_json::from_slice::<Keys>(text)?.repeated("") {
            return Err(AddFieldsError::Conflict(key));
        }
        let object = expanded(object, "")?;
        keeps_objects(&object, "")?;
        let data_stream = object.get("data_stream");
        let namespace = data_stream.and_then(|fields| fields.get("namespace")?.as_str());
        // An empty one is absent, as everywhere.
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        let fault = namespace.and_then(|found| Some((found, namespace_fault(found)?)));
        if let Some((found, fault)) = fault {
            let found = found.to_owned();
            return Err(AddFieldsError::Namespace { found, fault });
        }
        Ok(Self::from_fields(object))
    }

    /// The same, with what `others` have and it has not.
    #[must_use]
    pub fn over(mut self, others: Self) -> Self {
        for other in others.members {
            let place = self
                .members
                .binary_search_by(|member| member.name.cmp(&other.name));
            match (place, other.object) {
                (Err(place), object) => self.members.insert(place, Member { object, ..other }),
                (Ok(place), Some(object)) => self.members[place].complete(object),
                (Ok(_), None) => {}
            }
        }
        self
    }

    /// It as JSON.
    fn json(&self) -> String {
        let members = self.members.iter();
        let members =
            members.map(|member| format!("{}:{}", json_string(&member.name), member.json));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    /// Fields by their names, in objects.
    #[must_use]
    pub fn from_fields(object: Map<String, Value>) -> Self {
        let mut members: Vec<_> = object
            .into_iter()
            .filter_map(|(name, value)| {
                let value = cleaned(value)?;
                Some(Member {
                    name,
                    json: value.to_string(),
                    object: match value {
                        Value::Object(object) => Some(Self::from_fields(object)),
                        _ => None,
                    },
                })
            })
            .collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Self { members }
    }

    /// The same without the fields that make a `pipeline_error` event what it is (docs/mapping.md 10):
    /// with its text or its reason replaced, the record would be lost, as without the tag that
    /// preserves its text.
    #[must_use]
    pub(super) fn for_errors(&self) -> Self {
        let mut add_fields = self.clone();
        add_fields
            .members
            .retain_mut(|member| match (&*member.name, &mut member.object) {
                ("event", Some(event)) => {
                    let is_kept = |name: &str| !matches!(name, "kind" | "original");
                    event.members.retain(|member| is_kept(&member.name));
                    true
                }
                ("error" | "event", _) => false,
                ("tags", _) => {
                    member.json = preserving(&member.json);
                    true
                }
                _ => true,
            });
        add_fields
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }
}

/// The keys of every object in a JSON text, as often as they stand there: a [`Map`] keeps only the last
/// value of each.
enum Keys {
    Object(Vec<(String, Keys)>),
    Array(Vec<Keys>),
    None,
}

impl Keys {
    /// A field that has more than one value.
    fn repeated(&self, path: &str) -> Option<String> {
        match self {
            Self::Object(members) => {
                let mut known = std::collections::HashSet::new();
                members.iter().find_map(|(key, value)| {
                    let path = joined(path, key);
                    if known.insert(key) {
                        value.repeated(&path)
                    } else {
                        Some(path)
                    }
                })
            }
            Self::Array(elements) => elements.iter().find_map(|element| element.repeated(path)),
            Self::None => None,
        }
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Keys::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Keys::Array(elements))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Keys, E> {
        Ok(Keys::None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Keys, E> {
        Ok(Keys::None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Keys, E> {
        Ok(Keys::None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Keys, E> {
        Ok(Keys::None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Keys, E> {
        Ok(Keys::None)
    }

    fn visit_unit<E>(self) -> Result<Keys, E> {
        Ok(Keys::None)
    }
}

/// The object with its dotted keys expanded: `{"host.name":"a"}` is `{"host":{"name":"a"}}`. It is that
/// of the field `path`; empty for the whole event.
fn expanded(object: Map<String, Value>, path: &str) -> Result<Map<String, Value>, AddFieldsError> {
    let mut fields = Map::new();
    for (key, value) in object {
        if key.split('.').any(str::is_empty) {
            return Err(AddFieldsError::EmptyName(joined(path, &key)));
        }
        let value = match value {
            Value::Object(object) => Value::Object(expanded(object, &joined(path, &key))?),
            value => value,
        };
        insert(&mut fields, &key, value, path)?;
    }
    Ok(fields)
}

/// Puts a value into an object, in further objects if its key has dots.
fn insert(
    fields: &mut Map<String, Value>,
    key: &str,
    value: Value,
    path: &str,
) -> Result<(), AddFieldsError> {
    let (name, value) = match key.split_once('.') {
        None => (key, value),
        Some((name, rest)) => {
            let mut inner = Map::new();
            insert(&mut inner, rest, value, "")?;
            (name, Value::Object(inner))
        }
    };
    let path = joined(path, name);
    match (fields.get_mut(name), value) {
        (None, value) => {
            fields.insert(name.to_owned(), value);
            Ok(())
        }
        (Some(Value::Object(known)), Value::Object(more)) => {
            let mut all = more.into_iter();
            all.try_for_each(|(name, value)| insert(known, &name, value, &path))
        }
        (Some(_), _) => Err(AddFieldsError::Conflict(path)),
    }
}

/// Checks that every object of the event stays one.
fn keeps_objects(object: &Map<String, Value>, path: &str) -> Result<(), AddFieldsError> {
    object.iter().try_for_each(|(name, value)| {
        let path = joined(path, name);
        match value {
            Value::Object(object) => keeps_objects(object, &path),
            _ if OBJECTS.contains(&&*path) => Err(AddFieldsError::Object(path)),
            _ => Ok(()),
        }
    })
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// Constant tags, with [`PRESERVE_ORIGINAL`] before them.
fn preserving(tags: &str) -> String {
    let tags = match serde_json::from_str(tags) {
        Ok(Value::Array(tags)) => tags,
        Ok(tag) => vec![tag],
        Err(_) => Vec::new(),
    };
    let preserve = Value::from(PRESERVE_ORIGINAL);
    let others = tags.into_iter().filter(|tag| *tag != preserve);
    let all = std::iter::once(preserve.clone()).chain(others);
    Value::Array(all.collect()).to_string()
}

/// Clean-up (docs/mapping.md 8) of a value; none if nothing is left of it.
pub(crate) fn cleaned(value: Value) -> Option<Value> {
    let value = match value {
        Value::Array(list) => Value::Array(list.into_iter().filter_map(cleaned).collect()),
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .filter_map(|(name, value)| Some((name, cleaned(value)?)))
                .collect(),
        ),
        scalar => scalar,
    };
    let empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    (!empty).then_some(value)
}
