//! A ranking as a block of lines: name, count and bar of each row.

use super::chart;
use super::line::{Line, fitted, whole};
use crate::process::style::{FAINT, HEADING, PLACE};
use crate::process::width::width;

/// Between two blocks side by side.
const GAP: usize = 3;
/// A block is at least so wide, or it stands alone.
const NARROWEST: usize = 34;

/// The longest text of an address; what stands in its place may be any text.
const LONGEST_ADDRESS: usize = 45;

/// A heading and rows below it.
#[derive(Debug, Default)]
pub struct Block {
    title: String,
    rows: Vec<Row>,
    /// Whether the names are addresses, which nobody can do anything with unless they are whole.
    has_addresses: bool,
}

#[derive(Debug)]
struct Row {
    name: String,
    /// What is said of it besides, with less weight.
    detail: String,
    count: u64,
}

impl Block {
    /// A block without rows.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            rows: Vec::new(),
            has_addresses: false,
        }
    }

    /// A block whose names are addresses.
    #[must_use]
    pub fn of_addresses(title: &str) -> Self {
        Self {
            has_addresses: true,
            ..Self::new(title)
        }
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, name: &str, detail: &str, count: u64) -> Self {
        let (name, detail) = (name.to_owned(), detail.to_owned());
        self.rows.push(Row {
            name,
            detail,
            count,
        });
        self
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn highest(&self) -> u64 {
        let counts = self.rows.iter().map(|row| row.count);
        counts.max().unwrap_or_default()
    }

    /// The columns that it needs without bars.
    fn narrowest(&self) -> usize {
        let names = self.rows.iter().filter(|_| self.has_addresses);
        let widths = names.map(|row| width(&whole(&row.name)));
        let longest = widths.filter(|width| *width <= LONGEST_ADDRESS).max();
        longest.unwrap_or_default() + self.highest().to_string().len() + 2
    }

    /// Its lines, at most so many columns wide.
    #[must_use]
    pub fn lines(&self, columns: usize) -> Vec<Line> {
        let highest = self.highest();
        let digits = highest.to_string().len();
        let bar = (columns / 5).min(24);
        let bar = bar.min(columns.saturating_sub(self.narrowest()));
        let names = columns.saturating_sub(digits + bar + 2);
        let title = Line::default().with(HEADING, &fitted(&self.title, columns));
        let row = |row: &Row| {
            let name = fitted(&row.name, names);
            let mut line = Line::default().plain(&name);
            let left = names.saturating_sub(line.width() + 2);
            if !row.detail.is_empty() && left > 3 {
                line = line.plain("  ").with(FAINT, &fitted(&row.detail, left));
            }
            let count = format!(" {:>digits$} ", row.count);
            let bar = chart::bar(row.count, highest, bar);
            line.up_to(names).plain(&count).with(PLACE, &bar)
        };
        std::iter::once(title)
            .chain(self.rows.iter().map(row))
            .collect()
    }
}

/// Two blocks beside each other where there is room for both, else below each other.
#[must_use]
pub fn beside(left: &Block, right: &Block, columns: usize) -> Vec<Line> {
    let half = columns.saturating_sub(GAP) / 2;
    match (left.is_empty(), right.is_empty()) {
        (true, true) => Vec::new(),
        (false, true) => left.lines(columns),
        (true, false) => right.lines(columns),
        (false, false) if half < NARROWEST.max(left.narrowest()).max(right.narrowest()) => {
            let mut lines = left.lines(columns);
            lines.push(Line::default());
            lines.extend(right.lines(columns));
            lines
        }
        (false, false) => {
            let (mut left, mut right) = (left.lines(half), right.lines(half));
            let most = left.len().max(right.len());
            left.resize_with(most, Line::default);
            right.resize_with(most, Line::default);
            let pairs = left.into_iter().zip(&right);
            pairs
                .map(|(left, right)| left.up_to(half + GAP).and(right))
                .collect()
        }
    }
}
