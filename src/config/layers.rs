//! What each key is set to: by a flag, else by the environment, else by the file.

use std::collections::BTreeMap;

use super::document::{Document, Entry, Value};
use super::keys::{Key, Kind, Table, nearest};
use super::secrets::{self, Reference};
use super::{Error, Place};
use crate::process::shown::Shown as _;
use crate::secret::Secret;

/// What a key is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A switch, on or off.
    Switch(bool),
    /// How often a flag is given.
    Count(u8),
    /// The values of a flag, in order.
    Values(Vec<String>),
    /// A secret.
    Secret(Secret),
}

/// A key that is set.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Which one.
    pub key: Key,
    /// To what.
    pub setting: Setting,
    /// Where.
    pub place: Place,
}

/// Keys that are set, by their names.
pub type Assignments = BTreeMap<String, Assignment>;

/// Reads a table of the file whose keys these are; `title` names it in messages.
///
/// # Errors
/// When a key is unknown, or its value is of another type.
pub fn of_table(
    document: &Document,
    entries: &[Entry],
    keys: &[Key],
    title: &str,
) -> Result<Vec<Assignment>, Error> {
    let assignment = |entry: &Entry| {
        let place = document.place(entry.line);
        let known = keys.iter().find(|key| key.name == entry.key);
        let Some(key) = known else {
            return Err(unknown(&entry.key, keys, title, &place));
        };
        assign(key, &entry.value, place, Some(document))
    };
    entries.iter().map(assignment).collect()
}

fn unknown(name: &str, keys: &[Key], title: &str, place: &Place) -> Error {
    let names = keys.iter().map(|key| &*key.name);
    let hint = match nearest(name, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`confluence-ecs config example` has all keys".to_owned(),
    };
    Error::at(
        place,
        format!("unknown key `{}` {title}; {hint}", name.shown()),
    )
}

/// Reads the environment variables of the tables.
///
/// # Errors
/// When a variable is of another type than its key.
pub fn of_environment(keys: &[Key]) -> Result<Vec<Assignment>, Error> {
    let mut assignments = Vec::new();
    for key in keys {
        let Some(table) = key.table else { continue };
        let name = table.variable(&key.name);
        // These hold the secret itself, for every command.
        if key.kind == Kind::Secret {
            continue;
        }
        let Some(text) = std::env::var_os(&name).filter(|text| !text.is_empty()) else {
            continue;
        };
        let place = Place::Variable(name);
        let text = text
            .into_string()
            .map_err(|_| Error::at(&place, "expected UTF-8 text"))?;
        let value = typed(key.kind, text, &place)?;
        assignments.push(assign(key, &value, place, None)?);
    }
    Ok(assignments)
}

/// The text of a variable as the value of the file that it stands for. A list is one value, or an array as in
/// the file.
fn typed(kind: Kind, text: String, place: &Place) -> Result<Value, Error> {
    Ok(match (kind, &*text) {
        (Kind::Switch, "true" | "1") => Value::Boolean(true),
        (Kind::Switch, "false" | "0") => Value::Boolean(false),
        (Kind::Count, digits) if digits.parse::<u8>().is_ok() => Value::Integer(text),
        (Kind::Many, array) if array.trim_start().starts_with('[') => {
            Document::value_of(array, place)?
        }
        _ => Value::Text(text),
    })
}

/// Sets a key to a value. A value of the file may name variables; that of a variable is as it stands.
fn assign(
    key: &Key,
    value: &Value,
    place: Place,
    document: Option<&Document>,
) -> Result<Assignment, Error> {
    let wrong = |value: &Value| {
        Error::at(
            &place,
            format!(
                "{}: expected {}, found {}",
                key.name,
                key.kind.expected(),
                value.type_name()
            ),
        )
    };
    let text = |value: &Value| match value {
        Value::Text(text) if document.is_some() => secrets::expand(text, &place, &key.name),
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(number) if key.kind == (Kind::One { is_number: true }) => Ok(number.clone()),
        other => Err(wrong(other)),
    };
    let setting = match (key.kind, value) {
        (Kind::Switch, Value::Boolean(on)) => Setting::Switch(*on),
        (Kind::Count, Value::Integer(number)) => {
            Setting::Count(number.parse().map_err(|_| wrong(value))?)
        }
        (Kind::One { .. }, one) => Setting::Values(vec![text(one)?]),
        (Kind::Many, Value::List(items)) => {
            let items = items.iter().map(|(_, item)| text(item));
            Setting::Values(items.collect::<Result<_, _>>()?)
        }
        (Kind::Many, one) => Setting::Values(vec![text(one)?]),
        (Kind::Secret, Value::Text(text)) => return secret(key, text, place, document),
        (Kind::Switch | Kind::Count | Kind::Secret, other) => return Err(wrong(other)),
    };
    Ok(Assignment {
        key: key.clone(),
        setting,
        place,
    })
}

/// A reference to a file is what the flag with the file's name is for.
fn secret(
    key: &Key,
    text: &str,
    place: Place,
    document: Option<&Document>,
) -> Result<Assignment, Error> {
    let setting = match (secrets::reference(text), document) {
        (Reference::File(path), _) => {
            let path = secrets::expand(path, &place, &key.name)?;
            return Ok(Assignment {
                key: Key {
                    name: format!("{}_file", key.name),
                    kind: Kind::One { is_number: false },
                    ..key.clone()
                },
                setting: Setting::Values(vec![path]),
                place,
            });
        }
        (Reference::Variable(_), _) | (Reference::Literal, None) => {
            secrets::expand(text, &place, &key.name)?
        }
        (Reference::Literal, Some(document)) => {
            secrets::check_private(&document.path, &place, &key.name)?;
            tracing::warn!(
                "{place}: {} is a secret in the configuration file: keep it in a file of its own, {}_file",
                key.name,
                key.name
            );
            text.to_owned()
        }
    };
    Ok(Assignment {
        key: key.clone(),
        setting: Setting::Secret(Secret::new(setting)),
        place,
    })
}

/// Puts a layer over what was set below it. Where it says where events go, what a lower layer says of that
/// no longer counts: a file takes no credentials, and a cluster has no file.
pub fn put_over(below: &mut Assignments, layer: Vec<Assignment>) {
    let says = |name: &str| layer.iter().any(|one| one.key.name == name);
    if says("file") {
        below.retain(|_, one| one.key.table != Some(Table::Output));
    }
    if says("elasticsearch_url") {
        below.retain(|_, one| !matches!(&*one.key.name, "file" | "format"));
    }
    for assignment in layer {
        let name = &assignment.key.name;
        // A secret and the file that holds it are one setting.
        let other = match name.strip_suffix("_file") {
            Some(secret) => secret.to_owned(),
            None => format!("{name}_file"),
        };
        below.remove(&other);
        below.insert(name.clone(), assignment);
    }
}

/// The secrets among them, by the flags that name their files.
pub fn given_secrets(assignments: &Assignments) -> BTreeMap<String, Secret> {
    let secret = |one: &Assignment| match &one.setting {
        Setting::Secret(secret) => Some((one.key.flag.clone()?, secret.clone())),
        Setting::Switch(_) | Setting::Count(_) | Setting::Values(_) => None,
    };
    assignments.values().filter_map(secret).collect()
}
