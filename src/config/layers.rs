//! What each key is set to: by a flag, else by the environment, else by the file.

use std::collections::BTreeMap;

use super::document::{Document, Entry, Value};
use super::keys::{Key, Kind, SECRETS, Scalar, SourceKind, Table, global_keys, keys, nearest};
use super::secrets::{self, Reference};
use super::{Error, PATH_VARIABLE, Place};
use crate::auth::credentials;
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
    Secret {
        /// The secret itself.
        secret: Secret,
        /// Whether it stands in the file.
        is_literal: bool,
    },
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
    let hint = match (elsewhere(name), nearest(name, names)) {
        _ if name == "output" => "the key of `--output` is `file`".to_owned(),
        (Some(place), _) => format!("it belongs in {place}"),
        (None, Some(name)) => format!("did you mean `{name}`?"),
        (None, None) => {
            "expected a flag of `confluence-ecs tail` or `fetch`, with `_` for `-`".to_owned()
        }
    };
    Error::at(
        place,
        format!("unknown key `{}` {title}; {hint}", name.shown()),
    )
}

/// Where a key belongs that is known, but not where it stands.
fn elsewhere(name: &str) -> Option<String> {
    const TOP: &str = "the part before the first table";
    if global_keys().iter().any(|key| key.name == name) {
        return Some(TOP.to_owned());
    }
    let kinds = [SourceKind::Tail, SourceKind::Fetch].map(SourceKind::name);
    let of = |kind: &str| keys(kind).into_iter().find(|key| key.name == name);
    let found: Vec<_> = kinds
        .into_iter()
        .filter_map(|kind| Some((kind, of(kind)?)))
        .collect();
    let table = |key: &Key| match key.table? {
        Table::Top | Table::State => Some(TOP.to_owned()),
        table => table.name().map(|name| format!("[{name}]")),
    };
    match &*found {
        [(kind, _)] => Some(format!("a [[source]] of type \"{kind}\"")),
        [(_, key), ..] => Some(table(key).unwrap_or_else(|| "a [[source]]".to_owned())),
        [] => None,
    }
}

/// Reads the environment variables of the tables.
///
/// # Errors
/// When a variable is of another type than its key.
pub fn of_environment(keys: &[Key]) -> Result<Vec<Assignment>, Error> {
    let mut assignments = Vec::new();
    for key in keys {
        let is_set = |name: &String| std::env::var_os(name).is_some_and(|text| !text.is_empty());
        let Some(name) = variables(key).into_iter().find(is_set) else {
            continue;
        };
        let text = std::env::var_os(&name).unwrap_or_default();
        let place = Place::Variable(name);
        let text = text
            .into_string()
            .map_err(|_| Error::at(&place, "expected UTF-8 text"))?;
        let value = typed(key.kind, text, &place)?;
        assignments.push(assign(key, &value, place, None)?);
    }
    Ok(assignments)
}

/// The environment variables of a key, the first of which that is set counts.
pub fn variables(key: &Key) -> Vec<String> {
    let own = key.table.map(|table| table.variable(&key.name));
    // Those of the commands, which are older than the file. Secrets have some, too, see `auth::credentials`.
    let of_commands = match &*key.name {
        "geoip_city" => Some("CONFLUENCE_ECS_GEOIP_CITY"),
        "geoip_asn" => Some("CONFLUENCE_ECS_GEOIP_ASN"),
        _ => None,
    };
    own.into_iter()
        .chain(of_commands.map(str::to_owned))
        .collect()
}

/// Variables that look like settings and are none, each with the one that was meant.
pub fn misspelt_variables(keys: &[Key]) -> Vec<(String, String)> {
    const PREFIX: &str = "CONFLUENCE_ECS_";
    let of_secrets = credentials::ALL
        .iter()
        .map(|setting| setting.variable.to_owned());
    let known: Vec<String> = keys
        .iter()
        .flat_map(variables)
        .chain(of_secrets)
        .chain([PATH_VARIABLE.to_owned()])
        .collect();
    let given = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = given.filter(|name| name.starts_with(PREFIX) && !known.contains(name));
    let meant = |name: String| {
        let rest = name.strip_prefix(PREFIX)?;
        // The name of a key without its table.
        let of_key = keys.iter().find(|key| key.name.to_uppercase() == rest);
        let of_key = of_key.and_then(|key| variables(key).into_iter().next());
        let names = known.iter().filter_map(|name| name.strip_prefix(PREFIX));
        let meant =
            of_key.or_else(|| nearest(rest, names).map(|name| format!("{PREFIX}{name}")))?;
        Some((name, meant))
    };
    unknown.filter_map(meant).collect()
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

/// Lists that say what is read, and where it goes.
const NEVER_EMPTY: [&str; 2] = ["paths", "elasticsearch_url"];

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
        Value::Integer(number) if key.kind == Kind::One(Scalar::Number) => Ok(number.clone()),
        other => Err(wrong(other)),
    };
    let setting = match (key.kind, value) {
        (Kind::Switch, Value::Boolean(on)) => Setting::Switch(*on),
        (Kind::Count, Value::Integer(number)) => {
            let expected = Kind::Count.expected();
            let problem = format!("{}: expected {expected}, found {number}", key.name);
            Setting::Count(number.parse().map_err(|_| Error::at(&place, problem))?)
        }
        // Elsewhere, an empty list of a source undoes that of all sources; nothing could be meant by these.
        (Kind::Many, Value::List(items))
            if items.is_empty() && NEVER_EMPTY.contains(&&*key.name) =>
        {
            let problem = format!("{}: expected at least one, found an empty array", key.name);
            return Err(Error::at(&place, problem));
        }
        (Kind::Many, Value::List(items)) => {
            let items = items.iter().map(|(_, item)| text(item));
            Setting::Values(items.collect::<Result<_, _>>()?)
        }
        (Kind::One(_) | Kind::Many, one) => Setting::Values(vec![text(one)?]),
        (Kind::Secret, Value::Text(text)) => return secret(key, text, place, document),
        (Kind::Switch | Kind::Count | Kind::Secret, other) => return Err(wrong(other)),
    };
    let values = match &setting {
        Setting::Values(values) => values.as_slice(),
        Setting::Switch(_) | Setting::Count(_) | Setting::Secret { .. } => &[],
    };
    for value in values {
        check_filled(value, key, &place)?;
    }
    Ok(Assignment {
        key: key.clone(),
        setting,
        place,
    })
}

/// A value of blanks alone is meant by nobody: most likely a variable or a template was empty.
fn check_filled(value: &str, key: &Key, place: &Place) -> Result<(), Error> {
    let found = match value {
        "" => "an empty string",
        blank if blank.trim().is_empty() => "a string of blanks",
        _ => return Ok(()),
    };
    let expected = key.kind.expected();
    let problem = format!("{}: expected {expected}, not {found}", key.name);
    Err(Error::at(place, problem))
}

/// A reference to a file is what the flag with the file's name is for.
fn secret(
    key: &Key,
    text: &str,
    place: Place,
    document: Option<&Document>,
) -> Result<Assignment, Error> {
    check_filled(text, key, &place)?;
    // A variable holds the secret as it stands.
    let Some(document) = document else {
        return Ok(Assignment {
            key: key.clone(),
            setting: Setting::Secret {
                secret: Secret::new(text.to_owned()),
                is_literal: false,
            },
            place,
        });
    };
    let (secret, is_literal) = match secrets::reference(text) {
        Reference::File(path) => {
            let path = secrets::expand(path, &place, &key.name)?;
            check_filled(&path, key, &place)?;
            return Ok(Assignment {
                key: Key {
                    name: format!("{}_file", key.name),
                    kind: Kind::One(Scalar::Text),
                    ..key.clone()
                },
                setting: Setting::Values(vec![path]),
                place,
            });
        }
        Reference::Variable(_) => (secrets::expand(text, &place, &key.name)?, false),
        Reference::Literal => {
            secrets::check_private(&document.path, &place, &key.name)?;
            (text.to_owned(), true)
        }
    };
    check_filled(&secret, key, &place)?;
    Ok(Assignment {
        key: key.clone(),
        setting: Setting::Secret {
            secret: Secret::new(secret),
            is_literal,
        },
        place,
    })
}

/// Ways of which a source takes one, each by its keys: a layer that says one of them replaces another below it.
const ALTERNATIVES: [&[&[&str]]; 4] = [
    &[&["quiet"], &["verbose"]],
    &[&["email", "api_token"], &["pat"], &["client_secret"]],
    &[&["es_api_key"], &["es_user", "es_password"]],
    &[&["es_ca_file"], &["es_ca_fingerprint"]],
];

/// The name of a key; of one that names the file of a secret, the secret's.
fn secret_name(name: &str) -> &str {
    match name.strip_suffix("_file") {
        Some(secret) if SECRETS.contains(&secret) => secret,
        _ => name,
    }
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
    for ways in ALTERNATIVES {
        let says_any = |way: &&[&str]| {
            layer
                .iter()
                .any(|one| way.contains(&secret_name(&one.key.name)))
        };
        let said: Vec<_> = ways.iter().copied().filter(says_any).collect();
        if !said.is_empty() {
            let others = ways.iter().filter(|way| !said.contains(*way));
            let others: Vec<&str> = others.flat_map(|way| way.iter().copied()).collect();
            below.retain(|name, _| !others.contains(&secret_name(name)));
        }
    }
    for assignment in layer {
        let name = &assignment.key.name;
        // A secret and the file that holds it are one setting.
        below.retain(|other, _| secret_name(other) != secret_name(name));
        below.insert(name.clone(), assignment);
    }
}

/// The secrets among them, by the flags that name their files.
#[must_use]
pub fn given_secrets(assignments: &Assignments) -> BTreeMap<String, Secret> {
    let secret = |one: &Assignment| match &one.setting {
        Setting::Secret { secret, .. } => Some((one.key.flag.clone()?, secret.clone())),
        Setting::Switch(_) | Setting::Count(_) | Setting::Values(_) => None,
    };
    assignments.values().filter_map(secret).collect()
}
