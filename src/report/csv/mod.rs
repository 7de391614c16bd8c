//! Events as rows of a table: CSV (RFC 4180, but lines end as here), for a spreadsheet.

mod formula;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::sync::atomic::{AtomicBool, Ordering};

use ::csv::{QuoteStyle, WriterBuilder};

use self::formula::harmless;
use crate::pipeline::json::{Kind, Value};
use crate::process::shown::Shown as _;

/// What stands between the values of a field that has several.
const BETWEEN: &str = "; ";
/// Without it, Excel reads UTF-8 as the encoding of its country.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The columns where none are asked for: those of people, for events of any data set.
pub const DEFAULT_FIELDS: [&str; 15] = [
    "@timestamp",
    "user.full_name",
    "user.name",
    "user.email",
    "event.action",
    "confluence.audit.type.action",
    "message",
    "confluence.audit.affected_objects.name",
    "user.target.full_name",
    "source.ip",
    "source.address",
    "source.geo.country_name",
    "event.outcome",
    "event.category",
    "error.message",
];

/// Who reads a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// Somebody at a terminal: texts are escaped.
    Terminal,
    /// Excel: a byte order mark, and no heading is a formula.
    Excel,
    /// Any other program: texts are as they are in the events.
    Program,
}

/// The columns of a table: fields of events.
#[derive(Debug)]
pub struct Columns {
    columns: Vec<Column>,
    destination: Destination,
}

#[derive(Debug)]
struct Column {
    field: String,
    /// Whether any event has it.
    is_used: AtomicBool,
}

impl Columns {
    /// Columns for fields, by their dotted names.
    #[must_use]
    pub fn new(fields: &[String], destination: Destination) -> Self {
        let columns = fields.iter().map(|field| Column {
            field: field.clone(),
            is_used: AtomicBool::new(false),
        });
        Self {
            columns: columns.collect(),
            destination,
        }
    }

    /// The row of headings.
    #[must_use]
    pub fn headings(&self) -> Vec<u8> {
        let names = self.columns.iter().map(|column| &*column.field);
        let mut out = Vec::new();
        if self.destination == Destination::Excel {
            out.extend_from_slice(BYTE_ORDER_MARK.as_bytes());
            // `@timestamp` would be the name of a function.
            write_row(
                &mut out,
                &names.map(|name| harmless(name.into())).collect::<Vec<_>>(),
            );
        } else {
            // Whoever runs the command chose them, not whoever wrote the records.
            write_row(&mut out, &names.map(Cow::Borrowed).collect::<Vec<_>>());
        }
        out
    }

    /// Appends the row of an event.
    pub fn write(&self, out: &mut Vec<u8>, event: Value<'_>) {
        let cells = self.columns.iter().map(|column| {
            let mut values = Vec::new();
            collect(event, &column.field, &mut values);
            if !values.is_empty() {
                column.is_used.store(true, Ordering::Relaxed);
            }
            let cell = cell(&values);
            match self.destination {
                Destination::Terminal => OsStr::new(&*cell).shown().to_string().into(),
                Destination::Excel | Destination::Program => cell,
            }
        });
        write_row(out, &cells.collect::<Vec<_>>());
    }

    /// Fields that no event has.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let unused = self
            .columns
            .iter()
            .filter(|column| !column.is_used.load(Ordering::Relaxed));
        unused.map(|column| &*column.field)
    }
}

fn write_row(out: &mut Vec<u8>, cells: &[Cow<'_, str>]) {
    // LibreOffice takes these for delimiters, too, where they are not quoted.
    let has_delimiter = cells.iter().any(|cell| cell.contains([';', '\t']));
    let quotes = if has_delimiter {
        QuoteStyle::Always
    } else {
        QuoteStyle::Necessary
    };
    let mut writer = WriterBuilder::new().quote_style(quotes).from_writer(out);
    // Memory takes every row of any length.
    let _ = writer.write_record(cells.iter().map(|cell| cell.as_bytes()));
    let _ = writer.flush();
}

/// The values of a field, in all elements of lists on the way. A key may hold dots itself.
fn collect<'a>(value: Value<'a>, path: &str, values: &mut Vec<Value<'a>>) {
    match value.kind() {
        Kind::Array => value
            .elements()
            .for_each(|element| collect(element, path, values)),
        _ if path.is_empty() => values.push(value),
        Kind::Object => {
            for (key, member) in value.members() {
                let key = key.as_str().unwrap_or_default();
                match path.strip_prefix(&*key) {
                    Some("") => collect(member, "", values),
                    Some(rest) if rest.starts_with('.') => collect(member, &rest[1..], values),
                    Some(_) | None => {}
                }
            }
        }
        Kind::Null | Kind::Boolean | Kind::Integer | Kind::Float | Kind::String => {}
    }
}

fn cell<'a>(values: &[Value<'a>]) -> Cow<'a, str> {
    let text = |value: &Value<'a>| value.as_str().unwrap_or(value.raw().into());
    match values {
        [] => Cow::Borrowed(""),
        [one] => match one.kind() {
            // A number is no formula, whatever its sign.
            Kind::Null | Kind::Boolean | Kind::Integer | Kind::Float => one.raw().into(),
            Kind::String | Kind::Array | Kind::Object => harmless(text(one)),
        },
        several => {
            let texts: Vec<_> = several.iter().map(text).collect();
            harmless(Cow::Owned(texts.join(BETWEEN)))
        }
    }
}
