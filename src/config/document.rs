//! The text of a configuration file as keys with values, each with its line.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::{Error, Place};

/// A longer file is no configuration.
const LONGEST: u64 = 1 << 20;

/// A configuration file that was read.
#[derive(Debug)]
pub struct Document {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it, in the order of the file.
    pub entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Debug)]
pub struct Entry {
    /// The key as it stands in the file, without quotes.
    pub key: String,
    /// Its line, from 1.
    pub line: usize,
    /// What it is set to.
    pub value: Value,
}

/// A value of TOML, as far as a configuration has a use for it.
#[derive(Debug)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// An integer, in decimal.
    Integer(String),
    /// A string.
    Text(String),
    /// An array, of which each item has a line.
    List(Vec<(usize, Value)>),
    /// A table.
    Table(Vec<Entry>),
    /// A value that no key takes, by the name of its type.
    Other(&'static str),
}

impl Value {
    /// What it is, for a message that says what was expected instead.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Table(_) => "a table",
            Self::Other(name) => name,
        }
    }
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is not TOML.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unreadable = |problem: String| Error::Unreadable {
            path: path.to_owned(),
            problem,
        };
        let failed = |error: io::Error| {
            unreadable(match error.kind() {
                io::ErrorKind::NotFound => {
                    format!("{error}; `confluence-ecs config example` prints one to start from")
                }
                io::ErrorKind::PermissionDenied => {
                    format!("{error}; run it as root, or as a member of the file's group")
                }
                _ => error.to_string(),
            })
        };
        let metadata = fs::metadata(path).map_err(failed)?;
        // It is read again at each SIGHUP, which a pipe cannot be; opening one could wait for ever.
        if !metadata.is_file() {
            return Err(unreadable("it is not a regular file".to_owned()));
        }
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
        read.map_err(failed)?;
        if bytes.len() as u64 > LONGEST {
            return Err(unreadable(format!(
                "it is larger than {} MiB",
                LONGEST >> 20
            )));
        }
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(format!("it is not UTF-8 text: {}", error.utf8_error())))?;
        Self::parse(path, text.trim_start_matches('\u{feff}'))
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let table = DeTable::parse(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            Error::Invalid {
                place: Place::Line(path.to_owned(), line_at(text, start)),
                problem: error.message().replace('\n', "; "),
            }
        })?;
        Ok(Self {
            path: path.to_owned(),
            entries: entries(table.get_ref(), text),
        })
    }

    /// A value as the file would have it.
    ///
    /// # Errors
    /// When it is not TOML.
    pub fn value_of(text: &str, place: &Place) -> Result<Value, Error> {
        let parsed = DeValue::parse(text).map_err(|error| Error::at(place, error.message()))?;
        Ok(value(parsed.get_ref(), text))
    }

    /// The place of a line.
    #[must_use]
    pub fn place(&self, line: usize) -> Place {
        Place::Line(self.path.clone(), line)
    }
}

/// The entries of a table in the order of the file.
fn entries(table: &DeTable<'_>, text: &str) -> Vec<Entry> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
        .into_iter()
        .map(|(key, found)| Entry {
            key: key.get_ref().to_string(),
            line: line_at(text, key.span().start),
            value: value(found.get_ref(), text),
        })
        .collect()
}

fn value(found: &DeValue<'_>, text: &str) -> Value {
    match found {
        DeValue::Boolean(on) => Value::Boolean(*on),
        DeValue::Integer(number) => integer(number.as_str(), number.radix()),
        DeValue::String(string) => Value::Text(string.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| {
                    (
                        line_at(text, item.span().start),
                        value(item.get_ref(), text),
                    )
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(entries(table, text)),
        DeValue::Float(_) => Value::Other("a float"),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
    }
}

/// Flags take decimal numbers only; TOML has hexadecimal ones, and underscores.
fn integer(digits: &str, radix: u32) -> Value {
    match i128::from_str_radix(digits, radix) {
        Ok(number) => Value::Integer(number.to_string()),
        Err(_) => Value::Other("an integer out of range"),
    }
}

/// The line of a byte, from 1.
fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}
