//! What the `event.action` of an organization's event means: `schemas/organization-actions.json`, the table of
//! docs/org-events.md 4.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::json;

use crate::pipeline::event::{Class, OrganizationRow};
use crate::pipeline::json::{Kind, Value};

/// Content of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionsFile {
    /// The first row that fits an action counts; the last fits all.
    rows: Vec<FileRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRow {
    /// An action; with a `*` for any text at its beginning or end.
    action: String,
    category: Vec<String>,
    #[serde(rename = "type")]
    kind: Vec<String>,
    outcome: String,
}

/// Which actions a row is for.
#[derive(Debug)]
enum Pattern {
    Exact(String),
    Prefix(String),
    Suffix(String),
}

impl Pattern {
    fn of(text: &str) -> Self {
        if let Some(suffix) = text.strip_prefix('*') {
            Self::Suffix(suffix.to_owned())
        } else if let Some(prefix) = text.strip_suffix('*') {
            Self::Prefix(prefix.to_owned())
        } else {
            Self::Exact(text.to_owned())
        }
    }

    fn fits(&self, action: &str) -> bool {
        match self {
            Self::Exact(text) => action == text,
            Self::Prefix(text) => action.starts_with(text.as_str()),
            Self::Suffix(text) => action.ends_with(text.as_str()),
        }
    }
}

static ROWS: LazyLock<Vec<(Pattern, OrganizationRow)>> = LazyLock::new(|| {
    let text = include_str!("../../../schemas/organization-actions.json");
    let file: ActionsFile = serde_json::from_str(text)
        .unwrap_or_else(|error| unreachable!("schemas/organization-actions.json: {error}"));
    let rows = file.rows.into_iter();
    rows.map(|row| {
        let mapped = OrganizationRow {
            category: json!(row.category).to_string(),
            kind: json!(row.kind).to_string(),
            outcome: json!(row.outcome).to_string(),
        };
        (Pattern::of(&row.action), mapped)
    })
    .collect()
});

/// What is told by what stands where an action belongs.
#[must_use]
pub fn classify(action: Option<Value<'_>>) -> Class {
    match action.map(Value::kind) {
        None | Some(Kind::Null) => return Class::None,
        Some(_) => {}
    }
    let Some(action) = action.and_then(Value::as_str) else {
        return Class::Kind;
    };
    let row = ROWS.iter().find(|(pattern, _)| pattern.fits(&action));
    row.map_or(Class::Kind, |(_, row)| Class::Row(row))
}
