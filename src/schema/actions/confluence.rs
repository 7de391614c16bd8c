//! How the table of Confluence's actions is printed.

use std::io::{self, Write};

use super::ActionsFormat;
use crate::pipeline::actions::{ACTIONS, Action, Confidence, Names, Notability};
use crate::process::columns::{Column, columns};

/// The rows as they stand in the file, which the code's and those of the documents are made from.
const JSON: &str = include_str!("../../../schemas/actions.json");

/// Prints the table, with a line end.
///
/// # Errors
/// When the output fails.
pub(super) fn write(format: ActionsFormat, out: &mut impl Write) -> io::Result<()> {
    match format {
        ActionsFormat::Table => write_columns(out),
        ActionsFormat::Json => out.write_all(JSON.as_bytes()),
        ActionsFormat::Markdown => write_markdown(out),
        ActionsFormat::Csv => write_csv(out),
    }
}

/// A row for people: the names, what they become, and whether they are notable.
fn cells(action: &Action) -> [String; 7] {
    [
        action.key.unwrap_or_default().to_owned(),
        action.text.unwrap_or_default().to_owned(),
        action.category.join(", "),
        action.kind.join(", "),
        action.outcome.unwrap_or_default().to_owned(),
        elastic(action).to_owned(),
        format!("{}: {}", notable(action), action.reason),
    ]
}

fn elastic(action: &Action) -> &'static str {
    match action.elastic {
        Names::None => "",
        Names::Key => "key",
        Names::Text => "text",
        Names::Both => "key, text",
    }
}

fn notable(action: &Action) -> &'static str {
    match action.notable {
        Notability::Yes => "yes",
        Notability::No => "no",
        Notability::If => "if",
    }
}

fn confidence(action: &Action) -> &'static str {
    match action.confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

const HEADINGS: [&str; 7] = [
    "Data Center key",
    "Text",
    "Category",
    "Type",
    "Outcome",
    "Elastic",
    "Notable",
];

fn write_columns(out: &mut impl Write) -> io::Result<()> {
    use Column::{Left, Ragged};

    let headings = HEADINGS.map(str::to_uppercase);
    let rows = std::iter::once(headings).chain(ACTIONS.iter().map(cells));
    let rows: Vec<_> = rows.collect();
    let text = columns(&rows, [Left, Left, Left, Left, Left, Left, Ragged]);
    out.write_all(text.as_bytes())
}

fn write_markdown(out: &mut impl Write) -> io::Result<()> {
    let mut section = "";
    for action in &ACTIONS {
        if action.section != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            section = action.section;
            let headings = HEADINGS.join(" | ");
            writeln!(out, "{gap}### {section}\n")?;
            writeln!(out, "| {headings} | Where | Seen in |")?;
            writeln!(out, "|{}", "---|".repeat(HEADINGS.len() + 2))?;
        }
        let [key, text, category, kind, outcome, elastic, notable] = cells(action);
        let names = [key, text].map(|name| match name.as_str() {
            "" => name,
            name => format!("`{name}`"),
        });
        let [key, text] = names;
        let place = place(action);
        let seen = format!("{} ({})", action.source, confidence(action));
        let cells = [
            key, text, category, kind, outcome, elastic, notable, place, seen,
        ];
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

/// Category, coverage area and level, as far as they are known.
fn place(action: &Action) -> String {
    let category = action.place.category.join("` or `");
    let category = (!category.is_empty()).then(|| format!("`{category}`"));
    let others = [action.place.area, action.place.level];
    let others = others.into_iter().flatten().map(str::to_owned);
    category
        .into_iter()
        .chain(others)
        .collect::<Vec<_>>()
        .join(", ")
}

fn write_csv(out: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "key",
        "text",
        "category",
        "type",
        "outcome",
        "elastic",
        "notable",
        "reason",
        "log_category",
        "area",
        "level",
        "source",
        "confidence",
        "section",
    ])?;
    for action in &ACTIONS {
        let [key, text, category, kind, outcome, elastic, _] = cells(action);
        let place = &action.place;
        let cells: [&str; 14] = [
            &key,
            &text,
            &category,
            &kind,
            &outcome,
            &elastic,
            notable(action),
            action.reason,
            &place.category.join(", "),
            place.area.unwrap_or_default(),
            place.level.unwrap_or_default(),
            action.source,
            confidence(action),
            action.section,
        ];
        writer.write_record(cells)?;
    }
    writer.flush()
}
