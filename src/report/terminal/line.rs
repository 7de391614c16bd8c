//! Lines for a terminal: texts that are harmless, in columns by the width that they have there.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::process::shown::Shown as _;
use crate::process::style::Styled;
use crate::process::width::cut;

/// A line, and how many columns it takes.
#[derive(Debug, Clone, Default)]
pub struct Line {
    text: String,
    width: usize,
}

impl Line {
    /// Appends a text, which holds nothing that is harmful.
    #[must_use]
    pub fn with(mut self, style: Style, text: &str) -> Self {
        self.width += text.width();
        // It cannot fail: a string takes everything.
        let _ = write!(self.text, "{}", Styled(style, text));
        self
    }

    /// Appends a text without a color.
    #[must_use]
    pub fn plain(mut self, text: &str) -> Self {
        self.width += text.width();
        self.text.push_str(text);
        self
    }

    /// Fills it with blanks up to a column.
    #[must_use]
    pub fn up_to(self, column: usize) -> Self {
        let blanks = column.saturating_sub(self.width);
        self.plain(&" ".repeat(blanks))
    }

    /// Appends another line.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.text.push_str(&other.text);
        self.width += other.width;
        self
    }

    /// Its text, styles and all.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// The columns that it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }
}

/// A text of a record, without what would move the cursor, turn the direction or not be seen.
#[must_use]
pub fn whole(text: &str) -> String {
    text.shown().to_string()
}

/// The same, cut to at most so many columns.
#[must_use]
pub fn fitted(text: &str, columns: usize) -> String {
    cut(&whole(text), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_into_columns_and_hold_nothing_harmful() {
        for (text, fits) in [
            ("Zoë", "Zoë"),
            ("漢字漢字", "漢字…"),
            ("abcdef", "abcd…"),
            ("\x1b[2J", "\\x1b…"),
            ("\u{202e}a", "\\u{2…"),
        ] {
            assert_eq!(fitted(text, 5), fits);
        }
    }
}
