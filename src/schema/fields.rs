//! The table of fields, and how it is printed.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::pipeline::dataset::Dataset;
use crate::process::columns::{Column, columns};

/// Content of `schemas/fields.json`, or of `schemas/organization-fields.json`: the fields of a data set.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The version of ECS that the facts are of.
    pub ecs_version: String,
    /// Every field, sorted by name.
    pub fields: Vec<Field>,
    /// The values of `event.type` that ECS expects for each value of `event.category`.
    pub expected_types: BTreeMap<String, Vec<String>>,
    /// Pairs that ECS does not expect, but docs/events.md makes: actions whose type is expected for another of their
    /// categories only.
    pub known_exceptions: Vec<Exception>,
}

/// One field of an event.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about a field"
)]
pub struct Field {
    /// Dotted path, such as `source.geo.name`.
    pub name: String,
    /// Its type in Elasticsearch.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Whether ECS or the integration defines it.
    pub level: Level,
    /// What it says, for people.
    pub description: String,
    /// Where its value comes from, for people: fields of the record by dialect, a flag, a database.
    pub source: String,
    /// Whether it is a list always, as ECS normalises it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub array: bool,
    /// Whether it is a list where the record has one in its place (docs/mapping.md 3).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_list: bool,
    /// Whether it is null where the record has null in its place (docs/org-events.md 3).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    /// Bytes above which a keyword is kept but not indexed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_above: Option<u32>,
    /// Whether it is kept in the document alone, to be neither searched nor aggregated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unindexed: bool,
    /// The only value there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The same value, indexed in another way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub multi_fields: Vec<MultiField>,
    /// The values that ECS allows; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_values: Vec<String>,
}

/// A field below a field, such as `user.name.text`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MultiField {
    /// The last part of its path.
    pub name: String,
    /// Its type in Elasticsearch.
    #[serde(rename = "type")]
    pub kind: Type,
}

/// A category and a type that ECS does not expect together.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// `event.category`
    pub category: String,
    /// `event.type`
    #[serde(rename = "type")]
    pub kind: String,
    /// The only `event.action` that it is excused for; with a `*` behind it, all that begin so.
    pub action: String,
}

impl Exception {
    /// Whether it is one for this action.
    fn excuses(&self, action: &str) -> bool {
        match self.action.strip_suffix('*') {
            Some(beginning) => action.starts_with(beginning),
            None => action == self.action,
        }
    }
}

/// Types of Elasticsearch, those that the fields have
/// (<https://www.elastic.co/guide/en/elasticsearch/reference/8.11/mapping-types.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named after Elasticsearch's types")]
pub enum Type {
    Boolean,
    ConstantKeyword,
    Date,
    Flattened,
    Float,
    GeoPoint,
    Ip,
    Keyword,
    Long,
    MatchOnlyText,
    /// An object whose keys are not all known: others are kept, whatever they hold.
    Object,
    /// A number that is kept as a multiple of a fraction.
    ScaledFloat,
    /// A keyword for texts of any length.
    Wildcard,
}

impl Type {
    /// Its name in Elasticsearch.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::ConstantKeyword => "constant_keyword",
            Self::Date => "date",
            Self::Flattened => "flattened",
            Self::Float => "float",
            Self::GeoPoint => "geo_point",
            Self::Ip => "ip",
            Self::Keyword => "keyword",
            Self::Long => "long",
            Self::MatchOnlyText => "match_only_text",
            Self::Object => "object",
            Self::ScaledFloat => "scaled_float",
            Self::Wildcard => "wildcard",
        }
    }
}

/// Who defines a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Defined by the Elastic Common Schema.
    Ecs,
    /// The integration, or the agent that runs it.
    Integration,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Integration => "integration",
        }
    }
}

/// The table of all fields and categories of a data set.
///
/// # Panics
/// When the file that was compiled in is broken, which a test rules out.
#[must_use]
pub fn fields(dataset: Dataset) -> &'static Table {
    static CONFLUENCE: LazyLock<Table> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../schemas/fields.json"))
            .unwrap_or_else(|error| unreachable!("schemas/fields.json: {error}"))
    });
    static ORGANIZATION: LazyLock<Table> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../schemas/organization-fields.json"))
            .unwrap_or_else(|error| unreachable!("schemas/organization-fields.json: {error}"))
    });
    match dataset {
        Dataset::Confluence => &CONFLUENCE,
        Dataset::Organization => &ORGANIZATION,
    }
}

impl Table {
    /// Whether `event.type` = `kind` goes with `event.category` = `category`: ECS expects it, or it
    /// is a known exception of `action`.
    #[must_use]
    pub fn expects(&self, category: &str, kind: &str, action: Option<&str>) -> bool {
        let expected = self.expected_types.get(category);
        expected.is_some_and(|expected| expected.iter().any(|one| one == kind))
            || self.known_exceptions.iter().any(|known| {
                known.category == category
                    && known.kind == kind
                    && action.is_some_and(|action| known.excuses(action))
            })
    }
}

/// How the table is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldsFormat {
    /// Columns for a terminal.
    Table,
    /// JSON, as in `schemas/`.
    Json,
    /// A Markdown table: the README's field reference.
    Markdown,
}

/// Prints the table, with a line end.
///
/// # Errors
/// When the output fails.
pub fn write(table: &Table, format: FieldsFormat, out: &mut impl Write) -> io::Result<()> {
    match format {
        FieldsFormat::Table => write_columns(table, out),
        FieldsFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, table)?;
            writeln!(out)
        }
        FieldsFormat::Markdown => write_markdown(table, out),
    }
}

const HEADINGS: [&str; 5] = [
    "Field",
    "Type",
    "Level",
    "Description",
    "Where it comes from",
];

fn cells(field: &Field) -> [String; 5] {
    [
        field.name.clone(),
        field.type_label(),
        field.level.name().to_owned(),
        field.to_string(),
        field.source.clone(),
    ]
}

fn write_columns(table: &Table, out: &mut impl Write) -> io::Result<()> {
    use Column::{Left, Ragged};

    let headings = HEADINGS.map(str::to_uppercase);
    let plain = |field| cells(field).map(|cell| cell.replace('`', ""));
    let rows = std::iter::once(headings).chain(table.fields.iter().map(plain));
    let rows: Vec<_> = rows
        .map(|[name, kind, level, description, source]| {
            [name, kind, level, description, format!("[{source}]")]
        })
        .collect();
    let text = columns(&rows, [Left, Left, Left, Ragged, Ragged]);
    out.write_all(text.as_bytes())
}

fn write_markdown(table: &Table, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "| {} |", HEADINGS.join(" | "))?;
    writeln!(out, "|{}", "---|".repeat(HEADINGS.len()))?;
    for field in &table.fields {
        let [name, kind, level, description, source] =
            cells(field).map(|cell| cell.replace('|', "\\|"));
        writeln!(
            out,
            "| `{name}` | {kind} | {level} | {description} | {source} |"
        )?;
    }
    Ok(())
}

impl Field {
    /// Its type, and whether it is a list.
    fn type_label(&self) -> String {
        let list = if self.array { " (list)" } else { "" };
        format!("{}{list}", self.kind.name())
    }
}

/// The description, with the values that the field is bound to.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)?;
        if let Some(value) = &self.value {
            write!(f, " Always `{value}`.")?;
        }
        if !self.allowed_values.is_empty() {
            write!(f, " Allowed: `{}`.", self.allowed_values.join("`, `"))?;
        }
        for multi in &self.multi_fields {
            write!(
                f,
                " Also `{}.{}` ({}).",
                self.name,
                multi.name,
                multi.kind.name()
            )?;
        }
        Ok(())
    }
}
