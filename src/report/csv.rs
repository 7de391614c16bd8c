//! Events as rows of a table: CSV (RFC 4180), for a spreadsheet.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use ::csv::WriterBuilder;

use crate::pipeline::json::{Kind, Value};

/// What stands between the values of a field that has several.
const BETWEEN: &str = "; ";

/// The columns where none are asked for.
pub const DEFAULT_FIELDS: [&str; 11] = [
    "@timestamp",
    "event.action",
    "event.category",
    "event.outcome",
    "user.full_name",
    "user.name",
    "user.target.name",
    "confluence.audit.affected_objects.name",
    "source.ip",
    "source.geo.country_iso_code",
    "error.message",
];

/// The columns of a table: fields of events.
#[derive(Debug)]
pub struct Columns(Vec<Column>);

#[derive(Debug)]
struct Column {
    field: String,
    /// Whether any event has it.
    is_used: AtomicBool,
}

impl Columns {
    /// Columns for fields, by their dotted names.
    #[must_use]
    pub fn new(fields: &[String]) -> Self {
        let columns = fields.iter().map(|field| Column {
            field: field.clone(),
            is_used: AtomicBool::new(false),
        });
        Self(columns.collect())
    }

    /// The row of headings.
    #[must_use]
    pub fn headings(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Whoever runs the command chose them, not whoever wrote the records.
        let headings = self.0.iter().map(|column| Cow::Borrowed(&*column.field));
        write_row(&mut out, headings);
        out
    }

    /// Appends the row of an event.
    pub fn write(&self, out: &mut Vec<u8>, event: Value<'_>) {
        let cells = self.0.iter().map(|column| {
            let mut values = Vec::new();
            collect(event, &column.field, &mut values);
            if !values.is_empty() {
                column.is_used.store(true, Ordering::Relaxed);
            }
            cell(&values)
        });
        write_row(out, cells);
    }

    /// Fields that no event has.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let unused = self
            .0
            .iter()
            .filter(|column| !column.is_used.load(Ordering::Relaxed));
        unused.map(|column| &*column.field)
    }
}

fn write_row<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = Cow<'a, str>>) {
    let mut writer = WriterBuilder::new().from_writer(out);
    // Memory takes every row of any length.
    let _ = writer.write_record(cells.map(Cow::into_owned));
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
    match values {
        [] => Cow::Borrowed(""),
        // A number is no formula, whatever its sign.
        [one] if one.kind() != Kind::String => Cow::Borrowed(one.raw()),
        [one] => harmless(one.as_str().unwrap_or_default()),
        several => {
            let texts = several
                .iter()
                .map(|value| value.as_str().unwrap_or(value.raw().into()));
            harmless(Cow::Owned(texts.collect::<Vec<_>>().join(BETWEEN)))
        }
    }
}

/// A text that no spreadsheet takes for a formula: what begins as one gets a `'` before it, which spreadsheets show as text
/// (OWASP, "CSV Injection").
fn harmless(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return Cow::Owned(format!("'{text}"));
    }
    text
}
