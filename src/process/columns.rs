//! Rows as columns, for people.

use super::style::{HEADING, Styled};

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Left-aligned.
    Left,
    /// At the right: numbers, which can then be compared.
    Right,
    /// Just behind the column before, as long as they are: what is wide stands last.
    Ragged,
}

/// The rows as text, a line each, two spaces between the columns; the first is the headings.
#[must_use]
pub fn columns<const N: usize>(rows: &[[String; N]], columns: [Column; N]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(widths).zip(columns);
        let cells = cells.map(|((cell, width), column)| match column {
            Column::Left => format!("{cell:<width$}"),
            Column::Right => format!("{cell:>width$}"),
            Column::Ragged => cell.clone(),
        });
        let cells = cells.collect::<Vec<_>>().join("  ");
        let line = cells.trim_end();
        // Behind the padding: a color has no width.
        text += &match at {
            0 => Styled(HEADING, line).to_string(),
            _ => line.to_owned(),
        };
        text.push('\n');
    }
    text
}
