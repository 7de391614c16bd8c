//! A source's own table, before what is set for all is joined to it.

use super::document::{Document, Entry, Value};
use super::keys::{Key, SourceKind, Table, global_keys, keys, nearest};
use super::layers::{Assignment, Assignments, Setting, of_table, put_over};
use super::source::Source;
use super::{Error, Place};
use crate::auth::credentials::{ES_API_KEY, ES_PASSWORD, PROXY_PASSWORD};
use crate::process::shown::Shown as _;

/// The longest name of a source: it is part of file names.
const LONGEST_NAME: usize = 64;

/// The keys of each table.
pub(super) struct Known {
    tail: Vec<Key>,
    fetch: Vec<Key>,
    /// Of the tables for all sources.
    pub(super) shared: Vec<Key>,
}

impl Known {
    pub(super) fn new() -> Self {
        let of = |kind: SourceKind| keys(kind.name());
        let (mut tail, mut fetch) = (of(SourceKind::Tail), of(SourceKind::Fetch));
        let mut shared: Vec<Key> = global_keys();
        for key in tail.iter().chain(&fetch).chain(&keys("run")) {
            if key.table.is_some() && !shared.iter().any(|known| known.name == key.name) {
                shared.push(key.clone());
            }
        }
        tail.retain(|key| !is_for_process(key));
        fetch.retain(|key| !is_for_process(key));
        Self {
            tail,
            fetch,
            shared,
        }
    }

    pub(super) fn of_table(&self, table: Table) -> Vec<Key> {
        let is_in = |key: &&Key| match table {
            Table::State => key.name == "state_dir",
            table => key.table == Some(table),
        };
        self.shared.iter().filter(is_in).cloned().collect()
    }

    fn of_source(&self, kind: SourceKind) -> &[Key] {
        match kind {
            SourceKind::Tail => &self.tail,
            SourceKind::Fetch => &self.fetch,
        }
    }
}

pub(super) fn table_of<'a>(document: &Document, entry: &'a Entry) -> Result<&'a [Entry], Error> {
    match &entry.value {
        Value::Table(entries) => Ok(entries),
        other => Err(Error::at(
            &document.place(entry.line),
            format!(
                "{}: expected a table, found {}",
                entry.key.shown(),
                other.type_name()
            ),
        )),
    }
}

/// The tables of the sources, each with its line.
pub(super) fn source_tables(document: &Document) -> Result<Vec<(usize, &[Entry])>, Error> {
    let found = document.entries.iter().find(|entry| entry.key == "source");
    let Some(entry) = found else {
        return Err(Error::at(
            &document.place(1),
            "no [[source]]: expected at least one, with `name` and `type`",
        ));
    };
    let wrong = |line: usize, found: &Value| {
        Error::at(
            &document.place(line),
            format!(
                "source: expected [[source]] tables, found {}",
                found.type_name()
            ),
        )
    };
    let Value::List(items) = &entry.value else {
        return Err(wrong(entry.line, &entry.value));
    };
    let tables = items.iter().map(|(line, item)| match item {
        Value::Table(entries) => Ok((*line, &**entries)),
        other => Err(wrong(*line, other)),
    });
    tables.collect()
}

/// What a source's own table says.
pub(super) struct Draft {
    name: String,
    kind: SourceKind,
    place: Place,
    own: Vec<Assignment>,
    output: Option<Vec<Assignment>>,
}

impl Draft {
    pub(super) fn read(
        document: &Document,
        line: usize,
        entries: &[Entry],
        known: &Known,
    ) -> Result<Self, Error> {
        let place = document.place(line);
        let text = |key: &str| required(document, entries, key, &place);
        let name = source_name(text("name")?)?;
        let kind = source_kind(text("type")?)?;
        let title = format!("in source `{name}` ({})", kind.name());
        let keys = known.of_source(kind);
        let (mut own, mut output) = (Vec::new(), None);
        for entry in entries {
            match (&*entry.key, &entry.value) {
                ("name" | "type", _) => {}
                ("output", _) => {
                    let entries = table_of(document, entry)?;
                    let keys = known.of_table(Table::Output);
                    let title = format!("in [source.output] of `{name}`");
                    output = Some(of_table(document, entries, &keys, &title)?);
                }
                ("mapping" | "http" | "state", Value::Table(inner)) => {
                    let is_named = |table: &Table| table.name() == Some(&*entry.key);
                    let table = Table::ALL.into_iter().find(is_named);
                    let mut keys = table.map(|table| known.of_table(table)).unwrap_or_default();
                    keys.retain(|key| known.of_source(kind).contains(key));
                    let title = format!("in [source.{}] of `{name}`", entry.key);
                    own.extend(of_table(document, inner, &keys, &title)?);
                }
                (_, Value::Table(_)) if !keys.iter().any(|key| key.name == entry.key) => {
                    return Err(unknown_table(document, entry, &name));
                }
                _ => own.extend(of_table(
                    document,
                    std::slice::from_ref(entry),
                    keys,
                    &title,
                )?),
            }
        }
        Ok(Self {
            name,
            kind,
            place,
            own,
            output,
        })
    }

    /// Joins what is set for all and what is set for this source.
    pub(super) fn finish(
        self,
        shared: &Assignments,
        above: &[Vec<Assignment>],
        known: &Known,
    ) -> Source {
        let keys = known.of_source(self.kind);
        let is_raw =
            |one: &Assignment| one.key.name == "raw" && one.setting == Setting::Switch(true);
        // No events are made then: what all sources say of them is not for this one.
        let is_raw = self.own.iter().any(is_raw);
        let takes = |one: &Assignment| {
            keys.iter().any(|key| key.flag == one.key.flag)
                && !(is_raw && one.key.table == Some(Table::Mapping))
        };
        let mut assignments = shared.clone();
        assignments.retain(|_, one| takes(one));
        if let Some(output) = self.output {
            // One output, not two that are mixed.
            assignments.retain(|_, one| one.key.table != Some(Table::Output));
            put_over(&mut assignments, output);
        }
        put_over(&mut assignments, self.own);
        for layer in above {
            let layer = layer.iter().filter(|one| takes(one)).cloned().collect();
            put_over(&mut assignments, layer);
        }
        without_overridden_secrets(&mut assignments);
        Source {
            name: self.name,
            kind: self.kind,
            place: self.place,
            assignments,
        }
    }
}

fn unknown_table(document: &Document, entry: &Entry, source: &str) -> Error {
    let tables = ["mapping", "http", "output"];
    let hint = match nearest(&entry.key, tables) {
        Some(name) => format!("did you mean `[source.{name}]`?"),
        None => "expected [source.mapping], [source.http] or [source.output]".to_owned(),
    };
    Error::at(
        &document.place(entry.line),
        format!(
            "unknown table `{}` in source `{source}`; {hint}",
            entry.key.shown()
        ),
    )
}

/// What the process does, and none of its sources by itself.
pub(super) fn is_for_process(key: &Key) -> bool {
    matches!(
        &*key.name,
        "log_format" | "verbose" | "quiet" | "metrics_file" | "metrics_listen"
    )
}

type Located<'a> = (&'a str, Place);

fn required<'a>(
    document: &Document,
    entries: &'a [Entry],
    key: &str,
    place: &Place,
) -> Result<Located<'a>, Error> {
    let found = entries.iter().find(|entry| entry.key == key);
    match found {
        Some(Entry {
            value: Value::Text(text),
            line,
            ..
        }) => Ok((text, document.place(*line))),
        Some(entry) => Err(Error::at(
            &document.place(entry.line),
            format!(
                "{key}: expected a string, found {}",
                entry.value.type_name()
            ),
        )),
        None => Err(Error::at(
            place,
            format!(
                "source without `{key}`: expected a `name` of its own, and `type` (tail or fetch)"
            ),
        )),
    }
}

fn source_name((name, place): Located<'_>) -> Result<String, Error> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let is_good = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.starts_with(['.', '-'])
        && name.chars().all(is_plain);
    if is_good {
        return Ok(name.to_owned());
    }
    Err(Error::at(
        &place,
        "name: expected at most 64 letters, digits, `-`, `_` and `.`, beginning with a letter or digit",
    ))
}

fn source_kind((kind, place): Located<'_>) -> Result<SourceKind, Error> {
    match kind {
        "tail" => Ok(SourceKind::Tail),
        "fetch" => Ok(SourceKind::Fetch),
        other => Err(Error::at(
            &place,
            format!(
                "type: expected \"tail\" or \"fetch\", found \"{}\"",
                other.shown()
            ),
        )),
    }
}

/// Secrets have variables of their own, which hold them for every command. As every variable of a key that all
/// sources share, they come before the file.
pub(super) fn without_overridden_secrets(assignments: &mut Assignments) {
    for setting in [PROXY_PASSWORD, ES_API_KEY, ES_PASSWORD] {
        if !setting.is_in_environment() {
            continue;
        }
        let name = setting.key();
        for name in [format!("{name}_file"), name] {
            let is_of_file = |one: &Assignment| matches!(one.place, Place::Line(..));
            if assignments.get(&name).is_some_and(is_of_file) {
                assignments.remove(&name);
            }
        }
    }
}
