//! The whole configuration: what holds for all, and the sources.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::document::{Document, Entry, Value};
use super::draft::{Draft, Known, source_tables, table_of, without_overridden_secrets};
use super::keys::{Key, SourceKind, Table, nearest};
use super::layers::{
    Assignment, Assignments, Setting, misspelt_variables, of_environment, of_table, put_over,
};
use super::source::Source;
use super::{Error, Place};
use crate::cli::GivenFlag;
use crate::process::shown::Shown as _;

/// A configuration that was read, with the environment and the flags over it.
#[derive(Debug)]
pub struct Configuration {
    /// The file.
    pub path: PathBuf,
    /// What is set for all.
    pub shared: Assignments,
    /// The sources, in the order of the file.
    pub sources: Vec<Source>,
    /// What should be seen to, though it works.
    pub warnings: Vec<String>,
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
        configuration.warn(&known);
        Ok(configuration)
    }

    /// Looks whether each source has arguments that can be used together.
    ///
    /// # Errors
    /// When one has not.
    pub fn check_arguments(&self) -> Result<(), Error> {
        let mut sources = self.sources.iter();
        sources.try_for_each(|source| source.arguments().map(|_| ()))
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
        configuration.warn(&known);
        Ok(configuration)
    }

    /// Collects what is to be warned of, once logging has been started.
    fn warn(&mut self, known: &Known) {
        let of_sources = self
            .sources
            .iter()
            .flat_map(|source| source.assignments.values());
        let mut warnings = Vec::new();
        for one in self.shared.values().chain(of_sources) {
            let Setting::Secret {
                is_literal: true, ..
            } = one.setting
            else {
                continue;
            };
            let warning = format!(
                "{}: {} is a secret in the configuration file: keep it in a file of its own, {}_file",
                one.place, one.key.name, one.key.name
            );
            // What is set for all is set for each source.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        let misspelt = misspelt_variables(&known.shared);
        let misspelt = misspelt.into_iter().map(|(name, meant)| {
            format!("the environment variable {name} is not used; did you mean {meant}?")
        });
        self.warnings = warnings.into_iter().chain(misspelt).collect();
    }

    fn read_shared(document: &Document, known: &Known) -> Result<Self, Error> {
        let mut shared = Assignments::new();
        for table in Table::ALL {
            let layer = shared_table(document, table, known)?;
            put_over(&mut shared, layer);
        }
        Ok(Self {
            path: document.path.clone(),
            shared,
            sources: Vec::new(),
            warnings: Vec::new(),
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
            for what in source.claims() {
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
    /// What only one source can have at a time, in words.
    fn claims(&self) -> Vec<String> {
        let file = self.file().map(|file| {
            if file.as_os_str() == "-" {
                return "the output stdout".to_owned();
            }
            let absolute = std::path::absolute(&file).unwrap_or(file);
            format!("the output {}", absolute.shown())
        });
        let name = format!("the name `{}`", self.name);
        let all = std::iter::once(name).chain(file).chain(self.position());
        all.collect()
    }

    /// Whether both cannot run at the same time.
    #[must_use]
    pub fn is_at_odds_with(&self, other: &Self) -> bool {
        let claims = other.claims();
        self.claims().iter().any(|claim| claims.contains(claim))
    }

    /// What its positions are saved under, as far as that can be known: the organization or site that is asked, and
    /// for what.
    fn position(&self) -> Option<String> {
        let value = |name: &str| match &self.assignments.get(name)?.setting {
            Setting::Values(values) => values.first().cloned(),
            Setting::Switch(_) | Setting::Count(_) | Setting::Secret { .. } => None,
        };
        if self.kind != SourceKind::Fetch {
            return None;
        }
        let directory = value("state_dir").unwrap_or_default();
        if let Some(id) = value("org_id").map(|id| id.to_ascii_lowercase()) {
            return Some(format!("the organization {id}{}", of(&directory)));
        }
        let id = value("cloud_id").filter(|id| id != "auto");
        let site = id.or_else(|| {
            let url = url::Url::parse(&value("url")?).ok()?;
            let path = url.path().trim_end_matches('/').trim_end_matches("/wiki");
            let port = url.port().map_or(String::new(), |port| format!(":{port}"));
            Some(format!("{}{port}{path}", url.host_str()?))
        })?;
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
