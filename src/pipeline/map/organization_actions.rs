//! What the `event.action` of an organization's event means: `schemas/organization-actions.json`, the tables of
//! docs/org-events.md 4.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::json;

use crate::pipeline::actions::Categories;
use crate::pipeline::event::{Class, OrganizationRow};
use crate::pipeline::json::{Kind, Value};

/// The rows as they stand in the file.
pub const JSON: &str = include_str!("../../../schemas/organization-actions.json");
const FAILURE: &str = "\"failure\"";

/// Content of the file. A `*` in an action stands for any text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionsFile {
    /// The first row that fits an action counts; the last fits all.
    pub rows: Vec<FileRow>,
    /// What `--categories extended` does otherwise.
    pub extended: FileExtension,
}

/// What `--categories extended` does otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileExtension {
    /// Rows before the others.
    pub rows: Vec<FileRow>,
    /// Actions that have failed, whatever row they fit.
    pub failures: Vec<String>,
}

/// A row of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRow {
    /// The action, or what several have in common.
    pub action: String,
    /// `event.category`
    pub category: Vec<String>,
    /// `event.type`
    #[serde(rename = "type")]
    pub kind: Vec<String>,
    /// `event.outcome`
    pub outcome: String,
}

/// The file.
pub static FILE: LazyLock<ActionsFile> = LazyLock::new(|| {
    serde_json::from_str(JSON)
        .unwrap_or_else(|error| unreachable!("schemas/organization-actions.json: {error}"))
});

/// The same, ready to be asked.
struct Actions {
    elastic: Vec<(Pattern, OrganizationRow)>,
    extended: Vec<(Pattern, OrganizationRow)>,
    failures: Vec<Pattern>,
}

static ACTIONS: LazyLock<Actions> = LazyLock::new(|| {
    let file = &*FILE;
    let rows = |rows: &[FileRow]| rows.iter().map(row).collect();
    let failures = &file.extended.failures;
    Actions {
        elastic: rows(&file.rows),
        extended: rows(&file.extended.rows),
        failures: failures.iter().map(|text| Pattern::new(text)).collect(),
    }
});

fn row(row: &FileRow) -> (Pattern, OrganizationRow) {
    let mapped = OrganizationRow {
        category: json!(row.category).to_string(),
        kind: json!(row.kind).to_string(),
        outcome: json!(row.outcome).to_string(),
    };
    (Pattern::new(&row.action), mapped)
}

/// An action, or what stands between the `*` of several.
#[derive(Debug)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// From an action in which each `*` stands for any text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.split('*').map(str::to_owned).collect())
    }

    /// Whether an action is one of those.
    #[must_use]
    pub fn fits(&self, action: &str) -> bool {
        let [first, rest @ ..] = self.0.as_slice() else {
            return false;
        };
        let Some(action) = action.strip_prefix(first.as_str()) else {
            return false;
        };
        let [between @ .., last] = rest else {
            return action.is_empty();
        };
        let behind = between.iter().try_fold(action, |action, part| {
            let at = action.find(part.as_str())?;
            Some(&action[at + part.len()..])
        });
        behind.is_some_and(|behind| behind.ends_with(last.as_str()))
    }
}

/// Whether the name of an action says that it has failed.
#[must_use]
pub fn has_failed(action: &str) -> bool {
    let failures = &ACTIONS.failures;
    failures.iter().any(|failure| failure.fits(action))
}

/// What is told by that which stands where an action belongs.
#[must_use]
pub fn classify(action: Option<Value<'_>>, categories: Categories) -> Class {
    match action.map(Value::kind) {
        None | Some(Kind::Null) => return Class::None,
        Some(_) => {}
    }
    let Some(action) = action.and_then(Value::as_str) else {
        return Class::Kind;
    };
    let actions = &*ACTIONS;
    let is_extended = categories == Categories::Extended;
    let extended = actions.extended.iter().filter(|_| is_extended);
    let row = extended
        .chain(&actions.elastic)
        .find(|(pattern, _)| pattern.fits(&action));
    let has_failed = is_extended && has_failed(&action);
    row.map_or(Class::Kind, |(_, row)| Class::Row {
        row,
        outcome: if has_failed { FAILURE } else { &row.outcome },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, fitting, others) in [
            ("a_b", &["a_b"][..], &["a_b_", "xa_b", ""][..]),
            ("a_*", &["a_", "a_b"], &["a", "xa_"]),
            ("*_a", &["_a", "b_a"], &["a", "_ab"]),
            ("*", &["", "a"], &[]),
            ("*_a_*", &["_a_", "b_a_c"], &["_a", "a_"]),
            ("u_*_a_*", &["u_x_a_", "u__a_b"], &["u_a_b", "x_u_b_a_"]),
        ] {
            let pattern = Pattern::new(pattern);
            assert!(fitting.iter().all(|text| pattern.fits(text)));
            assert!(!others.iter().any(|text| pattern.fits(text)));
        }
    }
}
