//! An explanation for people: raw values at the left, what becomes of them at the right, below it what is not there.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use serde_json::Value;

use super::leaves::{scalars, text as text_of};
use super::{Explanation, Field, RawValue};
use crate::process::shown::Shown as _;
use crate::process::style::{BAD, FAINT, HEADING, PLACE, Styled};
use crate::process::width::{cut, width};

const INDENT: &str = "  ";
const ARROW: &str = " → ";

/// A line of two columns, the left one empty where it is as above.
struct Row<'a> {
    left: Option<Cell>,
    right: &'a Field,
}

/// A path with its value, or what else makes a field.
enum Cell {
    Raw(RawValue),
    Via(&'static str),
}

/// An explanation as text in so many columns, with colors.
#[must_use]
pub fn text(explanation: &Explanation, columns: usize) -> String {
    let mut text = heading(explanation);
    let rows = rows(&explanation.fields);
    let left_width = |row: &Row<'_>| row.left.as_ref().map_or(0, |cell| width(&cell.plain()));
    let left = rows.iter().map(left_width).max().unwrap_or_default();
    let room = columns.saturating_sub(INDENT.len() + width(ARROW));
    // The names of fields are longer than those of raw values.
    let left = left.min(room * 2 / 5);
    for row in &rows {
        let (left, right) = (row.left(left), row.right(room - left));
        let _ = writeln!(text, "{INDENT}{left}{}{right}", Styled(FAINT, ARROW));
    }
    let absent = explanation.absent.iter();
    let absent = absent.map(|absent| (absent.field.to_owned(), &*absent.reason));
    text += &list("not in the event", absent, columns);
    let unused = explanation.unused.iter().map(|unused| {
        let path = unused.raw.shown().to_string();
        let value = unused.value.as_ref().filter(|value| is_something(value));
        let value = value.map(|value| format!(" = {}", cut(&shown(value), room / 3)));
        (path + &value.unwrap_or_default(), &*unused.reason)
    });
    text += &list("not used of the record", unused, columns);
    text
}

fn heading(explanation: &Explanation) -> String {
    let mut place = explanation.file.clone();
    if let Some(line) = explanation.line {
        let _ = write!(place, ":{line}");
    }
    if explanation.record > 1 {
        let _ = write!(place, " (record {} of the line)", explanation.record);
    }
    if explanation.is_of_event {
        place += ": the `event.original` of an event";
    }
    let what: Box<dyn Display> = match (&explanation.error, &explanation.told) {
        (Some(error), _) => {
            let error = format!("cannot be mapped: {}", error.shown());
            Box::new(Styled(BAD, error))
        }
        (None, Some(told)) if explanation.unexplained.is_none() => {
            Box::new(format!("{}, told by {}", told.dialect, told.told_by))
        }
        (None, _) => Box::new(explanation.unexplained.clone().unwrap_or_default()),
    };
    format!("{}: {what}\n", Styled(HEADING, place))
}

/// Each raw value with its fields, in the order of the record, then what is made of no raw value.
fn rows(fields: &[Field]) -> Vec<Row<'_>> {
    let mut by_raw: BTreeMap<usize, (&RawValue, Vec<&Field>)> = BTreeMap::new();
    let mut others: BTreeMap<&'static str, Vec<&Field>> = BTreeMap::new();
    for field in fields {
        for raw in &field.from {
            let entry = by_raw.entry(raw.at).or_insert((raw, Vec::new()));
            entry.1.push(field);
        }
        if field.from.is_empty() {
            others
                .entry(field.via.unwrap_or_default())
                .or_default()
                .push(field);
        }
    }
    let from_raw = by_raw.into_values();
    let from_raw = from_raw.map(|(raw, fields)| (Cell::Raw(raw.clone()), fields));
    let from_others = others
        .into_iter()
        .map(|(via, fields)| (Cell::Via(via), fields));
    let mut rows = Vec::new();
    for (cell, fields) in from_raw.chain(from_others) {
        let mut cell = Some(cell);
        rows.extend(fields.into_iter().map(|right| Row {
            left: cell.take(),
            right,
        }));
    }
    rows
}

impl Cell {
    fn plain(&self) -> String {
        match self {
            Self::Raw(raw) => format!("{} = {}", raw.raw.shown(), shown(&raw.value)),
            Self::Via(via) => format!("({via})"),
        }
    }
}

impl Row<'_> {
    fn left(&self, columns: usize) -> String {
        let plain = self.left.as_ref().map(Cell::plain).unwrap_or_default();
        let kept = cut(&plain, columns);
        let padding = " ".repeat(columns.saturating_sub(width(&kept)));
        match &self.left {
            Some(Cell::Via(_)) => format!("{}{padding}", Styled(FAINT, kept)),
            Some(Cell::Raw(_)) | None => kept + &padding,
        }
    }

    fn right(&self, columns: usize) -> String {
        let name = self.right.name.shown().to_string();
        let via = self.right.via.filter(|_| !self.right.from.is_empty());
        let via = via.map_or_else(String::new, |via| format!(" ({via})"));
        let used = width(&name) + " = ".len() + width(&via);
        // However long the name is, something of the value is to be seen.
        let value = cut(
            &shown(&self.right.value),
            columns.saturating_sub(used).max(8),
        );
        format!("{} = {value}{}", Styled(PLACE, name), Styled(FAINT, via))
    }
}

/// A heading and lines of a name and a reason; nothing without any.
fn list<'a>(
    heading: &str,
    lines: impl Iterator<Item = (String, &'a str)>,
    columns: usize,
) -> String {
    let mut text = String::new();
    for (name, reason) in lines {
        if text.is_empty() {
            text = format!("{INDENT}{}\n", Styled(HEADING, format!("{heading}:")));
        }
        let indent = INDENT.repeat(2);
        // A reason is read whole: it is not cut, and long names are.
        let name = cut(&name, (columns / 2).max(20));
        let _ = writeln!(text, "{indent}{name}: {}", Styled(FAINT, reason.shown()));
    }
    text
}

/// Whether a value has anything to be shown.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// A value without quotes; a list with commas, an empty one with brackets.
fn shown(value: &Value) -> String {
    if scalars(value).is_empty() {
        return "[]".to_owned();
    }
    let texts: Vec<String> = scalars(value).iter().map(text_of).collect();
    texts.join(", ").shown().to_string()
}
