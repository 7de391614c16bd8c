//! How the tables of actions are printed: each data set has one.

mod confluence;
mod organization;

use std::io::{self, Write};

use crate::pipeline::dataset::Dataset;

/// How the table is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionsFormat {
    /// Columns for a terminal.
    Table,
    /// JSON, as the file in `schemas` has it, a row a line.
    Json,
    /// A Markdown table for each section, as the documents have them.
    Markdown,
    /// CSV with headings (RFC 4180, but lines end as here).
    Csv,
}

/// Prints the table of a data set, with a line end.
///
/// # Errors
/// When the output fails.
pub fn write(dataset: Dataset, format: ActionsFormat, out: &mut impl Write) -> io::Result<()> {
    match dataset {
        Dataset::Confluence => confluence::write(format, out),
        Dataset::Organization => organization::write(format, out),
    }
}
