//! How the table of an organization's actions is printed (docs/org-events.md 4).

use std::io::{self, Write};

use super::ActionsFormat;
use crate::pipeline::actions::organization::{ELASTIC, EXTENDED, FAILURES, Pattern, Row};
use crate::process::columns::{Column, columns};

/// The rows as they stand in the file, which the code's and those of the document are made from.
const JSON: &str = include_str!("../../../schemas/organization-actions.json");

const HEADINGS: [&str; 5] = ["Action", "Category", "Type", "Outcome", "Set"];

pub(super) fn write(format: ActionsFormat, out: &mut impl Write) -> io::Result<()> {
    match format {
        ActionsFormat::Table => write_columns(out),
        ActionsFormat::Json => out.write_all(JSON.as_bytes()),
        ActionsFormat::Markdown => write_markdown(out),
        ActionsFormat::Csv => write_csv(out),
    }
}

/// The rows of both sets, each in the order in which they are tried. Those behind them fit actions besides another row,
/// and change their outcome only.
fn rows() -> Vec<[String; 5]> {
    let cells = |row: &Row, set: &str| {
        let (category, kind) = (row.category.join(", "), row.kind.join(", "));
        [row.pattern.text, &category, &kind, row.outcome, set].map(str::to_owned)
    };
    let failure =
        |pattern: &Pattern| [pattern.text, "", "", "failure", "extended"].map(str::to_owned);
    let elastic = ELASTIC.iter().map(|row| cells(row, "elastic"));
    let extended = EXTENDED.iter().map(|row| cells(row, "extended"));
    elastic
        .chain(extended)
        .chain(FAILURES.iter().map(failure))
        .collect()
}

fn write_columns(out: &mut impl Write) -> io::Result<()> {
    use Column::{Left, Ragged};

    let headings = HEADINGS.map(str::to_uppercase);
    let rows: Vec<_> = std::iter::once(headings).chain(rows()).collect();
    let text = columns(&rows, [Left, Left, Left, Left, Ragged]);
    out.write_all(text.as_bytes())
}

fn write_markdown(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "| {} |", HEADINGS.join(" | "))?;
    writeln!(out, "|{}", "---|".repeat(HEADINGS.len()))?;
    for [action, category, kind, outcome, set] in rows() {
        writeln!(
            out,
            "| `{action}` | {category} | {kind} | {outcome} | {set} |"
        )?;
    }
    Ok(())
}

fn write_csv(out: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["action", "category", "type", "outcome", "set"])?;
    for row in rows() {
        writer.write_record(row)?;
    }
    writer.flush()
}
