//! The values of records and events, each with its path.

use std::fmt;

use serde_json::Value;

use crate::pipeline::json::{self, Kind};

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The name of an object's member.
    Name(String),
    /// The place of an array's element.
    Index(usize),
}

/// Where a value stands: `author.id`, `changedValues[0].to`, `author["a.b"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(pub Vec<Step>);

impl Path {
    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The names before the first index.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map_while(|step| match step {
            Step::Name(name) => Some(&**name),
            Step::Index(_) => None,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(name) if !is_plain(name) => write!(f, "[{}]", json::json_string(name))?,
                Step::Name(name) if at == 0 => f.write_str(name)?,
                Step::Name(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// Whether a name can stand in a path as it is.
fn is_plain(name: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "_@-".contains(letter);
    !name.is_empty() && name.chars().all(is_allowed)
}

/// A scalar of a record, or something empty.
#[derive(Debug)]
pub(super) struct RawLeaf<'a> {
    pub path: Path,
    pub value: json::Value<'a>,
}

impl RawLeaf<'_> {
    /// It as text.
    pub fn text(&self) -> String {
        self.value.to_text().unwrap_or_default().into_owned()
    }

    pub fn json(&self) -> Value {
        match self.value.as_str() {
            // Half a surrogate pair is no JSON to others.
            Some(text) => Value::String(text.into_owned()),
            None => serde_json::from_str(self.value.raw()).unwrap_or_default(),
        }
    }
}

/// The values of a record, in their order.
pub(super) fn raw_leaves(root: json::Value<'_>) -> Vec<RawLeaf<'_>> {
    let mut leaves = Vec::new();
    collect_raw(root, &Path::default(), &mut leaves);
    leaves
}

fn collect_raw<'a>(value: json::Value<'a>, path: &Path, leaves: &mut Vec<RawLeaf<'a>>) {
    let before = leaves.len();
    match value.kind() {
        Kind::Array => {
            for (index, element) in value.elements().enumerate() {
                collect_raw(element, &path.with(Step::Index(index)), leaves);
            }
        }
        Kind::Object => {
            for (key, value) in value.all_members() {
                let name = key.as_str().unwrap_or_default().into_owned();
                collect_raw(value, &path.with(Step::Name(name)), leaves);
            }
        }
        Kind::Null | Kind::Boolean | Kind::Integer | Kind::Float | Kind::String => {}
    }
    if leaves.len() == before {
        let path = path.clone();
        leaves.push(RawLeaf { path, value });
    }
}

/// A field of an event: a scalar, a list of them, or an empty object.
#[derive(Debug)]
pub(super) struct EventLeaf {
    pub path: Path,
    pub value: Value,
}

impl EventLeaf {
    /// The scalars in it.
    pub fn scalars(&self) -> &[Value] {
        scalars(&self.value)
    }
}

/// The scalars of a field's value.
pub(super) fn scalars(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        scalar => std::slice::from_ref(scalar),
    }
}

/// A scalar as text.
pub(super) fn text(scalar: &Value) -> String {
    match scalar {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The fields of an event, in their order.
pub(super) fn event_leaves(event: &Value) -> Vec<EventLeaf> {
    let mut leaves = Vec::new();
    collect(event, &Path::default(), &mut leaves);
    leaves
}

fn collect(value: &Value, path: &Path, leaves: &mut Vec<EventLeaf>) {
    let is_scalar = |value: &Value| !value.is_array() && !value.is_object();
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                collect(value, &path.with(Step::Name(name.clone())), leaves);
            }
        }
        Value::Array(list) if !list.iter().all(is_scalar) => {
            for (index, element) in list.iter().enumerate() {
                collect(element, &path.with(Step::Index(index)), leaves);
            }
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => {
            leaves.push(EventLeaf {
                path: path.clone(),
                value: value.clone(),
            });
        }
    }
}
