//! The whole configuration: what holds for all, and the sources.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::document::{Document, Entry, Value};
use super::keys::{Key, Table, global_keys, keys, nearest};
use super::layers::{Assignment, Assignments, Setting, of_environment, of_table, put_over};
use super::source::{Source, SourceKind};
use super::{Error, Place};
use crate::cli::GivenFlag;
use crate::process::shown::Shown as _;

/// The longest name of a source: it is part of file names.
const LONGEST_NAME: usize = 64;

/// A configuration that was read, with the environment and the flags over it.
#[derive(Debug)]
pub struct Configuration {
    /// The file.
    pub path: PathBuf,
    /// What is set for all.
    pub shared: Assignments,
    /// The sources, in the order of the file.
    pub sources: Vec<Source>,
}

/// The keys of each table.
struct Known {
    tail: Vec<Key>,
    fetch: Vec<Key>,
    /// Of the tables for all sources.
    shared: Vec<Key>,
}

impl Known {
    fn new() -> Self {
        let of_kind = |kind: SourceKind| keys(kind.name());
        let (mut tail, mut fetch) = (of_kind(SourceKind::Tail), of_kind(SourceKind::Fetch));
        let mut shared: Vec<Key> = global_keys();
        for key in tail.iter().chain(&fetch).chain(&keys("run")) {
            if key.table.is_some() && !shared.iter().any(|known| known.name == key.name) {
                shared.push(key.clone());
            }
        }
        for own in [&mut tail, &mut fetch] {
            own.retain(|key| !is_for_process(key));
        }
        Self {
            tail,
            fetch,
            shared,
        }
    }

    fn of_table(&self, table: Table) -> Vec<Key> {
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

impl Configuration {
    /// Reads a file for its sources; flags come before the environment, and that before the file.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it or in the environment is wrong.
    pub fn load(path: &Path, given: &[GivenFlag]) -> Result<Self, Error> {
        let document = Document::read(path)?;
        let known = Known::new();
        let mut configuration = Self::read_shared(&document, &known)?;
        let above = [
            of_environment(&known.shared)?,
            of_flags(given, &known.shared),
        ];
        for (line, table) in source_tables(&document)? {
            let own = Draft::read(&document, line, table, &known)?;
            let source = own.finish(&configuration.shared, &above, &known);
            configuration.sources.push(source);
        }
        configuration.put_over_shared(above);
        configuration.check_apart()?;
        Ok(configuration)
    }

    /// Reads what a file sets for all sources, for a command that is not its service.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_shared(path: &Path, given: &[GivenFlag]) -> Result<Self, Error> {
        let document = Document::read(path)?;
        let known = Known::new();
        let mut configuration = Self::read_shared(&document, &known)?;
        configuration.put_over_shared([
            of_environment(&known.shared)?,
            of_flags(given, &known.shared),
        ]);
        Ok(configuration)
    }

    fn read_shared(document: &Document, known: &Known) -> Result<Self, Error> {
        let mut shared = Assignments::new();
        for table in [
            Table::Top,
            Table::State,
            Table::Mapping,
            Table::Http,
            Table::Output,
        ] {
            let layer = shared_table(document, table, known)?;
            put_over(&mut shared, layer);
        }
        Ok(Self {
            path: document.path.clone(),
            shared,
            sources: Vec::new(),
        })
    }

    fn put_over_shared(&mut self, layers: [Vec<Assignment>; 2]) {
        for layer in layers {
            put_over(&mut self.shared, layer);
        }
        without_overridden_secrets(&mut self.shared);
    }

    /// Two sources that share a name, an output file or a site would undo what the other does.
    fn check_apart(&self) -> Result<(), Error> {
        let mut names: BTreeMap<String, &Source> = BTreeMap::new();
        for source in &self.sources {
            let file = source.file().map(|file| {
                let absolute = std::path::absolute(&file).unwrap_or(file);
                format!("the output {}", absolute.shown())
            });
            let name = format!("the name `{}`", source.name);
            for what in std::iter::once(name).chain(file).chain(source.position()) {
                if let Some(other) = names.insert(what.clone(), source) {
                    return Err(Error::at(
                        &source.place,
                        format!(
                            "source `{}` has {what}, as the source at {} has: expected one of its own{}",
                            source.name,
                            other.place,
                            if what.starts_with("the output") {
                                " (`{source}` stands for the name of the source)"
                            } else {
                                ""
                            }
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Source {
    /// What its positions are saved under, as far as that can be known: the site that is asked, and for what.
    fn position(&self) -> Option<String> {
        let value = |name: &str| match &self.assignments.get(name)?.setting {
            Setting::Values(values) => values.first().cloned(),
            Setting::Switch(_) | Setting::Count(_) | Setting::Secret(_) => None,
        };
        if self.kind != SourceKind::Fetch {
            return None;
        }
        let id = value("cloud_id").filter(|id| id != "auto");
        let site = id.or_else(|| {
            let url = url::Url::parse(&value("url")?).ok()?;
            let path = url.path().trim_end_matches('/').trim_end_matches("/wiki");
            Some(format!("{}{path}", url.host_str()?))
        })?;
        let directory = value("state_dir").unwrap_or_default();
        let search = value("search").unwrap_or_default();
        Some(format!("the site {site}{}{}", of(&search), of(&directory)))
    }
}

fn of(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({text})")
    }
}

/// What a table sets for all sources.
fn shared_table(
    document: &Document,
    table: Table,
    known: &Known,
) -> Result<Vec<Assignment>, Error> {
    let keys = known.of_table(table);
    let Some(name) = table.name() else {
        let is_table = |entry: &&Entry| matches!(&*entry.key, "source") || is_shared(&entry.key);
        let entries: Vec<_> = document.entries.iter().collect();
        let mut assignments = Vec::new();
        for entry in entries.into_iter().filter(|entry| !is_table(entry)) {
            check_top(document, entry, &keys)?;
            let one = std::slice::from_ref(entry);
            assignments.extend(of_table(document, one, &keys, "before the first table")?);
        }
        return Ok(assignments);
    };
    let found = document.entries.iter().find(|entry| entry.key == name);
    let Some(entry) = found else {
        return Ok(Vec::new());
    };
    let entries = table_of(document, entry)?;
    of_table(document, entries, &keys, &format!("in [{name}]"))
}

fn is_shared(name: &str) -> bool {
    Table::ALL
        .into_iter()
        .any(|table| table.name() == Some(name))
}

/// An unknown table, and a key that belongs to one, get a better answer than an unknown key.
fn check_top(document: &Document, entry: &Entry, keys: &[Key]) -> Result<(), Error> {
    let place = document.place(entry.line);
    let is_table = matches!(entry.value, Value::Table(_) | Value::List(_));
    if !is_table || keys.iter().any(|key| key.name == entry.key) {
        return Ok(());
    }
    let tables = Table::ALL.into_iter().filter_map(Table::name);
    let hint = match nearest(&entry.key, tables.chain(["source"])) {
        Some("source") => "did you mean `[[source]]`?".to_owned(),
        Some(name) => format!("did you mean `[{name}]`?"),
        None => "expected [state], [mapping], [http], [output] or [[source]]".to_owned(),
    };
    Err(Error::at(
        &place,
        format!("unknown table `{}`; {hint}", entry.key.shown()),
    ))
}

fn table_of<'a>(document: &Document, entry: &'a Entry) -> Result<&'a [Entry], Error> {
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
fn source_tables(document: &Document) -> Result<Vec<(usize, &[Entry])>, Error> {
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
struct Draft {
    name: String,
    kind: SourceKind,
    place: Place,
    own: Vec<Assignment>,
    output: Option<Vec<Assignment>>,
}

impl Draft {
    fn read(
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
                    let keys = table.map(|table| known.of_table(table)).unwrap_or_default();
                    let title = format!("in [source.{}] of `{name}`", entry.key);
                    own.extend(of_table(document, inner, &keys, &title)?);
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
    fn finish(self, shared: &Assignments, above: &[Vec<Assignment>], known: &Known) -> Source {
        let keys = known.of_source(self.kind);
        let takes = |one: &Assignment| {
            keys.iter().any(|key| key.flag == one.key.flag) && !is_for_process(&one.key)
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

/// What the process does, and none of its sources by itself.
fn is_for_process(key: &Key) -> bool {
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

/// The flags of the command line as assignments.
fn of_flags(given: &[GivenFlag], keys: &[Key]) -> Vec<Assignment> {
    let assignment = |flag: &GivenFlag| {
        let is_of = |key: &&Key| key.flag.as_deref() == Some(&*flag.name);
        let key = keys.iter().find(is_of)?;
        let text = |value: &OsString| value.to_string_lossy().into_owned();
        let setting = match flag.values.as_deref() {
            None => Setting::Switch(true),
            Some(values) => Setting::Values(values.iter().map(text).collect()),
        };
        Some(Assignment {
            key: key.clone(),
            setting,
            place: Place::Flag(flag.name.clone()),
        })
    };
    given.iter().filter_map(assignment).collect()
}

/// Secrets have variables of their own, which hold them for every command. As every variable, they come before
/// what the file says for all sources; what it says for one source alone is meant for that.
fn without_overridden_secrets(assignments: &mut Assignments) {
    const VARIABLES: [(&str, &str); 3] = [
        ("es_api_key", "CONFLUENCE_ECS_ES_API_KEY"),
        ("es_password", "CONFLUENCE_ECS_ES_PASSWORD"),
        ("proxy_password", "CONFLUENCE_ECS_PROXY_PASSWORD"),
    ];
    for (name, variable) in VARIABLES {
        if std::env::var_os(variable).is_some_and(|value| !value.is_empty()) {
            assignments.remove(name);
            assignments.remove(&format!("{name}_file"));
        }
    }
}
