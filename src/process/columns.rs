//! Rows as columns, for people.

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

/// The rows as text, a line each, two spaces between the columns.
#[must_use]
pub fn columns<const N: usize>(rows: &[[String; N]], columns: [Column; N]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).zip(columns);
        let cells = cells.map(|((cell, width), column)| match column {
            Column::Left => format!("{cell:<width$}"),
            Column::Right => format!("{cell:>width$}"),
            Column::Ragged => cell.clone(),
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}
